//! Where the programs are. They are built first, so that `cargo test` of this package alone tests what is in the tree.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The three programs.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The daemon.
    pub chatd: PathBuf,
    /// For operators.
    pub chatctl: PathBuf,
    /// For users.
    pub chat: PathBuf,
}

/// The programs, built in the profile of this test. With `QUORATE_BIN_DIR` set they are taken from there as they are:
/// for packages and for programs that were built elsewhere.
///
/// # Panics
/// They cannot be built, or are not where they should be.
pub fn programs() -> &'static Programs {
    static FOUND: OnceLock<Programs> = OnceLock::new();
    FOUND.get_or_init(|| {
        let dir = std::env::var_os("QUORATE_BIN_DIR").map_or_else(build, PathBuf::from);
        let program = |name: &str| {
            let path = dir.join(name);
            assert!(path.is_file(), "{} is not there", path.display());
            path
        };
        Programs {
            chatd: program("chatd"),
            chatctl: program("chatctl"),
            chat: program("chat"),
        }
    })
}

/// Builds them and answers their folder: `TARGET/PROFILE`, where this executable is in `TARGET/PROFILE/deps`.
fn build() -> PathBuf {
    let executable = std::env::current_exe().expect("a running program has a path");
    let dir = executable
        .parent()
        .and_then(Path::parent)
        .expect("cargo puts tests two folders deep")
        .to_owned();
    // Test binaries may run at once. All but the first then find that nothing is left to do.
    let lock = File::create(dir.join("quorate-tests.build")).expect("the target folder is writable");
    lock.lock().expect("a plain file can be locked");
    let profile = match dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let target = dir.parent().expect("a profile's folder is in a target folder");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--workspace", "--bins", "--profile", profile])
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo can be run");
    assert!(status.success(), "the programs do not build");
    dir
}

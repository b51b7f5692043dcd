//! Programs of the system, which tests may not run: scripts, first in the path, that ask the test and do what it answers.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Names of the scripts.
pub(crate) const PROGRAMS: [&str; 7] = [
    "adduser",
    "apt-get",
    "chown",
    "scp",
    "sysctl",
    "systemctl",
    "systemd-analyze",
];
/// Programs of the repository that the page names, by their paths.
pub(crate) const OF_REPOSITORY: [&str; 2] = ["config/package/build", "config/package/try-in-nspawn"];

/// Writes down who calls whom with what, and waits for the answer: an exit code, and what is said.
const ASK: &str = r#"#!/bin/sh
call=$(mktemp "$BOOK_CALLS/XXXXXX")
printf '%s\n' "$BOOK_PLACE" "${0##*/}" "$PWD" "$@" >"$call"
mv "$call" "$call.asked"
until [ -e "$call.done" ]; do
    [ -d "$BOOK_CALLS" ] || exit 1
    sleep 0.02
done
cat "$call.said" >&2
exit "$(cat "$call.done")"
"#;
/// The traces are what a daemon wrote to stderr.
const JOURNALCTL: &str = r#"#!/bin/sh
case "$*" in
"-u chatd -f") exec tail -n 10 -f "$BOOK_TRACE" ;;
"-u chatd" | "-u chatd -p err") exec cat "$BOOK_TRACE" ;;
*) echo "the test does not know: journalctl $*" >&2; exit 1 ;;
esac
"#;

/// A program that was called and waits for its answer.
#[derive(Debug)]
pub(crate) struct Call {
    path: PathBuf,
    pub(crate) place: String,
    pub(crate) program: String,
    pub(crate) dir: PathBuf,
    pub(crate) args: Vec<String>,
}

impl Call {
    /// The calls that wait in this folder.
    pub(crate) fn waiting(calls: &Path) -> Vec<Self> {
        let entries = fs::read_dir(calls).expect("the temp dir can be read");
        let paths = entries.map(|entry| entry.expect("the temp dir can be read").path());
        let asked = paths.filter(|path| path.extension().is_some_and(|ending| ending == "asked"));
        asked.map(Self::read).collect()
    }

    fn read(asked: PathBuf) -> Self {
        let text = fs::read_to_string(&asked).expect("it was written whole");
        let path = asked.with_extension("");
        fs::remove_file(asked).expect("the temp dir is writable");
        let mut lines = text.lines().map(str::to_owned);
        let mut next = || lines.next().expect("a call has three lines and its arguments");
        let (place, program, dir) = (next(), next(), next().into());
        Self {
            path,
            place,
            program,
            dir,
            args: lines.collect(),
        }
    }

    pub(crate) fn answer(self, answer: Result<(), String>) {
        let (code, said) = match answer {
            Ok(()) => ("0", String::new()),
            Err(said) => ("1", format!("{}: {said}\n", self.program)),
        };
        fs::write(self.path.with_extension("said"), said).expect("the temp dir is writable");
        let whole = self.path.with_extension("code");
        fs::write(&whole, code).expect("the temp dir is writable");
        fs::rename(whole, self.path.with_extension("done")).expect("the temp dir is writable");
    }
}

/// Makes the scripts in one folder, and those of the repository in another.
pub(crate) fn write_scripts(bin: &Path, repository: &Path) {
    for program in PROGRAMS {
        write_script(&bin.join(program), ASK);
    }
    write_script(&bin.join("journalctl"), JOURNALCTL);
    for program in OF_REPOSITORY {
        let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(program);
        assert!(real.is_file(), "{program} is not in the repository");
        write_script(&repository.join(program), ASK);
    }
}

fn write_script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the temp dir is writable");
    fs::write(path, text).expect("the temp dir is writable");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is the test's own");
}

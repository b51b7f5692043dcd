//! The units and the packages: what systemd itself thinks of them, where it is installed, and that what is packed is there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use quorate_tests::programs;

/// Of 100, in `systemd-analyze security`'s measure: 2.0 on its scale of 10.
const EXPOSURE_MAX: &str = "--threshold=20";
const UNITS: [&str; 2] = ["chatd.service", "chatd@.service"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs it on both units; none where there is no systemd.
fn analyze(args: &[&str]) -> Option<Vec<(&'static str, Output)>> {
    let dir = tempfile::tempdir().expect("the temp dir is writable");
    let chatd = programs().chatd.display().to_string();
    let look = |unit: &'static str| {
        let text = fs::read_to_string(repository().join("config/systemd").join(unit)).expect("the unit is there");
        let copy = dir.path().join(unit);
        // It wants programs that can be run.
        fs::write(&copy, text.replace("/usr/bin/chatd", &chatd)).expect("the copy can be written");
        match Command::new("systemd-analyze").args(args).arg(&copy).output() {
            Ok(output) => Some((unit, output)),
            Err(_) => {
                println!("systemd-analyze is not here: {args:?} is not asked");
                None
            }
        }
    };
    UNITS.into_iter().map(look).collect()
}

#[test]
fn systemd_finds_no_fault_in_the_units() {
    for (unit, output) in analyze(&["verify", "--man=no"]).unwrap_or_default() {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{unit}: {told}");
        assert!(!told.contains(unit), "{unit}: {told}");
    }
}

#[test]
fn the_units_expose_little() {
    for (unit, output) in analyze(&["security", "--offline=true", EXPOSURE_MAX]).unwrap_or_default() {
        let told = String::from_utf8_lossy(&output.stdout);
        let sum = told.lines().last().unwrap_or_default();
        assert!(output.status.success(), "{unit}: {sum}");
    }
}

#[test]
fn what_the_packages_take_from_the_repository_is_there() {
    for (manifest, package) in [("daemon/Cargo.toml", "chatd"), ("client/chat/Cargo.toml", "chat")] {
        let path = repository().join(manifest);
        let text = fs::read_to_string(&path).expect("the manifest is there");
        let manifest: toml::Table = text.parse().expect("it is TOML");
        let deb = &manifest["package"]["metadata"]["deb"];
        assert_eq!(deb["name"].as_str(), Some(package));
        let assets = deb["assets"].as_array().expect("it has files");
        let sources = assets.iter().filter_map(|asset| asset[0].as_str());
        let others = ["changelog", "maintainer-scripts"]
            .into_iter()
            .filter_map(|key| deb.get(key)?.as_str());
        // The rest is made by config/package/build.
        for source in sources
            .chain(others)
            .filter(|source| !source.contains("/target/package/"))
        {
            assert!(path.with_file_name(source).exists(), "{package}: {source}");
        }
        let changelog = path.with_file_name(deb["changelog"].as_str().expect("it has one"));
        let changelog = fs::read_to_string(changelog).expect("it is there");
        let version = env!("CARGO_PKG_VERSION");
        assert!(
            changelog.starts_with(&format!("{package} ({version}-")),
            "{package}: {changelog}"
        );
    }
}

//! Violations that were planted are found: a rule that never fails would hold anything.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::rule::{Violation, crate_arrows, daemon_arrows, dependency_reasons, files, owned_libraries, parts};

/// A workspace of these files, and what a rule finds in it.
fn found(rule: impl Fn(&Path) -> Vec<Violation>, files: &[(&str, &str)]) -> Vec<String> {
    let dir = TempDir::new().expect("a temporary folder can be made");
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("it is below the folder")).expect("folders can be made");
        fs::write(path, text).expect("files can be written");
    }
    rule(dir.path()).iter().map(Violation::to_string).collect()
}

#[test]
fn an_arrow_against_the_table_between_modules() {
    let store =
        "use std::fs;\nuse crate::{fanout::Hub, session};\n// crate::relay\nconst A: &str = \"crate::relay\";\n";
    let rows = "mod tests {\n    fn f() { super::super::super::super::relay::submit() }\n}\n";
    let expected = [
        "daemon/src/store/mod.rs:2: store may not use crate::session",
        "daemon/src/store/rows/key.rs:2: store may not use crate::relay::submit",
    ];
    assert_eq!(
        found(
            daemon_arrows,
            &[
                ("daemon/src/store/mod.rs", store),
                ("daemon/src/store/rows/key.rs", rows)
            ]
        ),
        expected
    );
}

#[test]
fn more_of_a_module_than_the_table_gives() {
    let session = "use crate::store::{Reader, Store};\nuse crate::store;\nuse quorate_certs::ClusterId;\n";
    let expected = [
        "daemon/src/session/mod.rs:1: session may not use crate::store::Store",
        "daemon/src/session/mod.rs:2: session may not use crate::store",
        "daemon/src/session/mod.rs:3: session may not use quorate_certs::ClusterId",
    ];
    assert_eq!(
        found(daemon_arrows, &[("daemon/src/session/mod.rs", session)]),
        expected
    );
}

#[test]
fn more_of_a_crate_than_a_part() {
    let ctl = "use quorate_daemon::offline::check_file;\nuse quorate_daemon::{offline, store::Store};\n";
    let expected = ["ctl/src/command/x.rs:2: ctl may use offline of quorate_daemon only"];
    assert_eq!(found(parts, &[("ctl/src/command/x.rs", ctl)]), expected);
}

#[test]
fn a_module_without_a_row() {
    let expected = ["daemon/src/gossip.rs:1: module gossip has no row"];
    assert_eq!(found(daemon_arrows, &[("daemon/src/gossip.rs", "")]), expected);
}

#[test]
fn the_program_around_the_daemon_past_the_node() {
    let cli = "use quorate_daemon::node;\nuse quorate_daemon::store::Store;\nuse crate::other;\n";
    let expected = ["daemon/src/cli.rs:2: main may not use quorate_daemon::store::Store"];
    assert_eq!(found(daemon_arrows, &[("daemon/src/cli.rs", cli)]), expected);
}

#[test]
fn a_library_named_by_another_than_its_owner() {
    let files = [
        ("client/src/lib.rs", "use quinn as q;\n"),
        ("transport/src/lib.rs", "use quinn::Endpoint;\n"),
        ("daemon/src/relay/mod.rs", "\nfn f(raft: &openraft::Raft<T>) {}\n"),
        (
            "daemon/src/store/open.rs",
            "use redb::Database;\nuse openraft::Entry;\n",
        ),
        ("daemon/src/store/raft_log/storage.rs", "use openraft::Entry;\n"),
        ("daemon/src/consensus/mod.rs", "use {bytes::Bytes, redb::Database};\n"),
    ];
    let openraft = "only the daemon's consensus and the store's two adapters, and their tests, name openraft";
    let expected = [
        "client/src/lib.rs:1: only transport names quinn".to_owned(),
        "daemon/src/consensus/mod.rs:1: only the daemon's store, and its tests, name redb".to_owned(),
        format!("daemon/src/relay/mod.rs:2: {openraft}"),
        format!("daemon/src/store/open.rs:2: {openraft}"),
    ];
    assert_eq!(found(owned_libraries, &files), expected);
}

#[test]
fn an_arrow_against_the_table_between_crates() {
    let files = [
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"core\", \"protocol\", \"gossip\"]\n",
        ),
        (
            "core/Cargo.toml",
            "[dependencies]\nserde.workspace = true\nrand.workspace = true\n",
        ),
        (
            "protocol/Cargo.toml",
            "[dependencies]\nquorate-core.workspace = true\nquorate-transport.workspace = true\n",
        ),
        (
            "client/Cargo.toml",
            "[dev-dependencies]\nquinn = { workspace = true }\n",
        ),
    ];
    let expected = [
        "Cargo.toml:2: crate gossip has no row",
        "core/Cargo.toml:3: the core may not use rand",
        "protocol/Cargo.toml:3: protocol may not use quorate_transport",
        "client/Cargo.toml:2: only transport names quinn",
    ];
    assert_eq!(found(crate_arrows, &files), expected);
}

#[test]
fn a_long_file_and_an_empty_name() {
    let long = "//\n".repeat(601);
    let tested = format!(
        "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
        "//\n".repeat(600),
        "//\n".repeat(300)
    );
    let files_ = [
        ("ctl/src/a.rs", long.as_str()),
        ("ctl/src/b.rs", &tested),
        ("ctl/src/utils/c.rs", ""),
    ];
    let expected = [
        "ctl/src/a.rs:601: 601 lines without its tests: over 600, a file holds two things",
        "ctl/src/utils/c.rs:1: the name utils says nothing",
    ];
    assert_eq!(found(files, &files_), expected);
}

#[test]
fn a_dependency_that_nobody_explains() {
    let text = "[workspace.dependencies]\n# A group.\na = \"1\"\nb = \"1\"\n\nc = \"1\"\n# Why.\nd = \"1\"\n";
    let expected = ["Cargo.toml:6: nothing says why c is there"];
    assert_eq!(found(dependency_reasons, &[("Cargo.toml", text)]), expected);
}

//! What `chatctl` does to backups, and with answers about the log and the state.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

mod daemon;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use daemon::Daemon;
use serde_json::Value;
use tempfile::TempDir;

fn run(socket: impl AsRef<Path>, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chatctl"))
        .args(args)
        .env("CHATCTL_SOCKET", socket.as_ref())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn offline(args: &[&str]) -> Output {
    run("/nonexistent/admin.sock", args)
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn error(output: &Output) -> Value {
    let text = std::str::from_utf8(&output.stderr).unwrap();
    let told: Value = serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{error} in {text}"));
    told["error"].clone()
}

/// A folder and a file in it.
fn with_file(bytes: &[u8]) -> (TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("chat.qbk");
    fs::write(&path, bytes).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}

#[test]
fn a_file_that_is_no_backup_is_told_from_one_that_is_not_there() {
    let (_dir, path) = with_file(b"hello, this is a letter and nothing else");
    for command in ["inspect", "verify"] {
        let output = offline(&["-o", "json", "snapshot", command, &path]);
        assert_eq!(
            (code(&output), error(&output)["code"].as_str()),
            (1, Some("not-a-backup"))
        );
        let output = offline(&["-o", "json", "snapshot", command, "/nonexistent/chat.qbk"]);
        assert_eq!((code(&output), error(&output)["code"].as_str()), (3, Some("not-found")));
    }
}

#[test]
fn what_a_daemon_sends_that_is_no_backup_leaves_no_file() {
    let daemon = Daemon::answering("200 OK", "this is no backup");
    let (dir, path) = with_file(b"the backup of yesterday");
    let output = run(&daemon.path, &["-o", "json", "snapshot", "save", &path]);
    assert_eq!(
        (code(&output), error(&output)["code"].as_str()),
        (1, Some("not-a-backup"))
    );
    assert_eq!(fs::read(&path).unwrap(), b"the backup of yesterday");
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        1,
        "nothing is left of the new one"
    );
}

#[test]
fn a_daemon_that_makes_no_backup_says_why() {
    let daemon = Daemon::answering(
        "503 Service Unavailable",
        r#"{"error":{"code":"busy","message":"2 backups are being made already","hint":"ask again"}}"#,
    );
    let (_dir, path) = with_file(b"");
    let output = run(&daemon.path, &["-o", "json", "snapshot", "save", &path]);
    assert_eq!((code(&output), error(&output)["code"].as_str()), (1, Some("busy")));
    let output = offline(&["-o", "json", "snapshot", "save", &path]);
    assert_eq!(code(&output), 6, "no daemon is there");
}

#[test]
fn a_restore_asks_for_a_new_cluster_and_an_empty_directory() {
    let (dir, path) = with_file(b"whatever");
    let to = dir.path().to_str().unwrap();
    let output = offline(&["-o", "json", "snapshot", "restore", &path, "--data-dir", to]);
    assert_eq!((code(&output), error(&output)["code"].as_str()), (7, Some("refused")));
    let full = [
        "-o",
        "json",
        "snapshot",
        "restore",
        &path,
        "--new-cluster",
        "--data-dir",
        to,
    ];
    let output = offline(&full);
    assert_eq!(code(&output), 7);
    assert!(
        error(&output)["message"]
            .as_str()
            .unwrap()
            .contains("chat.qbk is there")
    );
    let fresh = dir.path().join("fresh");
    let output = offline(&[&full[..7], &[fresh.to_str().unwrap()]].concat());
    assert_eq!(code(&output), 1, "the backup is none");
    assert!(!fresh.exists());
}

#[test]
fn nothing_is_recovered_where_no_node_is() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().to_str().unwrap();
    let output = offline(&[
        "recover",
        "quorum",
        "--data-dir",
        at,
        "--keep-self",
        "--i-accept-data-loss",
    ]);
    assert_eq!(code(&output), 3);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn states_that_differ_are_exit_1_and_equal_ones_are_exit_0() {
    let verify = |equal: bool, result: &str| {
        format!(
            r#"{{"equal":{equal},"index":64,"compared":1,"nodes":[{{"id":1,"result":"match","hash":"0a","newest":64}},{{"id":2,"result":"{result}","hash":"0b","newest":64}}]}}"#
        )
    };
    let differ = Daemon::answering("200 OK", verify(false, "mismatch").leak());
    let output = run(&differ.path, &["raft", "verify"]);
    assert_eq!(code(&output), 1);
    assert!(String::from_utf8(output.stdout).unwrap().contains("mismatch"));
    let equal = Daemon::answering("200 OK", verify(true, "match").leak());
    assert_eq!(code(&run(&equal.path, &["raft", "verify"])), 0);
}

#[test]
fn a_node_without_others_is_equal_to_itself() {
    let body = r#"{"equal":true,"index":7,"compared":0,"nodes":[{"id":1,"result":"match","hash":"0a","newest":7}]}"#;
    let daemon = Daemon::answering("200 OK", body);
    let output = run(&daemon.path, &["raft", "verify"]);
    assert_eq!(code(&output), 0);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("there is no other node to compare with"), "{told}");
}

/// "No two nodes differ" is true of nodes that were not compared as well, and says nothing.
#[test]
fn states_that_were_not_compared_are_exit_5_with_the_reason() {
    let node = |id: u64, result: &str| format!(r#"{{"id":{id},"result":"{result}","hash":null,"newest":null}}"#);
    for (nodes, why) in [
        (
            vec![node(1, "match"), node(2, "not-reachable"), node(3, "not-reachable")],
            "n2, n3 do not answer",
        ),
        (vec![node(1, "match"), node(2, "not-reachable")], "n2 does not answer"),
        (
            vec![node(1, "no-hash"), node(2, "no-hash"), node(3, "not-reachable")],
            "no two nodes have noted a hash at one index yet",
        ),
    ] {
        let nodes = nodes.join(",");
        let body = format!(r#"{{"equal":true,"index":null,"compared":0,"nodes":[{nodes}]}}"#);
        let daemon = Daemon::answering("200 OK", body.leak());
        let output = run(&daemon.path, &["raft", "verify"]);
        assert_eq!(code(&output), 5);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.starts_with(&format!("! nothing was compared: {why}")), "{told}");
    }
}

#[test]
fn the_log_is_a_table_in_which_secrets_are_called_so() {
    let log = r#"{"first":1,"last":2,"next":null,"entries":[
        {"index":1,"term":3,"leader":2,"kind":"command","command":"register-user","at":"2026-11-22T17:35:22.000Z","bytes":150,"voters":[],"learners":[],"raw":null,"redacted":true},
        {"index":2,"term":3,"leader":2,"kind":"membership","command":null,"at":null,"bytes":0,"voters":[1,2],"learners":[3],"raw":null,"redacted":false}]}"#;
    let daemon = Daemon::answering("200 OK", log);
    let output = run(&daemon.path, &["raft", "log", "--raw"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("register-user") && text.contains("(secret)"), "{text}");
    assert!(text.contains("voters n1 n2, learners n3"), "{text}");
}

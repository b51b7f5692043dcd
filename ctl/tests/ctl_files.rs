//! The commands that need no daemon: a new cluster's files, completions, manual pages, help.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use quorate_formation::ClusterFile;
use serde_json::Value;

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chatctl"))
        .args(args)
        .env("CHATCTL_SOCKET", "/nonexistent/admin.sock")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn new_cluster(dir: &Path, more: &[&str]) -> Output {
    let three = [
        "--node",
        "1=127.0.0.1:17400,127.0.0.1:17401",
        "--node",
        "2=127.0.0.1:27400,127.0.0.1:27401",
        "--node",
        "3=[::1]:37400,h3:37401",
    ];
    run(&[&["cluster", "new", "--dir", dir.to_str().unwrap()], &three[..], more].concat())
}

#[test]
fn cluster_new_writes_what_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("c");
    let output = new_cluster(&target, &["--name", "ops", "-o", "json"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let file = ClusterFile::load(&target.join("cluster.toml")).unwrap();
    assert_eq!(answer["data"]["name"], "ops");
    assert_eq!(answer["data"]["id"], file.id().as_str());
    assert_eq!(answer["data"]["ca"], file.ca().to_string());
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 0);
    for node in answer["data"]["nodes"].as_array().unwrap() {
        assert!(Path::new(node["config"].as_str().unwrap()).is_file(), "{node}");
    }
    assert_eq!(answer["data"]["nodes"][2]["client_addr"], "[::1]:37400");
    assert_eq!(answer["data"]["nodes"][2]["peer_addr"], "h3:37401");
}

#[test]
fn cluster_new_leaves_a_folder_with_something_in_it_alone_and_exits_7() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine"), "x").unwrap();
    for more in [&[][..], &["--dry-run"]] {
        let output = new_cluster(dir.path(), &[more, &["-o", "json"]].concat());
        assert_eq!(code(&output), 7);
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(error["error"]["code"], "refused");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn cluster_new_refuses_nodes_that_cannot_be_a_cluster_and_exits_2() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("c");
    for node in [
        "1=h:1,h:2",
        "4=127.0.0.1:17400,h:2",
        "0=h:1,h:2",
        "4=h:1",
        "4=h,h:2",
        "x=h:1,h:2",
        "4=h:1,h:1",
    ] {
        let output = new_cluster(&target, &["--node", node]);
        assert_eq!(code(&output), 2, "{node}: {}", text(&output.stderr));
        assert!(!target.exists(), "{node}");
    }
    assert_eq!(
        code(&run(&["cluster", "new", "--dir", target.to_str().unwrap()])),
        2,
        "no node at all"
    );
}

#[test]
fn cluster_new_with_dry_run_writes_nothing_and_an_even_number_is_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("c");
    let output = new_cluster(&target, &["--node", "4=h4:1,h4:2", "--dry-run"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("n4    h4:1"), "{}", text(&output.stdout));
    assert!(
        text(&output.stderr).contains("! 4 nodes tolerate no more failures than 3 do"),
        "{}",
        text(&output.stderr)
    );
    assert!(!target.exists());
}

#[test]
fn completions_are_there_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert_eq!(code(&output), 0);
        assert!(text(&output.stdout).contains("min-tolerance"), "{shell}");
    }
    assert_eq!(code(&run(&["completions", "csh"])), 2);
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man1");
    let output = run(&["man", pages.to_str().unwrap()]);
    assert_eq!(code(&output), 0);
    for name in [
        "chatctl",
        "chatctl-status",
        "chatctl-cluster-new",
        "chatctl-member-show",
        "chatctl-raft-info",
    ] {
        let page = std::fs::read_to_string(pages.join(format!("{name}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{name}");
    }
    assert_eq!(
        text(&output.stdout).lines().count(),
        std::fs::read_dir(&pages).unwrap().count()
    );
}

#[test]
fn help_and_version_are_data() {
    let output = run(&["--version"]);
    assert_eq!((code(&output), text(&output.stdout)), (0, "chatctl 0.1.0\n"));
    let commands = [
        &[][..],
        &["status"],
        &["health"],
        &["cluster"],
        &["cluster", "new"],
        &["member"],
        &["member", "list"],
        &["member", "show"],
        &["leader"],
        &["leader", "show"],
        &["raft"],
        &["raft", "info"],
        &["metrics"],
        &["version"],
        &["completions"],
        &["man"],
    ];
    for command in commands {
        let output = run(&[command, &["--help"]].concat());
        assert_eq!((code(&output), text(&output.stderr)), (0, ""), "{command:?}");
        let help = text(&output.stdout);
        for option in [
            "--socket",
            "--timeout",
            "--output",
            "--stale",
            "--watch",
            "--dry-run",
            "--no-wait",
            "--color",
        ] {
            assert!(help.contains(option), "{command:?} lacks {option}");
        }
    }
}

//! Watching and turning: the real program against a made-up daemon.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

mod daemon;

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use daemon::Daemon;
use serde_json::{Value, json};

fn chatctl(daemon: &Daemon, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatctl"));
    command
        .args(args)
        .env("CHATCTL_SOCKET", &daemon.path)
        .stdin(Stdio::null());
    command
}

fn run(daemon: &Daemon, args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = chatctl(daemon, args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

fn data(daemon: &Daemon, args: &[&str]) -> Value {
    let (code, stdout, stderr) = run(daemon, &[&["-o", "json"], args].concat());
    assert_eq!(code, Some(0), "{stderr}");
    serde_json::from_str::<Value>(&stdout).unwrap()["data"].clone()
}

#[test]
fn status_shows_round_trips_syncs_disks_and_certificates_in_both_forms() {
    let daemon = Daemon::healthy();
    let node = &data(&daemon, &["status"])["nodes"][1];
    assert_eq!(
        (&node["rtt_us"], &node["fsync_p99_us"], &node["disk_free_bytes"]),
        (&json!(380), &json!(1900), &json!(41_u64 << 30))
    );
    let (_, table, _) = run(&daemon, &["status"]);
    let row = table.lines().nth(3).unwrap();
    for shown in ["380us", "1.9ms", "112", "120.6KiB", "41%", "expired"] {
        assert!(row.split_whitespace().any(|word| word == shown), "{shown} in {row}");
    }
    assert!(run(&daemon, &["status", "-o", "wide"]).1.contains("+90000ms"));
}

#[test]
fn doctor_exits_5_when_a_check_fails_and_prints_the_line_that_mends_it() {
    let (code, text, _) = run(&Daemon::healthy(), &["doctor"]);
    assert_eq!(code, Some(5), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    let at = lines
        .iter()
        .position(|line| *line == "clock of n2: failed: 90s ahead")
        .unwrap();
    assert_eq!(lines[at + 1], "    timedatectl set-ntp true    (on n2)");
    assert!(text.contains("certificate of n2: failed: it has expired"), "{text}");
    assert!(text.contains("    chatctl certs renew --node 2"), "{text}");
    assert!(lines.last().unwrap().starts_with("2 failed, "), "{text}");
}

#[test]
fn top_is_one_sample_where_there_is_no_screen() {
    let daemon = Daemon::healthy();
    let top = data(&daemon, &["top"]);
    assert_eq!((&top["leader"], &top["sessions"]), (&json!(3), &json!(336)));
    assert_eq!(top["nodes"][0]["posts_per_second"], 0.0);
    assert!(top["seconds"].as_f64().unwrap() >= 1.0);
    let (code, text, _) = run(&daemon, &["top"]);
    assert_eq!(code, Some(0));
    assert!(
        text.starts_with("posts 0/s  commits 0/s  delivered 0/s  sessions 336  leader n3\n"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 5, "{text}");
}

#[test]
fn events_are_listed_and_followed_a_line_each() {
    let daemon = Daemon::healthy();
    assert_eq!(data(&daemon, &["events"]).as_array().unwrap().len(), 2);
    let (_, text, _) = run(&daemon, &["events", "-n", "1", "--no-headers"]);
    assert_eq!(text, "2026-11-22T17:35:22.007Z  peer-up  n2  n2 does not answer\n");
    for form in ["jsonl", "json", "table"] {
        let mut child = chatctl(&daemon, &["events", "-f", "-o", form])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told: Vec<String> = lines.take(3).map(Result::unwrap).collect();
        assert!(
            told[0].contains("n3 leads in term 4") && told[2].contains("n2 answers again"),
            "{told:?}"
        );
        if form != "table" {
            assert!(
                told.iter().all(|line| serde_json::from_str::<Value>(line).is_ok()),
                "{told:?}"
            );
        }
        let _ = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
    }
}

#[test]
fn a_config_is_shown_with_the_places_that_it_comes_from() {
    let daemon = Daemon::healthy();
    let given = data(&daemon, &["config", "show"]);
    assert_eq!(given.as_array().unwrap().len(), 1);
    assert_eq!(
        (&given[0]["key"], &given[0]["place"]),
        (&json!("log.level"), &json!("/etc/chatd/chatd.toml:12"))
    );
    assert_eq!(
        data(&daemon, &["config", "show", "--effective"])
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let (code, text, stderr) = run(&daemon, &["config", "reload"]);
    assert!(code == Some(0) && text.contains("log.level"), "{text}");
    assert!(
        stderr.contains("! raft.hand_back will be in effect after a restart"),
        "{stderr}"
    );
    let (_, _, stderr) = run(&daemon, &["config", "reload", "--dry-run"]);
    assert!(stderr.contains("dry run"), "{stderr}");
}

#[test]
fn a_log_level_is_shown_and_set_for_a_while() {
    let daemon = Daemon::healthy();
    assert_eq!(data(&daemon, &["log-level", "get"])["configured"], "info");
    let set = data(&daemon, &["log-level", "set", "debug", "--for", "10m"]);
    assert_eq!(
        (&set["level"], &set["until"]),
        (&json!("debug"), &json!("2026-11-22T17:35:22.007Z"))
    );
    assert_eq!(run(&daemon, &["log-level", "set", "debug", "--for", "10"]).0, Some(2));
}

#[test]
fn the_versions_of_all_nodes_are_told() {
    let versions = data(&Daemon::healthy(), &["version", "--cluster"]);
    assert_eq!(versions["nodes"][2], json!({"id": 3, "version": "0.1.0"}));
}

#[test]
fn a_bundle_is_a_tar_file_for_its_owner_that_names_what_could_not_be_had() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("d.tar");
    let name = file.to_str().unwrap();
    let well = Daemon::healthy();
    let made = data(&well, &["debug", "bundle", name]);
    assert_eq!(made["missing"], json!([]));
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let mut entries = Vec::new();
    for entry in tar::Archive::new(std::fs::File::open(&file).unwrap())
        .entries()
        .unwrap()
    {
        let entry = entry.unwrap();
        entries.push(entry.path().unwrap().display().to_string());
    }
    assert_eq!(entries[0], "chatd-debug/manifest.json");
    assert_eq!(entries.len(), made["entries"].as_array().unwrap().len());
    for name in ["doctor.json", "events.jsonl", "metrics.txt", "config.json", "raft.json"] {
        assert!(entries.contains(&format!("chatd-debug/{name}")), "{entries:?}");
    }

    assert_eq!(
        run(&well, &["debug", "bundle", name]).0,
        Some(7),
        "what is there is not replaced"
    );
    let (code, _, stderr) = run(&Daemon::answering("200 OK", "<html>"), &["-y", "debug", "bundle", name]);
    assert_eq!(code, Some(0));
    assert!(
        stderr.contains("! raft.json: the daemon's answer is not understood"),
        "{stderr}"
    );
    let to_stdout = chatctl(&well, &["debug", "bundle", "-"]).output().unwrap().stdout;
    assert!(tar::Archive::new(to_stdout.as_slice()).entries().unwrap().count() > 5);
    let dry = dir.path().join("dry.tar");
    assert_eq!(
        run(&well, &["debug", "bundle", dry.to_str().unwrap(), "--dry-run"]).0,
        Some(0)
    );
    assert!(!dry.exists());
}

//! Commands, their output and their exit codes.

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::setup::{Setup, chat, code, error_code, run, text};

#[test]
fn help_and_version_go_to_stdout_and_end_with_0() {
    let home = tempfile::tempdir().unwrap();
    for args in [
        &["--help"][..],
        &["--version"],
        &["send", "--help"],
        &["bench", "post", "--help"],
    ] {
        let output = run(chat(&home).args(args), "");
        assert_eq!(code(&output), 0, "{args:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn completions_and_man_pages_are_made() {
    let home = tempfile::tempdir().unwrap();
    assert!(text(&run(chat(&home).args(["completions", "bash"]), "").stdout).contains("_chat"));
    let dir = home.path().join("man");
    assert_eq!(code(&run(chat(&home).arg("man").arg(&dir), "")), 0);
    assert!(dir.join("chat.1").exists() && dir.join("chat-send.1").exists());
}

#[test]
fn a_wrong_command_line_ends_with_2_and_a_missing_login_with_4() {
    let home = tempfile::tempdir().unwrap();
    for args in [&["nonsense"][..], &["send"], &["history", "ops", "-n", "x"], &["rpc"]] {
        assert_eq!(code(&run(chat(&home).args(args), "")), 2, "{args:?}");
    }
    let output = run(chat(&home).args(["--json", "whoami"]), "");
    assert_eq!((code(&output), error_code(&output).as_str()), (4, "not-logged-in"));
}

#[test]
fn a_wrong_command_line_is_told_in_json_where_that_is_asked_for() {
    let home = tempfile::tempdir().unwrap();
    for args in [
        &["--json", "nonsense"][..],
        &["--json"],
        &["send", "--json"],
        &["role", "ops", "bob", "king", "--json"],
    ] {
        let output = run(chat(&home).args(args), "");
        assert_eq!((code(&output), error_code(&output).as_str()), (2, "usage"), "{args:?}");
        assert!(output.stdout.is_empty());
    }
    let output = run(chat(&home).args(["send", "ops", "--", "--json"]), "");
    assert_eq!(code(&output), 4, "a text may look like a flag");
    let output = run(chat(&home).args(["--json", "--help"]), "");
    assert_eq!((code(&output), output.stderr.is_empty()), (0, true));
}

#[test]
fn without_a_node_a_command_ends_with_6_within_35_seconds() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = silent.local_addr().unwrap().to_string();
    let home = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let args = ["--json", "login", "--server", &addr, "--user", "al", "--password-stdin"];
    let output = run(chat(&home).args(args), "secret\n");
    assert_eq!(
        (code(&output), error_code(&output).as_str()),
        (6, "no-node"),
        "{output:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(35));
}

#[test]
fn what_is_sent_is_printed_by_history_and_tail() {
    let setup = Setup::new().registered();
    assert_eq!(text(&setup.run(&["whoami"], "").stdout), "alice\n");
    assert_eq!(code(&setup.run(&["create", "ops"], "")), 0);
    assert_eq!(text(&setup.run(&["send", "ops", "hi"], "").stdout), "2\n");
    assert_eq!(
        text(&setup.run(&["send", "ops", "-", "--id", "k"], "from stdin\n").stdout),
        "3\n"
    );
    assert_eq!(
        text(&setup.run(&["send", "ops", "again", "--id", "k"], "").stdout),
        "3\n"
    );
    let sent: Value = serde_json::from_slice(&setup.run(&["--json", "send", "ops", "x"], "").stdout).unwrap();
    assert_eq!((&sent["seq"], &sent["room"]), (&json!(4), &json!("ops")));
    for args in [&["history", "ops", "--json"][..], &["tail", "ops", "--json"]] {
        let output = text(&setup.run(args, "").stdout);
        let events: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(events.len(), 4);
        assert_eq!((&events[0]["kind"], &events[0]["seq"]), (&json!("join"), &json!(1)));
        assert_eq!(events[2]["body"], "from stdin");
        assert_eq!(events[2]["id"], "k");
        assert_eq!(events[1]["author"], "alice");
        let at = events[1]["at"].as_str().unwrap();
        assert_eq!((at.len(), at.ends_with('Z')), (24, true), "{at}");
    }
}

#[test]
fn tail_with_a_cursor_goes_on_after_what_it_printed() {
    let setup = Setup::new().registered();
    setup.print(&["create", "ops"]);
    setup.print(&["send", "ops", "one"]);
    let bodies = |args: &[&str]| -> Vec<Value> {
        let objects = setup.objects(&[&["tail", "ops", "--cursor", "pager"], args].concat());
        objects.into_iter().map(|mut event| event["body"].take()).collect()
    };
    assert_eq!(bodies(&["-n", "1"]), ["one"]);
    assert!(bodies(&[]).is_empty(), "nothing has come since");
    setup.print(&["send", "ops", "two"]);
    setup.print(&["send", "ops", "three"]);
    assert_eq!(bodies(&[]), ["two", "three"]);
    // Following, too, and killed without a word.
    setup.print(&["send", "ops", "four"]);
    let args = ["tail", "-f", "ops", "--cursor", "pager", "--json"];
    let mut tail = setup.chat().args(args).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("four"));
    setup.print(&["send", "ops", "five"]);
    assert!(lines.next().unwrap().unwrap().contains("five"));
    let (code, error) = setup.refused(&["tail", "ops", "--cursor", "pager"]);
    assert_eq!((code, error.as_str()), (1, "cursor-in-use"));
    setup.print(&["send", "ops", "six"]);
    assert!(lines.next().unwrap().unwrap().contains("six"));
    tail.kill().unwrap();
    tail.wait().unwrap();
    setup.print(&["send", "ops", "seven"]);
    let left = bodies(&[]);
    // It was killed between printing a line and saying so, or after it: a line may come again, and none is missing.
    assert_eq!(left.last().unwrap(), "seven");
    assert!(left == ["seven"] || left == ["six", "seven"], "{left:?}");
}

#[test]
fn refusals_have_their_exit_codes() {
    let setup = Setup::new().registered();
    assert_eq!(code(&setup.run(&["send", "nowhere", "hi"], "")), 3);
    assert_eq!(code(&setup.run(&["create", "ops"], "")), 0);
    let output = setup.run(&["--json", "create", "ops"], "");
    assert_eq!((code(&output), error_code(&output).as_str()), (1, "name-taken"));
    for long in ["x".repeat(70_000), "\u{1f980}".repeat(20_000)] {
        let output = setup.run(&["--json", "send", "ops", "-"], &long);
        assert_eq!((code(&output), error_code(&output).as_str()), (1, "too-large"));
    }
    assert_eq!(
        setup.refused(&["retention", "ops", "--max-age", "30s"]),
        (2, "usage".to_owned())
    );
}

#[test]
fn a_changed_ca_ends_with_7() {
    let setup = Setup::new().registered();
    let other = Setup::new();
    let args = [
        "--json",
        "login",
        "--server",
        &other.node.addr,
        "--user",
        "alice",
        "--password-stdin",
    ];
    let output = setup.run(&args, "secret\n");
    assert_eq!((code(&output), error_code(&output).as_str()), (7, "untrusted"));
}

#[test]
#[cfg(unix)]
fn tail_follows_until_it_is_interrupted_and_ends_with_130() {
    let setup = Setup::new().registered();
    setup.run(&["create", "ops"], "");
    let mut tail = setup.chat().args(["tail", "-f", "ops", "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("join"));
    setup.run(&["send", "ops", "hi"], "");
    assert!(lines.next().unwrap().unwrap().contains("\"body\":\"hi\""));
    interrupt(&tail);
    assert_eq!(tail.wait().unwrap().code(), Some(130));
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_a_program_that_reads_stdin_with_130() {
    let setup = Setup::new().registered();
    setup.run(&["create", "ops"], "");
    for args in [&["send", "ops", "-"][..], &["passwd", "--password-stdin"]] {
        let sessions = setup.node.sessions();
        let mut child = setup.chat().args(args).spawn().unwrap();
        // To wait for it would close it.
        let _stdin = child.stdin.take();
        // Before that it does not listen yet.
        wait_until(|| setup.node.sessions() > sessions);
        interrupt(&child);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{args:?}");
    }
}

/// Once a later and unrelated command did what somebody had interrupted.
#[test]
#[cfg(unix)]
fn what_is_interrupted_before_it_was_sent_does_not_happen_later() {
    let setup = Setup::new().registered();
    setup.run(&["create", "ops"], "");
    // What is under way may happen: nothing must be.
    setup.stop();
    let log = setup.home.path().join("default/outbox/alice/0.log");
    let kept_bytes = || log.metadata().unwrap().len();
    for args in [&["send", "ops", "never"][..], &["create", "never"]] {
        let before = kept_bytes();
        let mut child = setup.chat().args(args).spawn().unwrap();
        wait_until(|| kept_bytes() > before);
        interrupt(&child);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{args:?}");
    }
    let node = setup.another_node();
    // The profile keeps where it is.
    assert!(setup.run(&["rpc", "--server", &node.addr], "").status.success());
    setup.print(&["send", "ops", "last"]);
    assert_eq!(setup.cluster.bodies("ops"), ["last"]);
    assert_eq!(code(&setup.run(&["create", "never"], "")), 0, "the name is free");
}

#[cfg(unix)]
fn wait_until(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let setup = Setup::new().registered();
    setup.run(&["create", "ops"], "");
    let mut tail = setup.chat().args(["tail", "-f", "ops"]).spawn().unwrap();
    drop(tail.stdout.take());
    let began = Instant::now();
    while tail.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(20));
        setup.run(&["send", "ops", "hi"], "");
    }
    let output = tail.wait_with_output().unwrap();
    assert_eq!(code(&output), 0);
    assert!(!text(&output.stderr).contains("panicked"));
}

//! The real program against a made-up daemon.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

mod daemon;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use daemon::Daemon;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_chatctl");
const NOWHERE: &str = "/nonexistent/admin.sock";

fn chatctl(socket: impl AsRef<Path>, args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(args)
        .env("CHATCTL_SOCKET", socket.as_ref())
        .stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

fn run(socket: impl AsRef<Path>, args: &[&str]) -> Output {
    chatctl(socket, args).output().unwrap()
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

#[test]
fn status_in_json_has_the_envelope_and_the_fields_of_the_contract() {
    let daemon = Daemon::healthy();
    // Global options stand before or after the command.
    for args in [
        ["-o", "json", "status"],
        ["status", "-o", "json"],
        ["status", "--output", "json"],
    ] {
        let output = run(&daemon.path, &args);
        assert_eq!(code(&output), 0, "{}", err(&output));
        let answer = json(out(&output));
        assert_eq!(answer["schema"], "chatctl/1");
        assert_eq!(answer["data"]["cluster"]["leader"], 3);
        assert_eq!(answer["data"]["nodes"].as_array().unwrap().len(), 3);
        assert_eq!(answer["data"]["this_node"], 1);
        let warnings: Vec<&str> = answer["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|w| w.as_str().unwrap())
            .collect();
        assert_eq!(
            warnings,
            [
                "the clock of n2 is 90s ahead of that of n1",
                "the certificate of n2 has expired"
            ]
        );
        assert!(
            answer["data"].get("warnings").is_none(),
            "they are in the envelope alone"
        );
    }
}

#[test]
fn status_for_people_is_data_on_stdout_and_warnings_on_stderr() {
    let daemon = Daemon::healthy();
    let output = run(&daemon.path, &["status"]);
    let lines: Vec<&str> = out(&output).lines().collect();
    assert_eq!(
        lines[0],
        "cluster ops  3 voters, 3 up  tolerates 1 more failure  leader n3 (term 4)  commit 918,224"
    );
    assert!(lines[1].starts_with("NODE  ROLE   STATE  ADDR"), "{}", lines[1]);
    assert!(lines[4].starts_with("n3*   voter  up     h3:7400"), "{}", lines[4]);
    assert_eq!(lines.len(), 5);
    assert!(lines.iter().all(|line| !line.ends_with(' ') && !line.contains('\x1b')));
    assert!(err(&output).contains("! the certificate of n2 has expired"));
    let output = run(&daemon.path, &["status", "--no-headers", "-q"]);
    assert_eq!(out(&output).lines().count(), 3);
    assert_eq!(err(&output), "");
    assert!(out(&run(&daemon.path, &["status", "-o", "wide"])).contains("PEER-ADDR"));
}

#[test]
fn colours_are_used_only_where_they_were_asked_for() {
    let daemon = Daemon::healthy();
    assert!(out(&run(&daemon.path, &["status", "--color", "always"])).contains('\x1b'));
    assert!(!out(&run(&daemon.path, &["status", "--color=never"])).contains('\x1b'));
    let forced = chatctl(&daemon.path, &["status"])
        .env("CLICOLOR_FORCE", "1")
        .output()
        .unwrap();
    assert!(out(&forced).contains('\x1b'));
    let refused = chatctl(&daemon.path, &["status"])
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(!out(&refused).contains('\x1b'));
}

#[test]
fn members_the_leader_and_raft_are_shown_in_both_forms() {
    let daemon = Daemon::healthy();
    let rows = run(&daemon.path, &["-o", "jsonl", "member", "list"]);
    let ids: Vec<u64> = out(&rows)
        .lines()
        .map(|line| json(line)["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids, [1, 2, 3]);
    for id in ["3", "n3"] {
        let node = run(&daemon.path, &["-o", "json", "member", "show", id]);
        assert_eq!(json(out(&node))["data"]["client_addr"], "h3:7400");
    }
    let leader = run(&daemon.path, &["-o", "json", "leader", "show"]);
    assert_eq!(json(out(&leader))["data"]["id"], 3);
    let raft = run(&daemon.path, &["-o", "json", "raft", "info"]);
    let data = &json(out(&raft))["data"];
    for field in [
        "id",
        "term",
        "vote",
        "last_log_index",
        "committed",
        "applied",
        "snapshot_index",
        "purged",
    ] {
        assert!(data.get(field).is_some(), "{field}");
    }
    assert_eq!(data["state_hash"], serde_json::json!({"index": 900, "hash": "00ff"}));
    assert!(out(&run(&daemon.path, &["raft", "info"])).contains("last log index  918,226"));
    assert!(out(&run(&daemon.path, &["member", "show", "3"])).contains("client address"));
    assert!(out(&run(&daemon.path, &["leader", "show"])).contains("n3"));
}

#[test]
fn without_a_quorum_status_exits_6_unless_stale() {
    let daemon = Daemon::without_quorum();
    for args in [
        &["status"][..],
        &["member", "list"],
        &["leader", "show"],
        &["cluster", "status"],
    ] {
        let output = run(&daemon.path, args);
        assert_eq!((code(&output), out(&output)), (6, ""), "{args:?}");
        assert!(err(&output).starts_with("error: no quorum: 1 of 3"), "{}", err(&output));
        assert!(err(&output).contains("\nhint: n3 led last"), "{}", err(&output));
    }
    let output = run(&daemon.path, &["-o", "json", "status"]);
    assert_eq!(code(&output), 6);
    assert_eq!(json(err(&output))["error"]["code"], "no-quorum");
    assert_eq!(code(&run(&daemon.path, &["status", "--stale"])), 0);
    assert_eq!(code(&run(&daemon.path, &["raft", "info"])), 0);
}

#[test]
fn a_node_that_is_not_there_exits_3() {
    let output = run(&Daemon::healthy().path, &["-o", "json", "member", "show", "9"]);
    assert_eq!(code(&output), 3);
    assert_eq!(json(err(&output))["error"]["code"], "unknown-node");
}

#[test]
fn health_exits_0_or_5_and_as_a_plug_in_0_to_3() {
    let (well, ill) = (Daemon::healthy(), Daemon::without_quorum());
    let health = |socket: &Path, args: &[&str]| {
        let output = run(socket, &[&["health"], args].concat());
        (code(&output), out(&output).to_owned())
    };
    let (exit, text) = health(&well.path, &[]);
    assert_eq!(
        (exit, text.as_str()),
        (0, "OK: 3 of 3 voters up, tolerates 1 more failure, leader n3\n")
    );
    assert_eq!(health(&well.path, &["--min-tolerance", "2"]).0, 5);
    assert_eq!(health(&ill.path, &[]).0, 5);
    assert_eq!(health(Path::new(NOWHERE), &[]).0, 5);

    let nagios = ["--format", "nagios"];
    let (exit, text) = health(&well.path, &nagios);
    assert!(
        exit == 0 && text.starts_with("OK: ") && text.contains(" | voters=3 "),
        "{text}"
    );
    let (exit, text) = health(&ill.path, &nagios);
    assert!(exit == 2 && text.starts_with("CRITICAL: "), "{exit} {text}");
    let (exit, text) = health(Path::new(NOWHERE), &nagios);
    assert!(exit == 3 && text.starts_with("UNKNOWN: "), "{exit} {text}");

    let (exit, text) = health(&ill.path, &["--format", "json"]);
    assert_eq!((exit, json(&text)["data"]["healthy"].as_bool()), (5, Some(false)));
    let (exit, text) = health(&well.path, &["--format", "prometheus"]);
    assert!(exit == 0 && text.contains("\nchatd_cluster_tolerates 1\n"), "{text}");
    assert_eq!(code(&run(&well.path, &["cluster", "health"])), 0);
}

#[test]
fn a_daemon_that_is_not_there_or_does_not_answer_is_told_with_its_socket() {
    let output = run(NOWHERE, &["-o", "json", "status"]);
    assert_eq!((code(&output), out(&output)), (6, ""));
    let error = &json(err(&output))["error"];
    assert_eq!(error["code"], "daemon-unreachable");
    assert!(error["hint"].as_str().unwrap().contains(NOWHERE));

    let daemon = Daemon::silent();
    let output = run(&daemon.path, &["status", "--timeout", "200ms"]);
    assert_eq!(code(&output), 6);
    assert!(err(&output).contains("did not answer within 200ms"), "{}", err(&output));
}

const TIMED_OUT: &str = r#"{"error":{"code":"timed-out","message":"no answer within 8 s"}}"#;

/// The daemon drops a handler when its time is up, and that may be after the change was proposed.
#[test]
fn a_change_that_timed_out_in_the_daemon_is_told_as_perhaps_done() {
    let daemon = Daemon::answering("504 Gateway Timeout", TIMED_OUT);
    for args in [
        &["users", "disable", "bob"][..],
        &["lockdown", "read-only"],
        &["member", "promote", "3"],
        &["bans", "remove", "7"],
    ] {
        let output = run(&daemon.path, args);
        assert_eq!((code(&output), out(&output)), (8, ""), "{args:?} {}", err(&output));
        assert!(err(&output).contains("may be done or not"), "{}", err(&output));
    }
    let output = run(&daemon.path, &["-o", "json", "lockdown", "read-only"]);
    assert_eq!(json(err(&output))["error"]["code"], "outcome-unknown");
    let read = run(&daemon.path, &["-o", "json", "users", "show", "bob"]);
    assert_eq!(code(&read), 8);
    let error = &json(err(&read))["error"];
    assert_eq!(
        (&error["code"], &error["message"]),
        (&"timed-out".into(), &"no answer within 8 s".into())
    );
}

/// A daemon that dies while it works on a change has perhaps proposed it.
#[test]
fn a_change_whose_answer_breaks_off_is_told_as_perhaps_done() {
    let daemon = Daemon::hanging_up();
    let output = run(&daemon.path, &["-o", "json", "lockdown", "read-only"]);
    assert_eq!(code(&output), 8);
    assert_eq!(json(err(&output))["error"]["code"], "outcome-unknown");
    let output = run(&daemon.path, &["-o", "json", "status"]);
    assert_eq!(code(&output), 6);
    assert_eq!(json(err(&output))["error"]["code"], "daemon-unreachable");
}

#[test]
fn the_daemon_is_told_how_long_it_is_waited_for() {
    let daemon = Daemon::healthy();
    for (args, told) in [
        (&["status"][..], "quorate-timeout-ms: 10000\r\n"),
        (&["status", "--timeout", "60s"], "quorate-timeout-ms: 60000\r\n"),
    ] {
        assert_eq!(code(&run(&daemon.path, args)), 0);
        let asked = daemon.asked.lock().unwrap().pop().unwrap();
        assert!(asked.contains(told), "{asked}");
    }
}

#[test]
fn an_answer_that_is_not_understood_is_no_panic() {
    let daemon = Daemon::answering("200 OK", "<html>");
    let output = run(&daemon.path, &["-o", "json", "status"]);
    assert_eq!(code(&output), 1);
    assert_eq!(json(err(&output))["error"]["code"], "bad-answer");
}

#[test]
fn metrics_are_passed_on_as_they_are_and_versions_told_without_a_daemon_too() {
    let daemon = Daemon::healthy();
    assert_eq!(out(&run(&daemon.path, &["metrics"])), "# EOF\n");
    assert_eq!(out(&run(&daemon.path, &["version"])), "chatctl 0.1.0\nchatd 0.1.0\n");
    let output = run(NOWHERE, &["-o", "json", "version"]);
    assert_eq!(code(&output), 0);
    assert_eq!(
        json(out(&output))["data"],
        serde_json::json!({"chatctl": "0.1.0", "chatd": null})
    );
}

#[test]
fn what_cannot_be_parsed_exits_2_and_in_json_mode_says_so_in_json() {
    for args in [
        &["foo"][..],
        &["status", "--timeout", "5"],
        &["metrics", "--watch"],
        &["member", "show", "x"],
        &[],
    ] {
        let output = run(NOWHERE, args);
        assert_eq!((code(&output), out(&output)), (2, ""), "{args:?}");
        assert!(!err(&output).is_empty());
    }
    for args in [
        &["-o", "json", "foo"][..],
        &["foo", "--output=json"],
        &["foo", "-ojsonl"],
    ] {
        let output = run(NOWHERE, args);
        assert_eq!(code(&output), 2);
        assert_eq!(json(err(&output))["error"]["code"], "usage", "{args:?}");
    }
}

#[test]
fn watching_repeats_until_interrupted_and_then_exits_130() {
    let daemon = Daemon::healthy();
    let args = ["status", "-o", "json", "-q", "--watch=100ms"];
    let mut child = chatctl(&daemon.path, &args).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        assert_eq!(json(&lines.next().unwrap().unwrap())["schema"], "chatctl/1");
    }
    let told = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(told.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let daemon = Daemon::healthy();
    let args = ["status", "-q", "--watch=100ms"];
    let mut child = chatctl(&daemon.path, &args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdout.take().unwrap().read_exact(&mut [0; 16]).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut complaints = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    assert_eq!(complaints, "");
}

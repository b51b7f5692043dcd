//! Users, rooms, bans and the audit log, by the real program against a made-up daemon.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

mod daemon;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use daemon::Daemon;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_chatctl");
const NOWHERE: &str = "/nonexistent/admin.sock";

const USERS: &str = r#"{"users":[
  {"user":"ada","role":"admin","state":"active","banned":false,"bot_of":null,"registered_at":"2026-11-22T00:00:00.000Z",
   "last_login":"2026-11-22T00:00:00.000Z","devices":2,"rooms":3},
  {"user":"bob","role":"user","state":"disabled","banned":true,"bot_of":null,"registered_at":"2026-11-22T00:00:00.000Z",
   "last_login":"2026-11-22T00:00:00.000Z","devices":0,"rooms":1}],"next":null}"#;
const ROOMS: &str = r#"{"rooms":[
  {"room":"bob","topic":"","private":false,"archived":false,"owner":"ada","members":1,"messages":0,"first_seq":1,"last_seq":1,
   "created_at":"2026-11-22T00:00:00.000Z","retention":{"max_age":null,"max_count":null}}],"next":"bob"}"#;
const BROKEN: &str = r#"{"ok":false,"entries":3,"first":1,"last":3,"hash":"00","fault":{"seq":2,"what":"changed"},
  "nodes":[{"id":2,"state":"same"}]}"#;
const AUDIT: &str = r#"[{"seq":7,"at":"2026-11-22T00:00:00.000Z","uid":0,"actor":"root","action":"users.disable",
  "target":"bob","outcome":"done","hash":"00ff"}]"#;

fn run(socket: impl AsRef<Path>, args: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(args)
        .env("CHATCTL_SOCKET", socket.as_ref())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that reads nothing may be gone already.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
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

fn data(output: &Output) -> Value {
    let answer: Value = serde_json::from_str(out(output)).unwrap();
    answer["data"].clone()
}

#[test]
fn users_are_listed_for_people_and_for_programs() {
    let daemon = Daemon::answering("200 OK", USERS);
    let table = run(&daemon.path, &["users", "list"], "");
    assert_eq!(code(&table), 0, "{}", err(&table));
    let lines: Vec<_> = out(&table).lines().collect();
    assert!(lines[0].starts_with("USER  ROLE   STATE"), "{lines:?}");
    assert!(lines[2].contains("disabled, banned"), "{lines:?}");
    let rows = data(&run(&daemon.path, &["users", "list", "-o", "json"], ""));
    assert_eq!(
        (&rows[0]["user"], &rows[1]["state"]),
        (&"ada".into(), &"disabled".into())
    );
    let lines = run(&daemon.path, &["users", "list", "-o", "jsonl"], "");
    assert_eq!(out(&lines).lines().count(), 2);
    let one = run(&daemon.path, &["users", "list", "--limit", "1", "-o", "json"], "");
    assert_eq!(code(&one), 0);
}

/// In lines there is no envelope, and who reads them needs to know as well where the next page begins.
#[test]
fn where_the_next_page_begins_is_a_warning_in_json_and_on_stderr_in_lines() {
    let more = "there may be more: --after bob";
    for (noun, page) in [
        ("users", USERS.replace(r#""next":null"#, r#""next":"bob""#)),
        ("rooms", ROOMS.to_owned()),
    ] {
        let daemon = Daemon::answering("200 OK", page.leak());
        let list = [noun, "list", "--limit", "1", "-o"];
        let json = run(&daemon.path, &[&list[..], &["json"]].concat(), "");
        let answer: Value = serde_json::from_str(out(&json)).unwrap();
        assert_eq!((&answer["warnings"][0], err(&json)), (&more.into(), ""), "{noun}");
        let lines = run(&daemon.path, &[&list[..], &["jsonl"]].concat(), "");
        assert_eq!(err(&lines), format!("! {more}\n"), "{noun}");
        assert!(
            out(&lines)
                .lines()
                .all(|line| serde_json::from_str::<Value>(line).is_ok())
        );
        let quiet = run(&daemon.path, &[&list[..], &["jsonl", "-q"]].concat(), "");
        assert_eq!((err(&quiet), out(&quiet)), ("", out(&lines)), "{noun}");
    }
}

#[test]
fn what_the_cluster_has_agreed_on_is_shown_without_a_quorum_only_when_asked_for_as_it_was() {
    let daemon = Daemon::without_quorum();
    let refused = run(&daemon.path, &["lockdown"], "");
    assert_eq!(code(&refused), 6, "{}", err(&refused));
    let stale = run(&daemon.path, &["--stale", "-o", "json", "lockdown"], "");
    assert_eq!((code(&stale), &data(&stale)["mode"]), (0, &Value::from("off")));
}

#[test]
fn what_cannot_be_undone_is_refused_without_a_yes_and_without_a_terminal() {
    for args in [
        &["users", "delete", "bob"][..],
        &["users", "delete", "bob", "--purge-messages"],
        &["rooms", "delete", "ops"],
        &["bans", "add", "0.0.0.0/0"],
        &["bans", "add", "::/0"],
        &["member", "remove", "3"],
        &["remove", "3"],
        &["member", "replace", "3", "4"],
        &["cluster", "token", "rotate"],
    ] {
        // Nobody is asked: there is no daemon.
        let output = run(NOWHERE, args, "y\n");
        assert_eq!(code(&output), 7, "{args:?} {}", err(&output));
        assert!(out(&output).is_empty());
        let sure: Vec<_> = args.iter().copied().chain(["-y"]).collect();
        assert_eq!(code(&run(NOWHERE, &sure, "")), 6, "{args:?}");
    }
    // An ordinary range is no reason to ask.
    assert_eq!(code(&run(NOWHERE, &["bans", "add", "192.0.2.0/24"], "")), 6);
}

#[test]
fn a_password_comes_from_stdin_and_has_to_be_there() {
    for args in [
        &["users", "create", "bob", "--password-stdin"][..],
        &["users", "passwd", "bob"],
    ] {
        assert_eq!(code(&run(NOWHERE, args, "")), 2, "{args:?}");
        assert_eq!(code(&run(NOWHERE, args, "\n")), 2, "{args:?}");
        assert_eq!(code(&run(NOWHERE, args, "secret\n")), 6, "{args:?}");
    }
}

#[test]
fn a_dry_run_changes_nothing_and_tells_of_what_is_not_there() {
    let daemon = Daemon::answering(
        "404 Not Found",
        r#"{"error":{"code":"unknown-user","message":"no such user"}}"#,
    );
    for args in [
        &["users", "disable", "eve"][..],
        &["users", "delete", "eve"],
        &["users", "role", "eve", "admin"],
    ] {
        let args: Vec<_> = args.iter().copied().chain(["--dry-run"]).collect();
        assert_eq!(code(&run(&daemon.path, &args, "")), 3, "{args:?}");
    }
    let output = run(NOWHERE, &["lockdown", "read-only", "--dry-run", "-o", "json"], "");
    assert_eq!((code(&output), &data(&output)["mode"]), (0, &"read-only".into()));
}

#[test]
fn a_broken_audit_log_ends_with_1_and_says_where() {
    let broken = run(&Daemon::answering("200 OK", BROKEN).path, &["audit", "verify"], "");
    assert_eq!(code(&broken), 1);
    assert!(
        out(&broken).starts_with("broken at entry 2: changed"),
        "{}",
        out(&broken)
    );
    let rows = data(&run(
        &Daemon::answering("200 OK", AUDIT).path,
        &["audit", "tail", "-o", "json"],
        "",
    ));
    assert_eq!(
        (&rows[0]["actor"], &rows[0]["action"]),
        (&"root".into(), &"users.disable".into())
    );
}

#[test]
fn an_export_is_a_file_when_it_is_complete_and_else_none() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("out.jsonl");
    let path = file.to_str().unwrap();
    let unknown = r#"{"error":{"code":"unknown-user","message":"no such user"}}"#;
    let output = run(
        &Daemon::answering("404 Not Found", unknown).path,
        &["users", "export", "eve", path],
        "",
    );
    assert_eq!((code(&output), file.exists()), (3, false));
    let daemon = Daemon::answering("200 OK", "{\"a\":1}\n{\"b\":2}\n");
    let output = run(&daemon.path, &["users", "export", "bob", path, "-o", "json"], "");
    assert_eq!(
        (code(&output), &data(&output)["lines"]),
        (0, &2.into()),
        "{}",
        err(&output)
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 2);
    let stdout = run(&daemon.path, &["rooms", "export", "ops", "-"], "");
    assert_eq!(out(&stdout), "{\"a\":1}\n{\"b\":2}\n");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

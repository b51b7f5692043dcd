//! The program as scripts see it: exit codes, stdout and stderr.

#![allow(
    clippy::unwrap_used,
    reason = "clippy's exemption for tests does not reach what tests call"
)]

#[path = "../../tests/fake/mod.rs"]
mod fake;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fake::{Cluster, Deed, Node};
use serde_json::{Value, json};

/// A node in a runtime of its own, and a home for profiles.
struct Setup {
    _runtime: tokio::runtime::Runtime,
    home: tempfile::TempDir,
    cluster: Arc<Cluster>,
    node: Node,
}

impl Setup {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let cluster = Cluster::new();
        let node = runtime.block_on(async { cluster.node(1) });
        let home = tempfile::tempdir().unwrap();
        Self {
            _runtime: runtime,
            home,
            cluster,
            node,
        }
    }

    fn chat(&self) -> Command {
        chat(&self.home)
    }

    fn run(&self, args: &[&str], stdin: &str) -> Output {
        run(self.chat().args(args), stdin)
    }

    fn registered(self) -> Self {
        let addr = self.node.addr.clone();
        let args = ["register", "--server", &addr, "--user", "alice", "--password-stdin"];
        let output = self.run(&args, "secret\n");
        assert!(output.status.success(), "{output:?}");
        assert_eq!(text(&output.stdout), "registered, and logged in as alice\n");
        assert!(text(&output.stderr).contains("trusting this cluster's CA"));
        self
    }
}

fn chat(home: &tempfile::TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat"));
    command.env("CHAT_HOME", home.path()).env_remove("CHAT_PROFILE");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(command: &mut Command, stdin: &str) -> Output {
    let mut child = command.spawn().unwrap();
    // A program that does not read may be gone already.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn error_code(output: &Output) -> String {
    let last = text(&output.stderr).lines().last().unwrap().to_owned();
    let error: Value = serde_json::from_str(&last).unwrap();
    error["error"]["code"].as_str().unwrap().to_owned()
}

/// A running `chat rpc`.
struct Rpc {
    child: Child,
    lines: std::sync::mpsc::Receiver<Value>,
    others: Vec<Value>,
}

impl Rpc {
    fn new(setup: &Setup) -> Self {
        let mut child = setup
            .chat()
            .args(["rpc", "--server", &setup.node.addr])
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                if tell.send(serde_json::from_str(&line.unwrap()).unwrap()).is_err() {
                    return;
                }
            }
        });
        let others = Vec::new();
        Self { child, lines, others }
    }

    fn write(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(line.as_bytes()).unwrap();
        stdin.write_all(b"\n").unwrap();
    }

    fn ask(&mut self, id: u64, method: &str, params: Value) {
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string());
    }

    fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(index) = self.others.iter().position(&wanted) {
            return self.others.remove(index);
        }
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(20)).unwrap();
            if wanted(&line) {
                return line;
            }
            self.others.push(line);
        }
    }

    fn answer(&mut self, id: u64) -> Value {
        self.until(|line| line["id"] == json!(id))
    }

    fn event(&mut self) -> Value {
        self.until(|line| line["method"] == "event")["params"].clone()
    }
}

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
fn refusals_have_their_exit_codes() {
    let setup = Setup::new().registered();
    assert_eq!(code(&setup.run(&["send", "nowhere", "hi"], "")), 3);
    assert_eq!(code(&setup.run(&["create", "ops"], "")), 0);
    let output = setup.run(&["--json", "create", "ops"], "");
    assert_eq!((code(&output), error_code(&output).as_str()), (1, "name-taken"));
    let output = setup.run(&["--json", "send", "ops", "-"], &"x".repeat(70_000));
    assert_eq!((code(&output), error_code(&output).as_str()), (1, "too-large"));
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
    let killed = Command::new("kill")
        .args(["-INT", &tail.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    assert_eq!(tail.wait().unwrap().code(), Some(130));
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

#[test]
fn rpc_answers_each_request_and_keeps_the_order_of_a_room() {
    let setup = Setup::new();
    let mut rpc = Rpc::new(&setup);
    rpc.ask(1, "register", json!({"user": "alice", "password": "secret"}));
    rpc.ask(2, "room.create", json!({"room": "ops"}));
    rpc.ask(3, "subscribe", json!({"room": "ops", "from_seq": 1}));
    for id in 10..110 {
        rpc.ask(
            id,
            "post",
            json!({"room": "ops", "body": format!("m{id}"), "id": format!("k{id}")}),
        );
    }
    rpc.ask(4, "history", json!({"room": "ops", "limit": 500}));
    assert_eq!(rpc.answer(1)["result"], json!({"user": "alice"}));
    assert_eq!(rpc.answer(3)["result"]["last_seq"], 1);
    for id in 10..110 {
        let posted = rpc.answer(id);
        assert_eq!(posted["result"]["seq"], id - 8, "{posted}");
        assert_eq!(posted["result"]["id"], format!("k{id}"));
    }
    let history = rpc.answer(4);
    assert_eq!(history["result"]["events"].as_array().unwrap().len(), 101);
    assert_eq!(
        (&history["result"]["first_seq"], &history["result"]["last_seq"]),
        (&json!(1), &json!(101))
    );
    for seq in 1..=101 {
        assert_eq!(rpc.event()["seq"], seq);
    }
    drop(rpc.child.stdin.take());
    assert_eq!(rpc.child.wait().unwrap().code(), Some(0));
}

#[test]
fn rpc_tells_its_errors_apart() {
    let setup = Setup::new();
    let mut rpc = Rpc::new(&setup);
    rpc.write("");
    rpc.write("{nonsense");
    assert_eq!(
        rpc.until(|line| line["id"].is_null() && line["error"].is_object())["error"]["code"],
        -32700
    );
    rpc.write(r#"{"jsonrpc":"2.0","id":"a"}"#);
    assert_eq!(rpc.until(|line| line["id"] == "a")["error"]["code"], -32600);
    rpc.ask(1, "nonsense", json!({}));
    assert_eq!(rpc.answer(1)["error"]["code"], -32601);
    rpc.ask(2, "post", json!({"body": "no room"}));
    assert_eq!(rpc.answer(2)["error"]["code"], -32602);
    rpc.ask(3, "post", json!({"room": "ops", "body": "hi"}));
    let refused = rpc.answer(3);
    assert_eq!(refused["error"]["code"], -32000);
    assert_eq!(
        refused["error"]["data"],
        json!({"code": "not-logged-in", "outcome": "refused"})
    );
    rpc.ask(4, "register", json!({"user": "alice", "password": "secret"}));
    rpc.ask(5, "room.create", json!({"room": "ops"}));
    rpc.answer(5);
    for (id, body, code) in [
        (6, "", "empty"),
        (7, "\u{7}", "bad-body"),
        (8, &*"x".repeat(70_000), "too-large"),
    ] {
        rpc.ask(id, "post", json!({"room": "ops", "body": body}));
        assert_eq!(
            rpc.answer(id)["error"]["data"],
            json!({"code": code, "outcome": "refused"})
        );
    }
    rpc.ask(9, "post", json!({"room": "ops", "body": "x", "id": "k".repeat(65)}));
    assert_eq!(rpc.answer(9)["error"]["data"]["outcome"], "refused");
}

#[test]
fn rpc_tells_an_unknown_outcome_and_finds_it_with_the_same_id() {
    let setup = Setup::new();
    let mut rpc = Rpc::new(&setup);
    rpc.ask(1, "register", json!({"user": "alice", "password": "secret"}));
    rpc.ask(2, "room.create", json!({"room": "ops"}));
    rpc.answer(2);
    setup.node.will([Deed::DoAndForget]);
    setup.node.will([Deed::Refuse].into_iter().cycle().take(5000));
    rpc.ask(
        3,
        "post",
        json!({"room": "ops", "body": "x", "id": "k", "deadline_ms": 200}),
    );
    assert_eq!(rpc.answer(3)["error"]["data"]["outcome"], "unknown");
    setup.node.knobs().deeds.lock().unwrap().clear();
    rpc.ask(4, "post", json!({"room": "ops", "body": "x", "id": "k"}));
    assert_eq!(rpc.answer(4)["result"]["seq"], 2);
    assert_eq!(setup.cluster.bodies("ops"), ["x"]);
}

#[test]
fn bench_post_counts_what_is_there() {
    let setup = Setup::new().registered();
    let args = [
        "bench",
        "post",
        "--clients",
        "4",
        "--seconds",
        "1",
        "--rooms",
        "2",
        "--window",
        "4",
        "--json",
    ];
    let output = setup.run(&args, "");
    assert_eq!(code(&output), 0, "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["acked"].as_u64().unwrap() > 0);
    assert_eq!((&report["missing"], &report["duplicates"]), (&json!(0), &json!(0)));
    assert!(report["latency_ms"]["p99"].is_number() && report["longest_gap_ms"].is_number());
}

#[test]
fn bench_fanout_counts_what_arrives() {
    let setup = Setup::new().registered();
    let args = [
        "bench",
        "fanout",
        "--subscribers",
        "10",
        "--rate",
        "20",
        "--seconds",
        "1",
        "--json",
    ];
    let output = setup.run(&args, "");
    assert_eq!(code(&output), 0, "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["posted"], &report["delivered"]), (&json!(20), &json!(200)));
}

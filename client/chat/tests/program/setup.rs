//! A node, a home for profiles, and the program run against them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::fake::{Cluster, Node};

/// A node in a runtime of its own, and a home for profiles.
pub(crate) struct Setup {
    runtime: tokio::runtime::Runtime,
    pub(crate) home: tempfile::TempDir,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) node: Node,
}

impl Setup {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let cluster = Cluster::new();
        let node = runtime.block_on(async { cluster.node(1) });
        let home = tempfile::tempdir().unwrap();
        Self {
            runtime,
            home,
            cluster,
            node,
        }
    }

    /// The node is gone.
    pub(crate) fn stop(&self) {
        self.runtime.block_on(self.node.stop());
    }

    /// Another node of the same cluster.
    pub(crate) fn another_node(&self) -> Node {
        self.runtime.block_on(async { self.cluster.node(2) })
    }

    pub(crate) fn chat(&self) -> Command {
        chat(&self.home)
    }

    pub(crate) fn run(&self, args: &[&str], stdin: &str) -> Output {
        run(self.chat().args(args), stdin)
    }

    /// What it prints, which has to go well.
    pub(crate) fn print(&self, args: &[&str]) -> String {
        let output = self.run(args, "");
        assert!(output.status.success(), "{args:?}: {output:?}");
        text(&output.stdout)
    }

    /// The objects that it prints.
    pub(crate) fn objects(&self, args: &[&str]) -> Vec<Value> {
        let printed = self.print(&[&["--json"], args].concat());
        printed
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// How it is refused: exit code and code.
    pub(crate) fn refused(&self, args: &[&str]) -> (i32, String) {
        let output = self.run(&[&["--json"], args].concat(), "");
        (code(&output), error_code(&output))
    }

    /// Alice is in `ops`, and so is bob, with a profile of his name.
    pub(crate) fn with_bob(self) -> Self {
        let setup = self.registered();
        setup.print(&["create", "ops"]);
        let addr = setup.node.addr.clone();
        let args = [
            "--profile",
            "bob",
            "register",
            "--server",
            &addr,
            "--user",
            "bob",
            "--password-stdin",
        ];
        assert!(setup.run(&args, "secret\n").status.success());
        setup.print(&["--profile", "bob", "join", "ops"]);
        setup
    }

    pub(crate) fn registered(self) -> Self {
        let addr = self.node.addr.clone();
        let args = ["register", "--server", &addr, "--user", "alice", "--password-stdin"];
        let output = self.run(&args, "secret\n");
        assert!(output.status.success(), "{output:?}");
        assert_eq!(text(&output.stdout), "registered, and logged in as alice\n");
        assert!(text(&output.stderr).contains("trusting this cluster's CA"));
        self
    }
}

pub(crate) fn chat(home: &tempfile::TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat"));
    command.env("CHAT_HOME", home.path()).env_remove("CHAT_PROFILE");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn run(command: &mut Command, stdin: &str) -> Output {
    let mut child = command.spawn().unwrap();
    // A program that does not read may be gone already.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub(crate) fn error_code(output: &Output) -> String {
    let last = text(&output.stderr).lines().last().unwrap().to_owned();
    let error: Value = serde_json::from_str(&last).unwrap();
    error["error"]["code"].as_str().unwrap().to_owned()
}

/// A running `chat rpc`.
pub(crate) struct Rpc {
    pub(crate) child: Child,
    lines: std::sync::mpsc::Receiver<Value>,
    others: Vec<Value>,
}

impl Rpc {
    pub(crate) fn new(setup: &Setup) -> Self {
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

    pub(crate) fn write(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(line.as_bytes()).unwrap();
        stdin.write_all(b"\n").unwrap();
    }

    pub(crate) fn ask(&mut self, id: u64, method: &str, params: Value) {
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string());
    }

    pub(crate) fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
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

    pub(crate) fn answer(&mut self, id: u64) -> Value {
        self.until(|line| line["id"] == json!(id))
    }

    pub(crate) fn event(&mut self) -> Value {
        self.until(|line| line["method"] == "event")["params"].clone()
    }
}

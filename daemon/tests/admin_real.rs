//! The admin API of daemons that run: what one of them says of a cluster that it cannot reach, and what it says while it
//! belongs to none; and what it says to systemd.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long something may take that takes a moment on a machine that does nothing else.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// A daemon with a folder of its own, of which nothing is left.
struct Daemon {
    dir: TempDir,
    client: String,
    peer: String,
    child: Option<Child>,
}

impl Daemon {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (client, peer) = (free_addr(), free_addr());
        let config = format!(
            "[node]\ndata_dir = \"data\"\nadmin_socket = \"admin.sock\"\n[listen]\nclient = \"{client}\"\npeer = \"{peer}\"\n"
        );
        fs::write(dir.path().join("chatd.toml"), config).unwrap();
        Self {
            dir,
            client,
            peer,
            child: None,
        }
    }

    fn start(&mut self) {
        self.start_with(&mut Command::new(env!("CARGO_BIN_EXE_chatd")));
    }

    fn start_with(&mut self, command: &mut Command) {
        let traces = fs::File::create(self.dir.path().join("traces")).unwrap();
        let child = command
            .arg("--config")
            .arg(self.dir.path().join("chatd.toml"))
            .stderr(traces)
            .spawn();
        self.child = Some(child.unwrap());
        until("the daemon answers", || {
            ask(&self.socket(), "GET", "/v1/version", &Value::Null)
        });
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("admin.sock")
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        ask(&self.socket(), method, path, body).unwrap()
    }

    fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, &Value::Null)
    }

    /// Asks until it is done: a node that has just begun has no leader yet.
    fn done(&self, method: &str, path: &str, body: &Value) -> Value {
        until(path, || {
            ask(&self.socket(), method, path, body).and_then(|(status, answer)| (status == 200).then_some(answer))
        })
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Of a loopback address of this test's own (Linux has all of 127/8), so that nobody else takes the port while the daemon is down.
fn free_addr() -> String {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let own = Ipv4Addr::new(127, high | 1, low, NEXT.fetch_add(1, Ordering::Relaxed));
    UdpSocket::bind((own, 0)).unwrap().local_addr().unwrap().to_string()
}

#[track_caller]
fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("not in time: {what}");
}

/// The status and the JSON of an answer; none if the daemon does not answer.
fn ask(socket: &Path, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
    let (status, body) = exchange(socket, method, path, body)?;
    Some((status, serde_json::from_str(&body).ok()?))
}

fn exchange(socket: &Path, method: &str, path: &str, body: &Value) -> Option<(u16, String)> {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

fn found(daemon: &mut Daemon) {
    daemon.start();
    daemon.done("POST", "/v1/cluster/init", &json!({"name": "ops"}));
    daemon.done("PUT", "/v1/lockdown", &json!({"mode": "no-register"}));
}

#[test]
fn a_node_that_is_cut_off_says_how_many_are_missing_and_answers_by_itself_only_when_asked_to() {
    let (mut first, mut second) = (Daemon::new(), Daemon::new());
    found(&mut first);
    let token = first.done("POST", "/v1/tokens", &json!({"ttl": "1h", "uses": 1, "role": "voter"}));
    second.start();
    let joined = json!({"addrs": [first.peer], "token": token["token"]});
    second.done("POST", "/v1/cluster/join", &joined);
    until("two voters", || {
        let (_, status) = first.get("/v1/status");
        (status["cluster"]["voters"] == 2).then_some(())
    });
    // What was changed through one node is seen through the other at once.
    for mode in ["auth-only", "off", "read-only", "no-register"] {
        first.done("PUT", "/v1/lockdown", &json!({"mode": mode}));
        assert_eq!(second.done("GET", "/v1/lockdown", &Value::Null)["mode"], mode);
    }
    second.stop();
    first.stop();
    first.start();

    let numbers = "1 of 2 voters are reachable from this node, 2 are needed";
    let (status, refused) = first.ask("PUT", "/v1/lockdown", &json!({"mode": "off"}));
    let error = &refused["error"];
    assert_eq!((status, &error["code"]), (503, &json!("no-quorum")), "{refused}");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("nothing was changed") && message.ends_with(numbers),
        "{message}"
    );
    assert!(
        error["hint"].as_str().unwrap().contains("chatctl status --stale"),
        "{refused}"
    );

    for path in ["/v1/lockdown", "/v1/audit?limit=3"] {
        let (status, refused) = first.get(path);
        assert_eq!(
            (status, &refused["error"]["code"]),
            (503, &json!("no-quorum")),
            "{path}: {refused}"
        );
        assert!(
            refused["error"]["message"].as_str().unwrap().ends_with(numbers),
            "{refused}"
        );
    }
    // What it knows may be old, of before its last checkpoint even.
    let (status, known) = first.get("/v1/lockdown?stale=true");
    assert_eq!((status, known["mode"].is_string()), (200, true), "{known}");
}

#[test]
fn a_node_whose_config_gives_it_another_address_than_the_cluster_knows_says_how_to_mend_it() {
    let mut daemon = Daemon::new();
    found(&mut daemon);
    let warnings = |daemon: &Daemon| daemon.done("GET", "/v1/status", &Value::Null)["warnings"].to_string();
    assert!(!warnings(&daemon).contains("set-addr"), "{}", warnings(&daemon));
    daemon.stop();
    let config = daemon.dir.path().join("chatd.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text + "advertise_peer = \"h9:7401\"\n").unwrap();
    daemon.start();
    let line = format!("chatctl member set-addr 1 --peer h9:7401 --client {}", daemon.client);
    let told = warnings(&daemon);
    assert!(told.contains(&line), "{told}");
    let doctor = daemon.done("GET", "/v1/doctor", &Value::Null);
    let is_addrs = |check: &&Value| check["check"] == "addrs";
    let check = doctor["checks"].as_array().unwrap().iter().find(is_addrs).unwrap();
    assert_eq!((&check["verdict"], &check["fix"]), (&json!("warning"), &json!(line)));
}

#[test]
fn a_node_that_waits_for_a_cluster_answers_what_needs_none() {
    let mut daemon = Daemon::new();
    let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = daemon.dir.path().join("chatd.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}[metrics]\nlisten = \"{metrics}\"\n")).unwrap();
    daemon.start();

    let (status, raft) = daemon.get("/v1/raft");
    assert_eq!((status, &raft["id"], &raft["term"]), (200, &Value::Null, &json!(0)));
    assert_eq!((&raft["vote"], &raft["applied"]), (&Value::Null, &Value::Null));
    let (status, config) = daemon.get("/v1/config");
    let set = config
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["key"] == "metrics.listen");
    assert_eq!((status, &set.unwrap()["value"]), (200, &json!(metrics.to_string())));
    let (status, level) = daemon.ask("PUT", "/v1/log-level", &json!({"level": "warn", "for": "10m"}));
    assert_eq!((status, &level["level"]), (200, &json!("warn")), "{level}");
    assert_eq!(daemon.get("/v1/log-level").1["level"], "warn");
    assert_eq!(daemon.ask("PUT", "/v1/log-level", &json!({"level": "a=loud"})).0, 400);
    let (status, refused) = daemon.get("/v1/status");
    assert_eq!((status, &refused["error"]["code"]), (503, &json!("not-formed")));

    let has_numbers = |text: &str| text.contains("process_resident_memory_bytes") && text.ends_with("# EOF\n");
    let (status, text) = exchange(&daemon.socket(), "GET", "/metrics", &Value::Null).unwrap();
    assert!(status == 200 && has_numbers(&text), "{text}");
    let scrape = || {
        let mut stream = TcpStream::connect(metrics).ok()?;
        let request = b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        has_numbers(&answer).then_some(answer)
    };
    assert!(
        !scrape().unwrap().contains("chatd_raft_has_leader"),
        "it has been told of no cluster"
    );
    // The listener goes to the node that is made here.
    daemon.done("POST", "/v1/cluster/init", &json!({"name": "ops"}));
    until("the metrics of a node", || {
        scrape().filter(|text| text.contains("chatd_raft_has_leader 1"))
    });
    assert_eq!(
        daemon.get("/v1/log-level").1["level"],
        "warn",
        "it lasts as long as was said"
    );
}

#[test]
fn systemd_is_asked_for_time_until_the_log_is_replayed_and_told_the_priority_of_each_trace() {
    let mut daemon = Daemon::new();
    found(&mut daemon);
    let traces = || fs::read_to_string(daemon.dir.path().join("traces")).unwrap();
    assert!(!traces().starts_with('<'), "{}", traces());
    daemon.stop();
    let systemd = UnixDatagram::bind(daemon.dir.path().join("notify")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatd"));
    command
        .env("NOTIFY_SOCKET", daemon.dir.path().join("notify"))
        .env("JOURNAL_STREAM", "8:1");
    daemon.start_with(&mut command);
    systemd.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut told = Vec::new();
    while !told.iter().any(|word: &String| word.starts_with("READY=1")) {
        let mut bytes = [0; 4096];
        let read = systemd.recv(&mut bytes).unwrap();
        told.push(String::from_utf8(bytes[..read].to_vec()).unwrap());
    }
    assert_eq!(told[0].trim_end(), "EXTEND_TIMEOUT_USEC=30000000", "{told:?}");
    let traces = fs::read_to_string(daemon.dir.path().join("traces")).unwrap();
    assert!(
        !traces.is_empty()
            && traces
                .lines()
                .all(|line| line.starts_with("<6>") || line.starts_with("<4>")),
        "{traces}"
    );
}

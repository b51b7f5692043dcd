//! A daemon that gives fixed answers over a real Unix socket.

#![allow(dead_code, reason = "each test program uses a part")]

mod telemetry;

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use quorate_adminapi::{
    ChangeReport, Cluster, ErrorBody, ErrorReply, Health, Member, MemberRole, MemberState, RaftInfo, StateHash, Status,
    UtcTime, Version, Votes, warnings,
};
use quorate_core::{LogIndex, NodeId};
use tempfile::TempDir;

type Answer = Arc<dyn Fn(&str) -> Option<(String, String)> + Send + Sync>;

/// Its socket; the thread that serves it ends with the test program.
pub(crate) struct Daemon {
    pub(crate) path: PathBuf,
    /// The requests that it has got, as they came.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    _dir: TempDir,
}

impl Daemon {
    pub(crate) fn healthy() -> Self {
        Self::start(Arc::new(|path| Some(answer(path, true))))
    }

    pub(crate) fn without_quorum() -> Self {
        Self::start(Arc::new(|path| Some(answer(path, false))))
    }

    /// Takes connections and says nothing.
    pub(crate) fn silent() -> Self {
        Self::start(Arc::new(|_| None))
    }

    /// Takes a request and ends the connection in the middle of its answer.
    pub(crate) fn hanging_up() -> Self {
        // Two lengths that differ: the client cannot go on reading.
        Self::answering("200 OK\r\ncontent-length: 99", "")
    }

    pub(crate) fn answering(status: &'static str, body: &'static str) -> Self {
        Self::start(Arc::new(move |_| Some((status.to_owned(), body.to_owned()))))
    }

    fn start(answer: Answer) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("admin.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let asked = Arc::default();
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                silent.extend(serve(stream.unwrap(), &answer, &noted));
            }
        });
        Self { path, asked, _dir: dir }
    }
}

/// Answers one request; gives the connection back if there is no answer, so that it stays open.
fn serve(mut stream: UnixStream, answer: &Answer, asked: &Mutex<Vec<String>>) -> Option<UnixStream> {
    let mut request = [0; 4096];
    let read = stream.read(&mut request).ok()?;
    let request = std::str::from_utf8(&request[..read]).unwrap();
    asked.lock().unwrap().push(request.to_owned());
    let Some((status, body)) = answer(request.split(' ').nth(1)?) else {
        return Some(stream);
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all((head + &body).as_bytes());
    None
}

fn answer(path: &str, quorum: bool) -> (String, String) {
    let json = |value: serde_json::Value| ("200 OK".to_owned(), value.to_string());
    let stale = path.contains("stale=true");
    let status = status(stale);
    if let Some(told) = telemetry::answer(path, &status) {
        return ("200 OK".to_owned(), told);
    }
    match path.split('?').next().unwrap() {
        "/v1/raft" => json(serde_json::to_value(raft()).unwrap()),
        "/v1/version" => json(
            serde_json::to_value(Version {
                program: "chatd".into(),
                version: "0.1.0".into(),
            })
            .unwrap(),
        ),
        "/metrics" => ("200 OK".to_owned(), "# EOF\n".to_owned()),
        "/v1/health" => {
            let least = path.rsplit('=').next().unwrap().parse().unwrap();
            let health = if quorum {
                Health::of(&status, least)
            } else {
                Health::unanswered("no quorum".into(), None, least)
            };
            let code = if health.healthy {
                "200 OK"
            } else {
                "503 Service Unavailable"
            };
            (code.to_owned(), serde_json::to_string(&health).unwrap())
        }
        _ if !quorum && !stale => error(
            "503 Service Unavailable",
            ErrorBody::new("no-quorum", "no quorum: 1 of 3 voters are reachable").with_hint("n3 led last"),
        ),
        "/v1/status" => json(serde_json::to_value(status).unwrap()),
        "/v1/members" => json(serde_json::to_value(status.nodes).unwrap()),
        "/v1/members/3" => json(serde_json::to_value(&status.nodes[2]).unwrap()),
        "/v1/members/3/change" => json(serde_json::to_value(report(&status)).unwrap()),
        "/v1/leader" => json(serde_json::to_value(status.leader()).unwrap()),
        "/v1/lockdown" => json(serde_json::json!({"mode": "off"})),
        _ => error("404 Not Found", ErrorBody::new("unknown-node", "no node has the id 9")),
    }
}

fn error(status: &str, error: ErrorBody) -> (String, String) {
    (status.to_owned(), serde_json::to_string(&ErrorReply { error }).unwrap())
}

/// Of a change that it takes and never carries out.
fn report(status: &Status) -> ChangeReport {
    let Cluster {
        voters,
        voters_up,
        quorum,
        tolerates,
        ..
    } = status.cluster;
    let votes = Votes {
        voters,
        reachable: voters_up,
        needed: quorum,
        tolerates,
    };
    ChangeReport {
        id: NodeId(3),
        changed: true,
        before: votes,
        after: votes,
        warnings: Vec::new(),
    }
}

fn raft() -> RaftInfo {
    RaftInfo {
        id: Some(NodeId(1)),
        term: 4,
        vote: Some(NodeId(3)),
        last_log_index: Some(LogIndex(918_226)),
        committed: Some(LogIndex(918_224)),
        applied: Some(LogIndex(918_224)),
        snapshot_index: None,
        purged: None,
        state_hash: StateHash {
            index: LogIndex(900),
            hash: "00ff".into(),
        },
    }
}

/// Three voters that n3 leads, seen from n1.
pub(crate) fn status(stale: bool) -> Status {
    let nodes: Vec<Member> = (1..=3)
        .map(|id| Member {
            id: NodeId(id),
            role: MemberRole::Voter,
            state: MemberState::Up,
            is_leader: id == 3,
            peer_addr: format!("h{id}:7401"),
            client_addr: format!("h{id}:7400"),
            version: Some("0.1.0".into()),
            matched: Some(LogIndex(918_224)),
            applied: Some(LogIndex(918_224)),
            lag: Some(0),
            last_contact_ms: Some(18),
            sessions: Some(112),
            disk_bytes: Some(123_456),
            // That of n2 was over long ago; the others' are after the end of this century.
            cert_expires: Some(UtcTime::from_unix_ms(if id == 2 { 0 } else { 4_102_444_800_000 })),
            vitals: telemetry::vitals(id),
        })
        .collect();
    let cluster = Cluster::of(
        "abcdefghijklmnop".into(),
        "ops".into(),
        4,
        Some(LogIndex(918_224)),
        &nodes,
    );
    let mut status = Status {
        cluster,
        nodes,
        this_node: NodeId(1),
        stale,
        warnings: Vec::new(),
    };
    status.warnings = warnings(&status, UtcTime::from_unix_ms(1_795_368_922_007));
    status
}

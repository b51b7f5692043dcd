//! A made-up node, a server for it, and a client of a few lines.

#![allow(dead_code, reason = "each test program uses a part")]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use quorate_adminapi::{
    ChangeReport, ChangeRequest, Cluster, CreatedToken, Member, MemberRole, MemberState, NewToken, RaftInfo, StateHash,
    Status, TransferredTo, UtcTime, Version, Votes,
};
use quorate_core::{Done, InviteId, InviteKey, LogIndex, NodeId, Operation, Operator, State, Timestamp, TokenId};
use quorate_daemon::admin::{AdminError, AdminSocket, FreshInvite, MetricsSnapshot, RosterSource, Source, serve_admin};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Three voters that n3 leads, seen from n1.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) fails_with: Option<AdminError>,
    pub(crate) hangs: bool,
    pub(crate) metrics: MetricsSnapshot,
    pub(crate) operated: Arc<Mutex<Vec<(Operator, Operation)>>>,
}

impl Fake {
    pub(crate) fn failing(error: AdminError) -> Self {
        Self {
            fails_with: Some(error),
            ..Self::default()
        }
    }
}

impl Source for Fake {
    async fn status(&self, stale: bool) -> Result<Status, AdminError> {
        if self.hangs {
            std::future::pending::<()>().await;
        }
        match &self.fails_with {
            Some(error) if !stale => return Err(error.clone()),
            _ => {}
        }
        let nodes: Vec<Member> = (1..=3).map(member).collect();
        let cluster = Cluster::of("abcdefghijklmnop".into(), "ops".into(), 4, Some(LogIndex(918)), &nodes);
        Ok(Status {
            cluster,
            nodes,
            this_node: NodeId(1),
            stale,
            warnings: Vec::new(),
        })
    }

    async fn raft_info(&self) -> RaftInfo {
        RaftInfo {
            id: NodeId(1),
            term: 4,
            vote: Some(NodeId(3)),
            last_log_index: Some(LogIndex(920)),
            committed: Some(LogIndex(918)),
            applied: Some(LogIndex(918)),
            snapshot_index: None,
            purged: None,
            state_hash: StateHash {
                index: LogIndex(900),
                hash: "00ff".into(),
            },
        }
    }

    async fn metrics(&self) -> MetricsSnapshot {
        self.metrics.clone()
    }

    fn version(&self) -> Version {
        Version {
            program: "chatd".into(),
            version: "0.1.0".into(),
        }
    }

    fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&State::new())
    }

    async fn operate(&self, by: Operator, operation: Operation) -> Result<Done, AdminError> {
        self.operated.lock().unwrap().push((by, operation.clone()));
        match &self.fails_with {
            Some(error) => Err(error.clone()),
            None if matches!(operation, Operation::CreateInvite(_)) => Ok(Done::InviteCreated {
                invite: InviteId(7),
                expires_at: Timestamp(1_797_960_922_000),
            }),
            None => Ok(Done::Changed),
        }
    }

    fn fresh_invite(&self) -> Result<FreshInvite, AdminError> {
        Ok(FreshInvite {
            link: "chat://h1:7400/?i=0".to_owned(),
            key: InviteKey([0; 32]),
        })
    }
}

impl RosterSource for Fake {
    fn own_id(&self) -> NodeId {
        NodeId(1)
    }

    async fn make_token(&self, _by: Operator, asked: NewToken) -> Result<CreatedToken, AdminError> {
        Ok(CreatedToken {
            id: TokenId(7),
            token: "chatjoin1.x".to_owned(),
            expires_at: UtcTime::from_unix_ms(1_797_960_922_000),
            uses: asked.uses,
            role: asked.role,
            peer_addrs: vec!["h1:7401".to_owned()],
        })
    }

    async fn change_node(&self, _by: Operator, id: NodeId, asked: ChangeRequest) -> Result<ChangeReport, AdminError> {
        if let Some(error) = &self.fails_with {
            return Err(error.clone());
        }
        let votes = Votes {
            voters: 3,
            reachable: 3,
            needed: 2,
            tolerates: 1,
        };
        Ok(ChangeReport {
            id,
            changed: !asked.dry_run,
            before: votes,
            after: votes,
            warnings: Vec::new(),
        })
    }

    async fn transfer(&self, _by: Operator, to: Option<NodeId>) -> Result<TransferredTo, AdminError> {
        let leader = to.unwrap_or(NodeId(3));
        Ok(TransferredTo { leader })
    }
}

fn member(id: u64) -> Member {
    Member {
        id: NodeId(id),
        role: MemberRole::Voter,
        state: MemberState::Up,
        is_leader: id == 3,
        peer_addr: format!("h{id}:7401"),
        client_addr: format!("h{id}:7400"),
        version: Some("0.1.0".into()),
        matched: Some(LogIndex(918)),
        applied: Some(LogIndex(918)),
        lag: Some(0),
        last_contact_ms: None,
        sessions: Some(112),
        disk_bytes: Some(123_456),
        cert_expires: Some(UtcTime::from_unix_ms(1_797_960_922_000)),
    }
}

/// A running admin API; its folder goes with it.
pub(crate) struct Server {
    pub(crate) path: PathBuf,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    _dir: TempDir,
}

impl Server {
    pub(crate) fn start(source: Fake) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = AdminSocket::bind(&dir.path().join("admin.sock")).unwrap();
        let path = socket.path().to_owned();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve_admin(socket, Arc::new(source), async {
            let _ = stopped.await;
        }));
        Self {
            path,
            stop,
            task,
            _dir: dir,
        }
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

/// The status and the JSON of an answer.
pub(crate) async fn get(server: &Server, path: &str) -> (u16, serde_json::Value) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let answer = raw(server, request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (
        status,
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error} in {body}")),
    )
}

/// All that comes back for these bytes on a connection of their own.
pub(crate) async fn raw(server: &Server, request: &[u8]) -> String {
    exchange(UnixStream::connect(&server.path).await.unwrap(), request).await
}

pub(crate) async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> String {
    // A server that refuses a request does not read it to its end.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        answer.extend_from_slice(&chunk[..read]);
    }
    String::from_utf8(answer).unwrap()
}

//! A made-up node, a server for it, and a client of a few lines.

#![allow(dead_code, reason = "each test program uses a part")]

mod telemetry;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use quorate_adminapi::{
    AuditReport, CaKey, CaReport, ChangeReport, ChangeRequest, Cluster, CreatedToken, Member, MemberRole, MemberState,
    NewToken, NodeCa, RaftInfo, RaftLog, RaftVerify, Snapshots, StateHash, Status, TransferredTo, UtcTime, Version,
    Vitals, Votes,
};
use quorate_core::{
    Actor, AuditEntry, AuditHash, AuditNo, Command, DeviceId, Done, Entry, InviteId, InviteKey, LogIndex, NodeId,
    Operate, Operation, Operator, PasswordHash, State, Timestamp, TokenId,
};
use quorate_daemon::admin::{
    AdminError, AdminSocket, BackupBody, CaSource, ExportLines, Exported, FreshInvite, LogQuery, MetricsSnapshot,
    RaftSource, RosterSource, SnapshotSource, Source, serve_admin,
};
use quorate_daemon::chronicle::Chronicle;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Three voters that n3 leads, seen from n1.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) fails_with: Option<AdminError>,
    pub(crate) hangs: bool,
    pub(crate) metrics: MetricsSnapshot,
    pub(crate) operated: Arc<Mutex<Vec<(Operator, Operation)>>>,
    pub(crate) chronicle: Arc<Chronicle>,
    pub(crate) faulty_config: bool,
    /// Chunks of the backup that it gives, each after a pause.
    pub(crate) backup: (usize, Duration),
    /// With one, operations are done to it.
    pub(crate) chat: Option<Arc<Mutex<State>>>,
    /// How often it was told to catch up with the leader.
    pub(crate) caught_up: Arc<AtomicUsize>,
    /// Its exports break off after the first page.
    pub(crate) breaks_off: bool,
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
            id: Some(NodeId(1)),
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

    fn hands_back(&self) -> bool {
        true
    }

    fn version(&self) -> Version {
        Version {
            program: "chatd".into(),
            version: "0.1.0".into(),
        }
    }

    async fn catch_up(&self) -> Result<(), AdminError> {
        self.caught_up.fetch_add(1, Ordering::Relaxed);
        self.fails_with.clone().map_or(Ok(()), Err)
    }

    fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        match &self.chat {
            Some(chat) => look(&chat.lock().unwrap()),
            None => look(&State::new()),
        }
    }

    async fn operate(&self, by: Operator, operation: Operation) -> Result<Done, AdminError> {
        self.operated.lock().unwrap().push((by, operation.clone()));
        if let (None, Some(chat)) = (&self.fails_with, &self.chat) {
            let mut chat = chat.lock().unwrap();
            let index = chat.hash().index.next();
            let proposed_at = Timestamp(1_797_960_922_000 + index.0);
            let actor = Actor::default();
            let command = Command::Operate(Operate { by, operation, actor });
            return Ok(chat.apply(index, &Entry { proposed_at, command }).outcome?);
        }
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

    async fn hash_password(&self, password: String) -> Result<PasswordHash, AdminError> {
        match password.is_empty() {
            true => Err(AdminError::BadPassword("a password is wanted".to_owned())),
            false => Ok(PasswordHash::parse(&format!("hash of {password}")).unwrap()),
        }
    }

    async fn audit(&self, after: Option<AuditNo>, limit: usize) -> Result<Vec<(AuditNo, AuditEntry)>, AdminError> {
        let entry = |no| {
            let entry = AuditEntry {
                at: Timestamp(1_797_960_922_000),
                uid: 7,
                actor: Actor::parse("root").unwrap(),
                action: "users.disable".parse().unwrap(),
                target: "alice".parse().unwrap(),
                outcome: "done".parse().unwrap(),
                before: AuditHash::START,
            };
            (AuditNo(no), entry)
        };
        let from = after.map_or(1, |after| after.0 + 1);
        Ok((from..=3).take(limit).map(entry).collect())
    }

    async fn check_audit(&self) -> Result<AuditReport, AdminError> {
        Ok(AuditReport {
            ok: true,
            entries: 3,
            first: AuditNo(1),
            last: AuditNo(3),
            hash: AuditHash::START.to_string(),
            fault: None,
            nodes: Vec::new(),
        })
    }

    async fn sessions_of(&self, devices: Vec<DeviceId>) -> Vec<Vec<NodeId>> {
        devices.iter().map(|_| vec![NodeId(1), NodeId(3)]).collect()
    }

    async fn export(&self, what: Exported) -> Result<ExportLines, AdminError> {
        let (to, lines) = mpsc::channel(2);
        to.send(Ok(format!("{what:?}\n").into())).await.unwrap();
        if self.breaks_off {
            to.send(Err(std::io::Error::other("the disk"))).await.unwrap();
        }
        Ok(lines)
    }
}

impl SnapshotSource for Fake {
    fn snapshots(&self) -> Snapshots {
        Snapshots {
            node: NodeId(1),
            snapshot: None,
            applied: LogIndex(918),
            saves: Vec::new(),
        }
    }

    async fn save(&self, _: u32, stale: bool) -> Result<BackupBody, AdminError> {
        if let Some(error) = self.fails_with.clone().filter(|_| !stale) {
            return Err(error);
        }
        let (chunks, pause) = self.backup;
        let chunk = move |_| async move {
            tokio::time::sleep(pause).await;
            Ok(BACKUP_CHUNK)
        };
        Ok(futures_util::stream::iter(0..chunks).then(chunk).boxed())
    }
}

/// As much as a buffer of the connection.
pub(crate) const BACKUP_CHUNK: Bytes = Bytes::from_static(&[b'x'; 256 << 10]);

impl RaftSource for Fake {
    async fn log(&self, ask: LogQuery) -> Result<RaftLog, AdminError> {
        Ok(RaftLog {
            first: Some(LogIndex(901)),
            last: Some(LogIndex(920)),
            entries: Vec::new(),
            next: ask.from,
        })
    }

    async fn verify(&self, all: bool) -> Result<RaftVerify, AdminError> {
        let noted = Some([(LogIndex(64), 1)].into());
        let nodes = [(NodeId(1), noted.clone()), (NodeId(2), noted), (NodeId(3), None)];
        Ok(RaftVerify::of(&nodes.into(), all))
    }
}

impl CaSource for Fake {
    async fn ca(&self) -> Result<CaReport, AdminError> {
        let node = |id, ca: Option<&str>| NodeCa {
            id: NodeId(id),
            ca: ca.map(str::to_owned),
            is_present: ca == Some("new"),
        };
        Ok(CaReport {
            fingerprint: "new".to_owned(),
            retiring: Some("old".to_owned()),
            nodes: vec![node(1, Some("new")), node(2, Some("old")), node(3, None)],
        })
    }

    async fn rotate_ca(&self, _by: Operator) -> Result<CaReport, AdminError> {
        match &self.fails_with {
            Some(error) => Err(error.clone()),
            None => self.ca().await,
        }
    }

    async fn export_ca(&self, by: Operator) -> Result<CaKey, AdminError> {
        self.note(by, "ca.export", "new").await?;
        Ok(CaKey {
            fingerprint: "new".to_owned(),
            cert: "cert".to_owned(),
            key: "key".to_owned(),
            lineage: String::new(),
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
        vitals: Vitals::default(),
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

/// The status and the JSON of what a request with a body comes to.
pub(crate) async fn ask(server: &Server, method: &str, path: &str, body: &str) -> (u16, serde_json::Value) {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    let answer = raw(server, request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let json = serde_json::from_str(body).unwrap_or_else(|error| panic!("{method} {path}: {error} in {body}"));
    (status, json)
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

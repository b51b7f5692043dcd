//! Nodes that speak `chat/1` in front of one state, without a log or a disk, and misbehave when told to.

mod bulk;
mod session;
pub(crate) mod setup;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use quorate_certs::{ClusterCa, ClusterId, NodeSecrets, SharedIdentity};
use quorate_client::{IsTyping, RoomName};
use quorate_core::{
    Command, DeviceId, Entry, Event, LogIndex, NodeId, Outcome, Refusal, RoomEvent, RoomEventKind, RoomId, RoomRef,
    Seq, State, Timestamp, UnbindDevice, UserName,
};
use quorate_protocol::client::Bounds;
use quorate_protocol::event;
use quorate_transport::{CloseCode, Limits, Listener, ListenerHandle, Port};
use tokio::sync::{broadcast, watch};

use session::Session;

/// Notices of who is writing that wait for a session.
const NOTICES_MAX: usize = 1024;

/// What a node does with the next request that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "each test file uses some")]
pub(crate) enum Deed {
    /// What it should.
    Do,
    /// It does it and says that it does not know.
    DoAndForget,
    /// It does nothing and says that it does not know.
    Forget,
    /// It says that it cannot.
    Refuse,
    /// It does it, and the connection breaks before the answer.
    DoAndBreak,
    /// It answers with this refusal without the log having seen it.
    RefuseAtTheEdge,
}

pub(crate) struct Cluster {
    pub(crate) id: ClusterId,
    ca: ClusterCa,
    world: Mutex<World>,
    changed: watch::Sender<u64>,
}

struct World {
    state: State,
    index: u64,
    /// All that ever were.
    rows: HashMap<RoomId, Vec<Bytes>>,
    /// All that ever had a line: a room may be gone.
    names: HashMap<RoomId, RoomName>,
    /// The oldest lines that are still kept, where some are not.
    first: HashMap<RoomId, Seq>,
}

pub(crate) struct Node {
    pub(crate) addr: String,
    handle: ListenerHandle,
    knobs: Arc<Knobs>,
}

pub(crate) struct Knobs {
    /// It takes connections and frames and answers nothing.
    pub(crate) mute: AtomicBool,
    pub(crate) deeds: Mutex<VecDeque<Deed>>,
    pub(crate) sessions: AtomicU64,
    /// What clients said that they have seen, and of which cluster.
    pub(crate) hellos: Mutex<Vec<(Option<String>, LogIndex)>>,
    pub(crate) submits: AtomicU64,
    pub(crate) leader: watch::Sender<Option<NodeId>>,
    pub(crate) goodbye: watch::Sender<bool>,
    /// Sessions are closed with this code.
    pub(crate) dismiss: watch::Sender<Option<CloseCode>>,
    /// Connections are closed with this code in place of a welcome.
    pub(crate) door: Mutex<Option<CloseCode>>,
    /// What sessions are told of who is writing.
    pub(crate) typing: broadcast::Sender<IsTyping>,
    /// So many bulk asks are answered with a first part, and then the connection breaks.
    pub(crate) bulk_breaks: AtomicU64,
    /// Searches and the like are answered with this code: not now.
    pub(crate) finds_nothing: Mutex<Option<&'static str>>,
    /// Frames that are not answered, by their kinds, as they came.
    pub(crate) unanswered: Mutex<Vec<u16>>,
}

impl Cluster {
    pub(crate) fn new() -> Arc<Self> {
        let id = ClusterId::random();
        Arc::new(Self {
            ca: ClusterCa::generate(&id).unwrap(),
            id,
            world: Mutex::new(World {
                state: State::new(),
                index: 0,
                rows: HashMap::new(),
                names: HashMap::new(),
                first: HashMap::new(),
            }),
            changed: watch::Sender::new(0),
        })
    }

    pub(crate) fn node(self: &Arc<Self>, id: u64) -> Node {
        let id = NodeId(id);
        let identity = SharedIdentity::new(self.ca.issue_node(&self.id, id).unwrap());
        let addr = "127.0.0.1:0".parse().unwrap();
        let mut listener = Listener::bind(
            Port::Client,
            addr,
            identity,
            &NodeSecrets::random(),
            Limits::of(Port::Client),
        )
        .unwrap();
        let knobs = Arc::new(Knobs {
            mute: AtomicBool::new(false),
            door: Mutex::default(),
            deeds: Mutex::default(),
            sessions: AtomicU64::new(0),
            hellos: Mutex::default(),
            submits: AtomicU64::new(0),
            leader: watch::Sender::new(Some(NodeId(9))),
            goodbye: watch::Sender::new(false),
            dismiss: watch::Sender::new(None),
            typing: broadcast::Sender::new(NOTICES_MAX),
            bulk_breaks: AtomicU64::new(0),
            finds_nothing: Mutex::default(),
            unanswered: Mutex::default(),
        });
        let node = Node {
            addr: listener.local_addr().unwrap().to_string(),
            handle: listener.handle(),
            knobs: Arc::clone(&knobs),
        };
        let cluster = Arc::clone(self);
        tokio::spawn(async move {
            while let Some(connection) = listener.accept().await {
                let session = Session {
                    cluster: Arc::clone(&cluster),
                    knobs: Arc::clone(&knobs),
                    node: id,
                    connection,
                };
                tokio::spawn(session.run());
            }
        });
        node
    }

    pub(crate) fn apply(&self, command: Command) -> (Outcome, LogIndex) {
        let mut world = self.world.lock().unwrap();
        world.index += 1;
        let index = LogIndex(world.index);
        let proposed_at = Timestamp(1_000_000 + index.0);
        let applied = world.state.apply(index, &Entry { proposed_at, command });
        for change in &applied.events {
            if let Event::Room(row) = change {
                world.rows.entry(row.room).or_default().push(event::encode(row));
                if let Some(name) = world.state.room(row.room).map(|room| room.name.clone()) {
                    world.names.insert(row.room, name);
                }
            }
        }
        drop(world);
        self.changed.send_replace(index.0);
        (applied.outcome, index)
    }

    pub(crate) fn seen(&self) -> LogIndex {
        LogIndex(self.world.lock().unwrap().index)
    }

    fn user_of(&self, device: &DeviceId) -> Option<UserName> {
        let world = self.world.lock().unwrap();
        let user = world.state.device(device)?.user;
        Some(world.state.user(user)?.name.clone())
    }

    fn room(&self, device: &DeviceId, room: &RoomRef) -> Result<(RoomId, Bounds), Refusal> {
        let world = self.world.lock().unwrap();
        let user = world.state.device(device).ok_or(Refusal::NotLoggedIn)?.user;
        let id = world.state.readable_room(user, room)?;
        let found = world.state.room(id).unwrap();
        let bounds = Bounds {
            room: found.name.clone(),
            first: world.first.get(&id).copied().unwrap_or(Seq(1)),
            last: found.last_seq,
        };
        Ok((id, bounds))
    }

    /// Lines after this one that are still kept, and the seq of the first of them.
    fn rows(&self, room: RoomId, after: Seq, max: usize) -> (Seq, Vec<Bytes>) {
        let world = self.world.lock().unwrap();
        let first = world.first.get(&room).copied().unwrap_or(Seq(1)).max(after.next());
        let kept = world.rows[&room].iter().skip(first.0 as usize - 1);
        (first, kept.take(max).cloned().collect())
    }

    /// All lines of all rooms, in the order of rooms and seqs.
    fn lines(&self) -> Vec<(RoomName, RoomEvent, Bytes)> {
        let world = self.world.lock().unwrap();
        let mut lines = Vec::new();
        for (room, rows) in &world.rows {
            let name = &world.names[room];
            lines.extend(
                rows.iter()
                    .map(|row| (name.clone(), event::decode(row).unwrap(), row.clone())),
            );
        }
        lines.sort_by_key(|(_, line, _)| line.no);
        lines
    }

    /// Lines of a room before this one are kept no longer.
    #[allow(dead_code, reason = "each test file uses some")]
    pub(crate) fn cut(&self, name: &str, first: Seq) {
        let mut world = self.world.lock().unwrap();
        let (id, _) = world.state.room_by_name(&RoomName::parse(name).unwrap()).unwrap();
        world.first.insert(id, first);
    }

    /// The device speaks for nobody any more. Sessions are not told.
    #[allow(dead_code, reason = "each test file uses some")]
    pub(crate) fn revoke(&self, device: DeviceId) {
        let target = device;
        self.apply(Command::UnbindDevice(UnbindDevice { device, target }))
            .0
            .unwrap();
    }

    /// What was said in a room, in order: messages, and what edits made of them.
    #[allow(dead_code, reason = "each test file uses some")]
    pub(crate) fn said(&self, name: &str) -> Vec<String> {
        let lines = self.lines().into_iter().filter(|(room, ..)| room.as_str() == name);
        lines
            .filter_map(|(_, line, _)| match line.kind {
                RoomEventKind::Message { body, .. } => Some(body.as_str().to_owned()),
                RoomEventKind::Edited { target, body, .. } => Some(format!("{target}: {body}")),
                RoomEventKind::Reacted { target, emoji } => Some(format!("{target}: +{emoji}")),
                RoomEventKind::Redacted { target, .. } => Some(format!("{}: gone", target.seq)),
                _ => None,
            })
            .collect()
    }

    /// The bodies of the messages in a room, in order.
    #[allow(dead_code, reason = "each test file uses some")]
    pub(crate) fn bodies(&self, name: &str) -> Vec<String> {
        let lines = self.lines().into_iter().filter(|(room, ..)| room.as_str() == name);
        lines
            .filter_map(|(_, line, _)| match line.kind {
                RoomEventKind::Message { body, .. } => Some(body.as_str().to_owned()),
                _ => None,
            })
            .collect()
    }
}

#[allow(dead_code, reason = "each test file uses some")]
impl Node {
    pub(crate) fn knobs(&self) -> &Knobs {
        &self.knobs
    }

    pub(crate) fn will(&self, deeds: impl IntoIterator<Item = Deed>) {
        self.knobs.deeds.lock().unwrap().extend(deeds);
    }

    pub(crate) fn sessions(&self) -> u64 {
        self.knobs.sessions.load(Ordering::SeqCst)
    }

    pub(crate) async fn stop(&self) {
        self.handle.close(CloseCode::Draining, "stopped by the test").await;
    }
}

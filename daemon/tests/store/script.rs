//! A small chat as log entries, a node to feed them to, and what comes of them without any store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use openraft::alias::CommittedLeaderIdOf;
use openraft::entry::RaftEntry;
use openraft::storage::{IOFlushed, RaftLogStorage, RaftStateMachine};
use openraft::type_config::TypeConfigExt;
use openraft::vote::RaftLeaderId;
use openraft::{EntryPayload, Membership, RaftLogReader, RaftSnapshotBuilder};
use quorate_core::{
    Action, Body, Command, CreateRoom, DeviceId, Entry, GrantWriter, JoinRoom, LeaveRoom, LogIndex, MessageId, NodeId,
    Origin, Outcome, PostMessage, Record, RegisterUser, RequestNo, RoomId, RoomRef, State, Submission, Timestamp,
    UserName, WriterId,
};
use quorate_daemon::consensus::types::{LogEntry, LogId, NodeAddrs, Proposal, TypeConfig};
use quorate_daemon::store::{LogStore, SnapshotData, SnapshotReader, StateMachine, Store, StoreError};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::chat::password;
use crate::disk::{Dice, Disk, Image};

pub(crate) const CLUSTER: &str = "abcdefghijklmnop";
pub(crate) const NODE: NodeId = NodeId(1);
/// The room that the script makes: the index of the entry that does.
pub(crate) const ROOM: RoomId = RoomId(6);

pub(crate) fn log_id(index: u64) -> LogId {
    LogId::new(CommittedLeaderIdOf::<TypeConfig>::new(1, NODE), index)
}

pub(crate) fn normal(index: u64, command: Command) -> LogEntry {
    let entry = Entry {
        proposed_at: Timestamp(1_700_000_000_000 + index * 10),
        command,
    };
    LogEntry::new_normal(log_id(index), Proposal(quorate_protocol::entry::encode(&entry)))
}

pub(crate) fn device(user: u8) -> DeviceId {
    DeviceId([user; 32])
}

pub(crate) fn register(index: u64, user: u8, name: &str) -> LogEntry {
    let name: UserName = name.parse().unwrap();
    let command = Command::RegisterUser(RegisterUser {
        likeness: name.likeness(),
        name,
        password: password(),
        device: device(user),
        device_name: "laptop".parse().unwrap(),
        attempt: u128::from(user),
        invite: None,
    });
    normal(index, command)
}

fn submit(index: u64, user: u8, writer: u64, request: u64, action: Action) -> LogEntry {
    let origin = Origin {
        device: device(user),
        writer: WriterId(writer),
        request: RequestNo(request),
    };
    normal(index, Command::Submit(Submission { origin, action }))
}

/// The first `count` entries of a chat: two users, a room, then posts, joins, leaves and more users,
/// with blanks and a membership in between.
pub(crate) fn entries(count: u64) -> Vec<LogEntry> {
    let mut dice = Dice(7);
    let mut requests = [0_u64; 2];
    let mut bob_in = false;
    (0..count)
        .map(|index| match index {
            0 => membership(0, &[1]),
            1 => LogEntry::new_blank(log_id(1)),
            2 => register(2, 1, "alice"),
            3 => register(3, 2, "bob"),
            4 | 5 => {
                let device = device(u8::try_from(index - 3).unwrap());
                normal(index, Command::GrantWriter(GrantWriter { device }))
            }
            6 => {
                requests[0] += 1;
                let create = CreateRoom {
                    name: "lobby".parse().unwrap(),
                    private: false,
                    topic: "hello".parse().unwrap(),
                };
                submit(6, 1, 4, 1, Action::CreateRoom(create))
            }
            _ => match dice.roll(12) {
                0 => LogEntry::new_blank(log_id(index)),
                1 => membership(index, &[1, 2, 3]),
                2 => register(index, u8::try_from(10 + index % 200).unwrap(), &format!("user{index}")),
                3 => {
                    requests[1] += 1;
                    let room = "lobby".parse().unwrap();
                    let action = if bob_in {
                        Action::LeaveRoom(LeaveRoom { room })
                    } else {
                        Action::JoinRoom(JoinRoom { room })
                    };
                    bob_in = !bob_in;
                    submit(index, 2, 5, requests[1], action)
                }
                _ => {
                    requests[0] += 1;
                    submit(index, 1, 4, requests[0], post(index))
                }
            },
        })
        .collect()
}

fn post(index: u64) -> Action {
    Action::PostMessage(PostMessage {
        room: RoomRef::Name("lobby".parse().unwrap()),
        id: MessageId::parse(&format!("id-{index}")).unwrap(),
        body: Body::parse(&format!(
            "message {index} {}",
            "x".repeat(usize::try_from(index % 90).unwrap())
        ))
        .unwrap(),
        reply_to: None,
        mentions: Vec::new(),
        calls_room: false,
    })
}

pub(crate) fn membership(index: u64, nodes: &[u64]) -> LogEntry {
    let addrs = |id: &u64| {
        let addrs = NodeAddrs {
            peer: format!("10.0.0.{id}:7001"),
            client: format!("10.0.0.{id}:7000"),
        };
        (NodeId(*id), addrs)
    };
    let voters: BTreeSet<_> = nodes.iter().copied().map(NodeId).collect();
    let nodes: BTreeMap<_, _> = nodes.iter().map(addrs).collect();
    LogEntry::new_membership(log_id(index), Membership::new(vec![voters], nodes).unwrap())
}

/// Applies an entry to a state without a store.
pub(crate) fn apply_to(state: &mut State, entry: &LogEntry) -> Option<Outcome> {
    let EntryPayload::Normal(Proposal(bytes)) = &entry.payload else {
        return None;
    };
    let read = quorate_protocol::entry::decode(bytes).unwrap();
    Some(state.apply(LogIndex(entry.log_id.index()), &read).outcome)
}

/// The records after each of the entries, by a state without a store.
pub(crate) fn records_by_index(entries: &[LogEntry]) -> Vec<Vec<Record>> {
    let mut state = State::new();
    let mut all = Vec::new();
    for entry in entries {
        apply_to(&mut state, entry);
        all.push(state.records().collect());
    }
    all
}

/// A store on a simulated disk.
pub(crate) struct Node {
    pub(crate) dir: Arc<TempDir>,
    pub(crate) disk: Disk,
    pub(crate) store: Store,
}

impl Node {
    pub(crate) fn create() -> Self {
        Self::create_as(NODE)
    }

    pub(crate) fn create_as(node: NodeId) -> Self {
        let dir = Arc::new(TempDir::new().unwrap());
        let disk = Disk::default();
        Store::create_with(dir.path(), CLUSTER.parse().unwrap(), node, &disk.databases()).unwrap();
        Self::open(dir, disk)
    }

    pub(crate) fn open(dir: Arc<TempDir>, disk: Disk) -> Self {
        let store = Store::open_with(dir.path(), None, Arc::default(), disk.databases()).unwrap();
        Self { dir, disk, store }
    }

    /// The same node on what a crash left.
    pub(crate) fn after_crash(&self, image: &Image) -> Self {
        Self::open(Arc::clone(&self.dir), Disk::from_image(image))
    }

    pub(crate) async fn append(&self, entries: &[LogEntry]) -> Result<(), std::io::Error> {
        append(&mut self.store.log(), entries).await.await.unwrap()
    }

    pub(crate) async fn apply(&self, entries: &[LogEntry]) {
        apply(&mut self.store.state_machine(), entries).await.unwrap();
    }

    pub(crate) async fn append_and_apply(&self, entries: &[LogEntry]) {
        self.append(entries).await.unwrap();
        self.apply(entries).await;
    }

    /// Applies from the log what the state does not have.
    pub(crate) async fn replay(&self) {
        let from = self.store.reader().last_applied().map_or(0, |id| id.index() + 1);
        let entries = self.store.log().try_get_log_entries(from..).await.unwrap();
        self.apply(&entries).await;
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        self.store.reader().with_state(|state| state.records().collect())
    }

    /// All rows, as a snapshot's frames.
    pub(crate) async fn frames(&self) -> Vec<Bytes> {
        let reader = checkpoint(&mut self.store.state_machine()).await.unwrap();
        reader.frames().collect::<Result<_, _>>().unwrap()
    }

    pub(crate) async fn checkpoint(&self) {
        checkpoint(&mut self.store.state_machine()).await.unwrap();
    }
}

pub(crate) async fn checkpoint(machine: &mut StateMachine) -> Result<SnapshotReader, std::io::Error> {
    let mut builder = machine.try_create_snapshot_builder(true).await.unwrap();
    match builder.build_snapshot().await?.snapshot {
        SnapshotData::Local(reader) => Ok(reader),
        SnapshotData::Received(_) => panic!("a node builds its own"),
    }
}

/// Queues the entries; what comes back says when they are durable.
pub(crate) async fn append(log: &mut LogStore, entries: &[LogEntry]) -> oneshot::Receiver<Result<(), std::io::Error>> {
    let (tell, told) = TypeConfig::oneshot();
    let flushed = IOFlushed::signal(tell);
    if let Err(error) = log.append(entries.to_vec(), flushed).await {
        let (tell, told) = oneshot::channel();
        tell.send(Err(error)).unwrap();
        return told;
    }
    told
}

pub(crate) async fn apply(machine: &mut StateMachine, entries: &[LogEntry]) -> Result<(), std::io::Error> {
    let items: Vec<_> = entries.iter().map(|entry| Ok((entry.clone(), None))).collect();
    machine.apply(futures_util::stream::iter(items)).await
}

/// The store's error inside an openraft one.
pub(crate) fn store_error(error: &std::io::Error) -> &StoreError {
    error.get_ref().unwrap().downcast_ref().unwrap()
}

//! A node's store with a small chat in it, fed as Raft would, and the search beside it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use openraft::RaftSnapshotBuilder;
use openraft::alias::CommittedLeaderIdOf;
use openraft::entry::RaftEntry;
use openraft::storage::RaftStateMachine;
use openraft::vote::RaftLeaderId;
use quorate_core::{
    Action, Body, Command, CreateRoom, DeleteRoom, DeleteUser, DeviceId, Done, EditMessage, Entry, EventNo,
    GrantWriter, JoinRoom, LogIndex, MessageId, NodeId, Origin, PasswordHash, PostMessage, RedactMessage, RegisterUser,
    RequestNo, Retention, RoomId, RoomRef, Seq, SetRetention, State, Submission, Sweep, Timestamp, UserId, UserName,
    WriterId,
};
use quorate_daemon::consensus::types::{LogEntry, LogId, Proposal, TypeConfig};
use quorate_daemon::fanout::Hub;
use quorate_daemon::search::{Ask, FindError, Keeper, Page, Search};
use quorate_daemon::store::Store;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

const CLUSTER: &str = "abcdefghijklmnop";
const DEADLINE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

pub(crate) struct Node {
    dir: TempDir,
    hub: Arc<Hub>,
    store: Store,
    /// The same entries without a store, for their outcomes.
    state: State,
    index: u64,
    keeper: Option<Keeper>,
    pub(crate) search: Search,
}

/// A user with a device and a writer of the same number.
pub(crate) struct Person {
    pub(crate) id: UserId,
    device: DeviceId,
    writer: WriterId,
    requests: u64,
}

impl Node {
    pub(crate) fn create() -> Self {
        let dir = TempDir::new().unwrap();
        Store::create(dir.path(), CLUSTER.parse().unwrap(), NodeId(1)).unwrap();
        let hub = Arc::<Hub>::default();
        let store = Store::open(dir.path(), None, Arc::clone(&hub)).unwrap();
        Self {
            dir,
            hub,
            store,
            state: State::new(),
            index: 0,
            keeper: None,
            search: Search::off(),
        }
    }

    pub(crate) fn index_dir(&self) -> PathBuf {
        self.dir.path().join("search")
    }

    pub(crate) fn begin_search(&mut self) {
        let (search, keeper) = Search::start(self.index_dir(), self.store.reader(), self.hub.watch_applied());
        (self.search, self.keeper) = (search, Some(keeper));
    }

    pub(crate) async fn end_search(&mut self) {
        self.keeper.take().unwrap().stop(DEADLINE).await;
    }

    pub(crate) async fn apply(&mut self, command: Command) -> Done {
        self.index += 1;
        let entry = Entry {
            proposed_at: Timestamp(1_700_000_000_000 + self.index * 10),
            command,
        };
        let outcome = self.state.apply(LogIndex(self.index), &entry).outcome;
        let log_id = LogId::new(CommittedLeaderIdOf::<TypeConfig>::new(1, NodeId(1)), self.index);
        let entry = LogEntry::new_normal(log_id, Proposal(quorate_protocol::entry::encode(&entry)));
        let entries = futures_util::stream::iter([Ok((entry, None))]);
        self.store.state_machine().apply(entries).await.unwrap();
        outcome.unwrap()
    }

    pub(crate) async fn register(&mut self, name: &str) -> Person {
        let name = UserName::parse(name).unwrap();
        let device = DeviceId([u8::try_from(self.index).unwrap(); 32]);
        let command = RegisterUser {
            likeness: name.likeness(),
            name,
            password: password(),
            device,
            device_name: "laptop".parse().unwrap(),
            attempt: u128::from(self.index),
            invite: None,
        };
        let Done::Registered { user } = self.apply(Command::RegisterUser(command)).await else {
            panic!("not registered")
        };
        let Done::Granted { writer } = self.apply(Command::GrantWriter(GrantWriter { device })).await else {
            panic!("not granted")
        };
        Person {
            id: user,
            device,
            writer,
            requests: 0,
        }
    }

    pub(crate) async fn submit(&mut self, person: &mut Person, action: Action) -> Done {
        person.requests += 1;
        let origin = Origin {
            device: person.device,
            writer: person.writer,
            request: RequestNo(person.requests),
        };
        self.apply(Command::Submit(Submission { origin, action })).await
    }

    pub(crate) async fn create_room(&mut self, person: &mut Person, name: &str) -> RoomId {
        let action = Action::CreateRoom(CreateRoom {
            name: name.parse().unwrap(),
            private: false,
            topic: "".parse().unwrap(),
        });
        let Done::Created { room, .. } = self.submit(person, action).await else {
            panic!("not created")
        };
        room
    }

    pub(crate) async fn join(&mut self, person: &mut Person, room: &str) {
        let room = room.parse().unwrap();
        self.submit(person, Action::JoinRoom(JoinRoom { room })).await;
    }

    pub(crate) async fn post(&mut self, person: &mut Person, room: &str, text: &str) -> Seq {
        let action = Action::PostMessage(PostMessage {
            room: RoomRef::Name(room.parse().unwrap()),
            id: MessageId::parse(&format!("id-{}", self.index)).unwrap(),
            body: Body::parse(text).unwrap(),
            reply_to: None,
            mentions: Vec::new(),
            calls_room: false,
        });
        let Done::Posted { seq, .. } = self.submit(person, action).await else {
            panic!("not posted")
        };
        seq
    }

    pub(crate) async fn edit(&mut self, person: &mut Person, room: &str, seq: Seq, text: &str) {
        let action = Action::EditMessage(EditMessage {
            room: RoomRef::Name(room.parse().unwrap()),
            seq,
            body: Body::parse(text).unwrap(),
        });
        self.submit(person, action).await;
    }

    pub(crate) async fn redact(&mut self, person: &mut Person, room: &str, seq: Seq) {
        let action = Action::RedactMessage(RedactMessage {
            room: RoomRef::Name(room.parse().unwrap()),
            seq,
            reason: None,
        });
        self.submit(person, action).await;
    }

    /// Lets the room keep only so many messages, and takes the others away.
    pub(crate) async fn cut(&mut self, person: &mut Person, room: (RoomId, &str), messages_max: u64) {
        let retention = Retention {
            age_max: None,
            messages_max: Some(messages_max),
        };
        let name = room.1.parse().unwrap();
        let action = Action::SetRetention(SetRetention { room: name, retention });
        self.submit(person, action).await;
        self.sweep(Sweep::Room(room.0)).await;
    }

    pub(crate) async fn delete_room(&mut self, person: &mut Person, room: (RoomId, &str)) {
        let name = room.1.parse().unwrap();
        self.submit(person, Action::DeleteRoom(DeleteRoom { room: name })).await;
        self.sweep(Sweep::Room(room.0)).await;
    }

    /// Deletes the user with all their texts.
    pub(crate) async fn purge(&mut self, person: &Person) {
        let command = DeleteUser {
            device: person.device,
            proven: password(),
            purge_messages: true,
        };
        self.apply(Command::DeleteUser(command)).await;
        self.sweep(Sweep::User(person.id)).await;
    }

    async fn sweep(&mut self, sweep: Sweep) {
        while self.apply(Command::Sweep(sweep)).await == (Done::Swept { more: true }) {}
    }

    /// Everything that happened so far is in the index.
    pub(crate) async fn indexed(&self) {
        let end = self.store.reader().with_state(State::next_event);
        let deadline = Instant::now() + DEADLINE;
        while !self.search.wait(end, deadline).await {
            assert!(Instant::now() < deadline, "not indexed");
            sleep(POLL).await;
        }
    }

    pub(crate) async fn find(&self, ask: Ask) -> Result<Page, FindError> {
        self.search.find(ask).await
    }

    /// The places that have these words, among all rooms up to the last; the newest first.
    pub(crate) async fn places(&self, words: &str) -> Result<Vec<(RoomId, Seq)>, FindError> {
        let page = self.find(ask(words, (0..=self.index).map(RoomId))).await?;
        Ok(page.hits.iter().map(|hit| (hit.room, hit.seq)).collect())
    }

    /// Waits until these places have these words: for what no line tells of.
    pub(crate) async fn eventually(&self, words: &str, expected: &[(RoomId, Seq)]) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let places = self.places(words).await;
            if places.as_deref() == Ok(expected) {
                return;
            }
            assert!(Instant::now() < deadline, "{words}: {places:?}, not {expected:?}");
            sleep(POLL).await;
        }
    }

    pub(crate) fn next_event(&self) -> EventNo {
        self.store.reader().with_state(State::next_event)
    }

    /// Goes on with the state of another node, as if its own log had been left behind.
    pub(crate) async fn install_snapshot_of(&mut self, other: &Self) {
        let mut builder = other.store.state_machine().get_snapshot_builder().await;
        let snapshot = builder.build_snapshot().await.unwrap();
        let mut machine = self.store.state_machine();
        machine
            .install_snapshot(&snapshot.meta, snapshot.snapshot)
            .await
            .unwrap();
        self.index = other.index;
    }
}

pub(crate) fn ask(words: &str, rooms: impl IntoIterator<Item = RoomId>) -> Ask {
    Ask {
        words: words.to_owned(),
        rooms: rooms.into_iter().collect::<BTreeSet<_>>(),
        limit: 100,
        ..Ask::default()
    }
}

fn password() -> PasswordHash {
    PasswordHash::parse("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA").unwrap()
}

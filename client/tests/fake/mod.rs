//! Nodes that speak `chat/1` in front of one state, without a log or a disk, and misbehave when told to.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use quorate_certs::{ClusterCa, ClusterId, NodeSecrets, SharedIdentity};
use quorate_core::{
    BindDevice, Command, DeviceId, DeviceName, Entry, Event, GrantWriter, LogIndex, NodeId, Origin, Outcome,
    PasswordHash, Refusal, RegisterUser, RoomId, RoomRef, Seq, State, Submission, Timestamp, UserName,
};
use quorate_protocol::client::{
    self, Account, Answer, Bounds, Called, Failure, Feed, Goodbye, Grant, Hello, History, HistoryEnd, HistoryPart,
    Leader, Login, NodeAddr, Part, Ping, Pong, Register, Reply, Submit, Subscribe, Subscribed, Unsubscribe, Welcome,
    WhoAmI, kind,
};
use quorate_protocol::{FRAME_MAX_CLIENT_BYTES, Frame, event};
use quorate_transport::{
    CloseCode, Connection, FrameReceiver, FrameSender, Identity, Limits, Listener, ListenerHandle, Port,
};
use tokio::sync::watch;

/// Events in one part of a history: with short bodies, they fit into a frame.
const PART_EVENTS: usize = 50;

/// What a node does with the next request that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "each test file uses some")]
pub(crate) enum Deed {
    /// What it should.
    Do,
    /// It does it and says that it does not know.
    DoAndForget,
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
    rows: HashMap<RoomId, Vec<Bytes>>,
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
    pub(crate) submits: AtomicU64,
    pub(crate) leader: watch::Sender<Option<NodeId>>,
    pub(crate) goodbye: watch::Sender<bool>,
    /// Feeds of this node leave out every event with this seq, as no node should.
    pub(crate) skips: AtomicU64,
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
            deeds: Mutex::default(),
            sessions: AtomicU64::new(0),
            submits: AtomicU64::new(0),
            leader: watch::Sender::new(Some(NodeId(9))),
            goodbye: watch::Sender::new(false),
            skips: AtomicU64::new(0),
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
            }
        }
        drop(world);
        self.changed.send_replace(index.0);
        (applied.outcome, index)
    }

    fn seen(&self) -> LogIndex {
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
            first: Seq(1),
            last: found.last_seq,
        };
        Ok((id, bounds))
    }

    fn rows(&self, room: RoomId, after: Seq, max: usize) -> Vec<Bytes> {
        let world = self.world.lock().unwrap();
        let skipped = world.rows[&room].iter().skip(after.0 as usize);
        skipped.take(max).cloned().collect()
    }

    /// The bodies of the messages in a room, in order.
    #[allow(dead_code, reason = "each test file uses some")]
    pub(crate) fn bodies(&self, name: &str) -> Vec<String> {
        let world = self.world.lock().unwrap();
        let name = quorate_core::RoomName::parse(name).unwrap();
        let (id, _) = world.state.room_by_name(&name).unwrap();
        let decoded = world.rows[&id].iter().map(|row| event::decode(row).unwrap());
        decoded
            .filter_map(|row| match row.kind {
                quorate_core::RoomEventKind::Message { body, .. } => Some(body.as_str().to_owned()),
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

struct Session {
    cluster: Arc<Cluster>,
    knobs: Arc<Knobs>,
    node: NodeId,
    connection: Connection,
}

struct OpenFeed {
    room: RoomId,
    cursor: Seq,
}

impl Session {
    async fn run(self) {
        self.knobs.sessions.fetch_add(1, Ordering::SeqCst);
        // The end of a session is the client's to notice.
        let _ = self.serve().await;
    }

    fn device(&self) -> DeviceId {
        match self.connection.identity() {
            Identity::Device(device) => device,
            Identity::Node(_) => panic!("only devices come here"),
        }
    }

    async fn serve(&self) -> Option<()> {
        let (mut sender, mut receiver) = self.connection.accept().await.ok()?;
        let first = receiver.recv().await.ok()??;
        client::parse::<Hello>(&first).unwrap();
        receiver.set_limit(FRAME_MAX_CLIENT_BYTES);
        if self.knobs.mute.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let welcome = Welcome {
            minor: 1,
            cluster: self.cluster.id.to_string(),
            node: self.node,
            version: "fake".into(),
            now: Timestamp(1),
            user: self.cluster.user_of(&self.device()),
            leader: *self.knobs.leader.borrow(),
            nodes: Vec::<NodeAddr>::new(),
            seen: self.cluster.seen(),
        };
        sender.send(&client::frame(&welcome)).await.ok()?;
        let mut feeds: HashMap<u32, OpenFeed> = HashMap::new();
        let mut changed = self.cluster.changed.subscribe();
        let mut goodbye = self.knobs.goodbye.subscribe();
        let mut leader = self.knobs.leader.subscribe();
        leader.mark_unchanged();
        loop {
            let mut out = Vec::new();
            tokio::select! {
                frame = receiver.recv() => out.extend(self.take(&frame.ok()??, &mut feeds)?),
                _ = changed.changed() => {}
                _ = goodbye.changed() => out.push(client::frame(&Goodbye { reason: "draining".into() })),
                _ = leader.changed() => out.push(client::frame(&Leader { leader: *leader.borrow_and_update() })),
                stream = self.connection.accept() => {
                    let (sender, receiver) = stream.ok()?;
                    self.history(sender, receiver).await?;
                }
            }
            if self.knobs.mute.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            self.pull(&mut feeds, &mut out);
            sender.send_all(&out).await.ok()?;
        }
    }

    fn pull(&self, feeds: &mut HashMap<u32, OpenFeed>, out: &mut Vec<Frame>) {
        for (id, feed) in feeds {
            loop {
                let mut events = self.cluster.rows(feed.room, Seq(feed.cursor.0 - 1), 50);
                if events.is_empty() {
                    break;
                }
                let first = feed.cursor;
                feed.cursor = Seq(first.0 + events.len() as u64);
                let mut told = first;
                if self.knobs.skips.load(Ordering::SeqCst) == first.0 {
                    events.remove(0);
                    told = first.next();
                }
                out.push(client::frame(&Feed {
                    feed: *id,
                    first: told,
                    events,
                    seen: self.cluster.seen(),
                }));
            }
        }
    }

    /// The replies; `None` ends the session.
    fn take(&self, frame: &Frame, feeds: &mut HashMap<u32, OpenFeed>) -> Option<Vec<Frame>> {
        let reply = |call, result| {
            let seen = self.cluster.seen();
            vec![client::frame(&Reply { call, result, seen })]
        };
        Some(match frame.kind {
            kind::PING => {
                let Ping { token } = client::parse(frame).unwrap();
                vec![client::frame(&Pong { token })]
            }
            kind::REGISTER => {
                let Called { call, body } = client::parse::<Called<Register>>(frame).unwrap();
                let command = Command::RegisterUser(RegisterUser {
                    name: UserName::parse(&body.user).unwrap(),
                    password: PasswordHash::parse(&body.password).unwrap(),
                    device: self.device(),
                    device_name: DeviceName::parse(&body.device).unwrap(),
                    attempt: body.attempt,
                });
                reply(call, self.change(command)?)
            }
            kind::LOGIN => {
                let Called { call, body } = client::parse::<Called<Login>>(frame).unwrap();
                let name = UserName::parse(&body.user).unwrap();
                let user = self
                    .cluster
                    .world
                    .lock()
                    .unwrap()
                    .state
                    .user_by_name(&name)
                    .map(|found| found.0);
                match user {
                    None => reply(call, Err(failure(&Refusal::UnknownUser))),
                    Some(user) => {
                        let command = Command::BindDevice(BindDevice {
                            user,
                            proven: PasswordHash::parse(&body.password).unwrap(),
                            device: self.device(),
                            device_name: DeviceName::parse(&body.device).unwrap(),
                        });
                        reply(call, self.change(command)?)
                    }
                }
            }
            kind::GRANT => {
                let Called { call, .. } = client::parse::<Called<Grant>>(frame).unwrap();
                let device = self.device();
                let (outcome, _) = self.cluster.apply(Command::GrantWriter(GrantWriter { device }));
                reply(call, outcome.map(Answer::Done).map_err(|refusal| failure(&refusal)))
            }
            kind::SUBMIT => {
                let Called { call, body } = client::parse::<Called<Submit>>(frame).unwrap();
                self.knobs.submits.fetch_add(1, Ordering::SeqCst);
                let command = Command::Submit(Submission {
                    origin: Origin {
                        device: self.device(),
                        writer: body.writer,
                        request: body.request,
                    },
                    action: body.action,
                });
                reply(call, self.change(command)?)
            }
            kind::SUBSCRIBE => {
                let Called { call, body } = client::parse::<Called<Subscribe>>(frame).unwrap();
                match self.cluster.room(&self.device(), &body.room) {
                    Err(refusal) => reply(call, Err(failure(&refusal))),
                    Ok((room, bounds)) => {
                        let from = body.from.unwrap_or(bounds.last.next());
                        feeds.insert(body.feed, OpenFeed { room, cursor: from });
                        let last = bounds.last;
                        let room = bounds.room;
                        reply(call, Ok(Answer::Subscribed(Subscribed { room, from, last })))
                    }
                }
            }
            kind::UNSUBSCRIBE => {
                let Called { call, body } = client::parse::<Called<Unsubscribe>>(frame).unwrap();
                feeds.remove(&body.feed);
                reply(call, Ok(Answer::Unsubscribed))
            }
            kind::WHO_AM_I => {
                let Called { call, .. } = client::parse::<Called<WhoAmI>>(frame).unwrap();
                match self.cluster.user_of(&self.device()) {
                    Some(user) => reply(
                        call,
                        Ok(Answer::Account(Account {
                            user,
                            registered_at: Timestamp(1),
                            device: self.device(),
                        })),
                    ),
                    None => reply(call, Err(failure(&Refusal::NotLoggedIn))),
                }
            }
            other => panic!("no test asks for kind {other:#06x}"),
        })
    }

    fn change(&self, command: Command) -> Option<Result<Answer, Failure>> {
        let deed = self.knobs.deeds.lock().unwrap().pop_front().unwrap_or(Deed::Do);
        if deed == Deed::Refuse {
            return Some(Err(Failure::Unavailable {
                code: "no-quorum".into(),
            }));
        }
        if deed == Deed::RefuseAtTheEdge {
            return Some(Err(Failure::Refused {
                code: "rate-limited".into(),
                message: "slow down".into(),
                expected: None,
            }));
        }
        let (outcome, _) = self.cluster.apply(command);
        match deed {
            Deed::DoAndForget => Some(Err(Failure::Unknown)),
            Deed::DoAndBreak => {
                self.connection.close(CloseCode::Internal, "broken by the test");
                None
            }
            _ => Some(outcome.map(Answer::Done).map_err(|refusal| failure(&refusal))),
        }
    }

    async fn history(&self, mut sender: FrameSender, mut receiver: FrameReceiver) -> Option<()> {
        let first = receiver.recv().await.ok()??;
        let ask = client::parse::<History>(&first).unwrap();
        let result = self
            .cluster
            .room(&self.device(), &ask.room)
            .map_err(|refusal| failure(&refusal));
        if let Ok((room, bounds)) = &result {
            let limit = u64::from(ask.limit);
            let after = match ask.part {
                Part::Newest => Seq(bounds.last.0.saturating_sub(limit)),
                Part::After(seq) => seq,
                Part::Before(seq) => Seq((seq.0 - 1).saturating_sub(limit)),
            };
            let max = match ask.part {
                Part::Before(seq) => (seq.0 - 1).min(limit),
                _ => limit,
            };
            let events = self.cluster.rows(*room, after, max as usize);
            for (index, events) in events.chunks(PART_EVENTS).enumerate() {
                let part = HistoryPart {
                    first: Seq(after.0 + 1 + (index * PART_EVENTS) as u64),
                    events: events.to_vec(),
                };
                sender.send(&client::frame(&part)).await.ok()?;
            }
        }
        let end = HistoryEnd {
            result: result.map(|(_, bounds)| bounds),
            seen: self.cluster.seen(),
        };
        sender.send(&client::frame(&end)).await.ok()?;
        sender.finish().ok()
    }
}

fn failure(refusal: &Refusal) -> Failure {
    Failure::Refused {
        code: refusal.code().into(),
        message: refusal.to_string(),
        expected: match refusal {
            Refusal::Gap { expected } => Some(*expected),
            _ => None,
        },
    }
}

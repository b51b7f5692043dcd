//! One session with a fake node.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use quorate_core::{
    BindDevice, Command, DeleteUser, DeviceId, DeviceName, GrantWriter, NodeId, Origin, PasswordHash, Refusal,
    RegisterUser, RoomId, Seq, Submission, Timestamp, UnbindDevice, UserName,
};
use quorate_protocol::client::{
    self, Account, Answer, Bounds, Called, ChangePassword, CreateBot, DeleteAccount, DeleteBot, Failure, Feed, Goodbye,
    Grant, Hello, Leader, Login, Logout, NodeAddr, Ping, Pong, Register, Reply, Submit, Subscribe, Subscribed,
    Unsubscribe, Welcome, WhoAmI, kind,
};
use quorate_protocol::{FRAME_MAX_CLIENT_BYTES, Frame};
use quorate_transport::{CloseCode, Connection, Identity};

use super::{Cluster, Deed, Knobs};

pub(super) struct Session {
    pub(super) cluster: Arc<Cluster>,
    pub(super) knobs: Arc<Knobs>,
    pub(super) node: NodeId,
    pub(super) connection: Connection,
}

struct OpenFeed {
    room: RoomId,
    cursor: Seq,
}

impl Session {
    pub(super) async fn run(self) {
        self.knobs.sessions.fetch_add(1, Ordering::SeqCst);
        // The end of a session is the client's to notice.
        let _ = self.serve().await;
    }

    pub(super) fn device(&self) -> DeviceId {
        match self.connection.identity() {
            Identity::Device(device) => device,
            Identity::Node(_) => panic!("only devices come here"),
        }
    }

    async fn serve(&self) -> Option<()> {
        let (mut sender, mut receiver) = self.connection.accept().await.ok()?;
        let first = receiver.recv().await.ok()??;
        let hello = client::parse::<Hello>(&first).unwrap();
        self.knobs.hellos.lock().unwrap().push((hello.cluster, hello.seen));
        receiver.set_limit(FRAME_MAX_CLIENT_BYTES);
        if self.knobs.mute.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let closed = *self.knobs.door.lock().unwrap();
        if let Some(code) = closed {
            self.connection.close(code, "the test says so");
            return None;
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
            ca: None,
        };
        sender.send(&client::frame(&welcome)).await.ok()?;
        let mut feeds: HashMap<u32, OpenFeed> = HashMap::new();
        let mut changed = self.cluster.changed.subscribe();
        let mut goodbye = self.knobs.goodbye.subscribe();
        let mut dismiss = self.knobs.dismiss.subscribe();
        let mut typing = self.knobs.typing.subscribe();
        let mut leader = self.knobs.leader.subscribe();
        leader.mark_unchanged();
        loop {
            let mut out = Vec::new();
            tokio::select! {
                frame = receiver.recv() => out.extend(self.take(&frame.ok()??, &mut feeds)?),
                _ = changed.changed() => {}
                _ = goodbye.changed() => out.push(client::frame(&Goodbye { reason: "draining".into() })),
                _ = dismiss.changed() => {
                    let code = (*dismiss.borrow_and_update())?;
                    self.connection.close(code, "the test says so");
                    return None;
                }
                Ok(notice) = typing.recv() => out.push(client::frame(&notice)),
                _ = leader.changed() => out.push(client::frame(&Leader { leader: *leader.borrow_and_update() })),
                stream = self.connection.accept() => {
                    let (sender, receiver) = stream.ok()?;
                    self.bulk(sender, receiver).await?;
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
                let (first, events) = self.cluster.rows(feed.room, Seq(feed.cursor.0 - 1), 50);
                if events.is_empty() {
                    break;
                }
                feed.cursor = Seq(first.0 + events.len() as u64);
                out.push(client::frame(&Feed {
                    feed: *id,
                    first,
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
                    likeness: UserName::parse(&body.user).unwrap().likeness(),
                    invite: None,
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
                        let Bounds {
                            room: name,
                            first,
                            last,
                        } = bounds;
                        let from = body.from.unwrap_or(last.next()).max(first);
                        feeds.insert(body.feed, OpenFeed { room, cursor: from });
                        let room = name;
                        reply(
                            call,
                            Ok(Answer::Subscribed(Subscribed {
                                room,
                                from,
                                last,
                                first,
                            })),
                        )
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
                            last_login: Timestamp(1),
                            owner: None,
                            text_bytes: 0,
                            text_bytes_max: None,
                        })),
                    ),
                    None => reply(call, Err(failure(&Refusal::NotLoggedIn))),
                }
            }
            kind::LOGOUT => {
                let Called { call, .. } = client::parse::<Called<Logout>>(frame).unwrap();
                let device = self.device();
                let target = device;
                reply(
                    call,
                    self.change(Command::UnbindDevice(UnbindDevice { device, target }))?,
                )
            }
            kind::DELETE_ACCOUNT => {
                let Called { call, body } = client::parse::<Called<DeleteAccount>>(frame).unwrap();
                let command = Command::DeleteUser(DeleteUser {
                    device: self.device(),
                    proven: PasswordHash::parse(&body.password).unwrap(),
                    purge_messages: body.purge_messages,
                });
                reply(call, self.change(command)?)
            }
            kind::CREATE_BOT => {
                let Called { call, body } = client::parse::<Called<CreateBot>>(frame).unwrap();
                let name = UserName::parse(&body.bot).unwrap();
                let command = Command::CreateBot(quorate_core::CreateBot {
                    device: self.device(),
                    likeness: name.likeness(),
                    name,
                    password: PasswordHash::parse(&body.token).unwrap(),
                    attempt: body.attempt,
                });
                reply(call, self.change(command)?)
            }
            kind::CHANGE_PASSWORD => {
                let Called { call, body } = client::parse::<Called<ChangePassword>>(frame).unwrap();
                let command = Command::ChangePassword(quorate_core::ChangePassword {
                    device: self.device(),
                    proven: PasswordHash::parse(&body.old).unwrap(),
                    password: PasswordHash::parse(&body.new).unwrap(),
                });
                reply(call, self.change(command)?)
            }
            kind::DELETE_BOT => {
                let Called { call, body } = client::parse::<Called<DeleteBot>>(frame).unwrap();
                let command = Command::DeleteBot(quorate_core::DeleteBot {
                    device: self.device(),
                    bot: body.bot,
                    purge_messages: body.purge_messages,
                });
                reply(call, self.change(command)?)
            }
            kind::TYPING | kind::SET_AWAY => {
                self.knobs.unanswered.lock().unwrap().push(frame.kind);
                Vec::new()
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
        if deed == Deed::Forget {
            return Some(Err(Failure::Unknown));
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
}

pub(super) fn failure(refusal: &Refusal) -> Failure {
    Failure::Refused {
        code: refusal.code().into(),
        message: refusal.to_string(),
        expected: match refusal {
            Refusal::Gap { expected } => Some(*expected),
            _ => None,
        },
    }
}

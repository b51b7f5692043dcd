//! A chat whose past changes: log entries made one by one, each with what it comes to.

use openraft::entry::RaftEntry;
use quorate_core::{
    Action, Actor, Body, Command, CreateRoom, DeleteRoom, DeleteUser, EditMessage, GrantWriter, JoinRoom, MessageId,
    Operate, Operation, Operator, Origin, Outcome, PasswordHash, PostMessage, React, RedactMessage, RequestNo,
    Retention, RoomRef, Seq, Span, State, Submission, Sweep, UserId, WriterId,
};
use quorate_daemon::consensus::types::LogEntry;

use crate::disk::Dice;
use crate::script::{ROOM, apply_to, device, log_id, membership, normal, register};

/// The people of the chat, by the numbers of their devices. Alice owns the lobby.
pub(crate) const ALICE: u8 = 1;
pub(crate) const BOB: u8 = 2;

/// The index of the first entry that grants a writer, as in [`crate::script::entries`].
const GRANTS: u64 = 4;

pub(crate) struct Chat {
    pub(crate) entries: Vec<LogEntry>,
    state: State,
    requests: [u64; 2],
}

impl Chat {
    /// Alice and Bob in the lobby, which has lines 1 and 2 for it.
    pub(crate) fn new() -> Self {
        let mut chat = Self {
            entries: Vec::new(),
            state: State::new(),
            requests: [0; 2],
        };
        chat.add(membership(0, &[1]));
        chat.add(LogEntry::new_blank(log_id(1)));
        chat.add(register(2, ALICE, "alice"));
        chat.add(register(3, BOB, "bob"));
        for user in [ALICE, BOB] {
            let device = device(user);
            chat.command(Command::GrantWriter(GrantWriter { device })).unwrap();
        }
        let create = CreateRoom {
            name: "lobby".parse().unwrap(),
            private: false,
            topic: "hello".parse().unwrap(),
        };
        chat.submit(ALICE, Action::CreateRoom(create)).unwrap();
        chat.join(BOB);
        assert!(chat.state.room(ROOM).is_some());
        chat
    }

    /// A long one: posts, edits, redactions, reactions, and a room that remembers 25 messages. In the
    /// middle Bob goes, with his texts.
    pub(crate) fn lively(entries: usize) -> Self {
        let mut dice = Dice(11);
        let mut chat = Self::new();
        chat.keep(25);
        while chat.entries.len() < entries {
            let last = chat.last().0;
            let recent = Seq(last.saturating_sub(dice.roll(20)).max(1));
            let user = if dice.roll(3) == 0 { BOB } else { ALICE };
            let index = chat.entries.len();
            // Many are refused (no message, another's, gone already): that is part of a chat too.
            let _ = match dice.roll(10) {
                0 => chat.edit(user, recent, &format!("edit {index}")),
                1 => chat.edit(user, recent, &format!("another edit {index} {}", "y".repeat(300))),
                2 => chat.redact(user, recent),
                3 => chat.react(user, recent),
                4 | 5 => chat.sweep(Sweep::Room(ROOM)),
                6 if index > entries / 2 => chat.delete_user(BOB),
                7 if index > entries / 2 => chat.sweep(Sweep::User(UserId(3))),
                _ => chat.post(user, &format!("message {index}")),
            };
        }
        chat
    }

    /// The last seq of the lobby.
    pub(crate) fn last(&self) -> Seq {
        self.state.room(ROOM).unwrap().last_seq
    }

    pub(crate) fn first(&self) -> Seq {
        self.state.room(ROOM).unwrap().first_seq
    }

    pub(crate) fn post(&mut self, user: u8, body: &str) -> Outcome {
        let post = PostMessage {
            room: lobby(),
            id: MessageId::parse(&format!("id-{}", self.entries.len())).unwrap(),
            body: Body::parse(body).unwrap(),
            reply_to: None,
            mentions: Vec::new(),
            calls_room: false,
        };
        self.submit(user, Action::PostMessage(post))
    }

    /// Posts, and gives the seq.
    pub(crate) fn posted(&mut self, user: u8, body: &str) -> Seq {
        self.post(user, body).unwrap();
        self.last()
    }

    pub(crate) fn edit(&mut self, user: u8, seq: Seq, body: &str) -> Outcome {
        let edit = EditMessage {
            room: lobby(),
            seq,
            body: Body::parse(body).unwrap(),
        };
        self.submit(user, Action::EditMessage(edit))
    }

    pub(crate) fn redact(&mut self, user: u8, seq: Seq) -> Outcome {
        let redact = RedactMessage {
            room: lobby(),
            seq,
            reason: None,
        };
        self.submit(user, Action::RedactMessage(redact))
    }

    fn react(&mut self, user: u8, seq: Seq) -> Outcome {
        let react = React {
            room: lobby(),
            seq,
            emoji: "👍".parse().unwrap(),
            remove: false,
        };
        self.submit(user, Action::React(react))
    }

    fn join(&mut self, user: u8) {
        let room = "lobby".parse().unwrap();
        self.submit(user, Action::JoinRoom(JoinRoom { room })).unwrap();
    }

    pub(crate) fn delete_room(&mut self) {
        let room = "lobby".parse().unwrap();
        self.submit(ALICE, Action::DeleteRoom(DeleteRoom { room })).unwrap();
    }

    pub(crate) fn delete_user(&mut self, user: u8) -> Outcome {
        self.command(Command::DeleteUser(DeleteUser {
            device: device(user),
            proven: password(),
            purge_messages: true,
        }))
    }

    /// From now on, rooms remember so many messages.
    pub(crate) fn keep(&mut self, messages: u64) {
        self.command(Command::Operate(Operate {
            by: Operator { uid: 0 },
            operation: Operation::SetServerRetention(Retention {
                age_max: Option::<Span>::None,
                messages_max: Some(messages),
            }),
            actor: Actor::default(),
        }))
        .unwrap();
    }

    /// What an operator did that is no change of the state.
    pub(crate) fn note(&mut self, target: &str) {
        self.command(Command::Operate(Operate {
            by: Operator { uid: 7 },
            operation: Operation::Note {
                action: "leader.transfer".parse().unwrap(),
                target: target.parse().unwrap(),
            },
            actor: "root".parse().unwrap(),
        }))
        .unwrap();
    }

    pub(crate) fn sweep(&mut self, sweep: Sweep) -> Outcome {
        self.command(Command::Sweep(sweep))
    }

    pub(crate) fn command(&mut self, command: Command) -> Outcome {
        self.add(normal(self.entries.len() as u64, command)).unwrap()
    }

    fn submit(&mut self, user: u8, action: Action) -> Outcome {
        let request = &mut self.requests[usize::from(user) - 1];
        *request += 1;
        let origin = Origin {
            device: device(user),
            writer: WriterId(GRANTS + u64::from(user) - 1),
            request: RequestNo(*request),
        };
        self.command(Command::Submit(Submission { origin, action }))
    }

    fn add(&mut self, entry: LogEntry) -> Option<Outcome> {
        assert_eq!(entry.log_id.index(), self.entries.len() as u64);
        let outcome = apply_to(&mut self.state, &entry);
        self.entries.push(entry);
        outcome
    }
}

fn lobby() -> RoomRef {
    RoomRef::Name("lobby".parse().unwrap())
}

pub(crate) fn password() -> PasswordHash {
    PasswordHash::parse("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA").unwrap()
}

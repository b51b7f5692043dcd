//! What the events say, counted the plain way: every line of every room, and who is where.

use std::collections::{BTreeMap, BTreeSet};

use quorate_core::{Applied, Event, RoomEvent, RoomEventKind, RoomId, Seq, StateEvent, UserId, Withdrawn};

/// All rooms that are not forgotten.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) rooms: BTreeMap<RoomId, Place>,
}

/// A room.
#[derive(Default)]
pub(crate) struct Place {
    pub(crate) last: Seq,
    /// Messages whose lines are kept.
    pub(crate) messages: BTreeMap<Seq, Told>,
    pub(crate) inside: BTreeSet<UserId>,
    pub(crate) invited: BTreeSet<UserId>,
    pub(crate) closed: bool,
}

/// A message.
pub(crate) struct Told {
    pub(crate) author: UserId,
    pub(crate) digest: u128,
    /// Of all its texts, if they are there.
    pub(crate) bytes: Option<u64>,
    pub(crate) edits: Vec<Seq>,
    pub(crate) named: BTreeSet<UserId>,
    pub(crate) called: bool,
}

impl Told {
    /// Whether it counts as a mention of somebody.
    pub(crate) fn mentions(&self, user: UserId) -> bool {
        self.named.contains(&user) || self.called && self.author != user
    }
}

impl Model {
    pub(crate) fn take(&mut self, applied: &Applied) {
        for event in &applied.events {
            match event {
                Event::State(event) => self.fact(event),
                Event::Room(line) => self.line(line),
            }
        }
    }

    fn fact(&mut self, event: &StateEvent) {
        match event {
            StateEvent::RoomDeleted { room } => self.place(*room).closed = true,
            StateEvent::RoomForgotten { room } => drop(self.rooms.remove(room)),
            StateEvent::MemberRemoved { room, user } => {
                assert!(self.place(*room).inside.remove(user), "removed without being in");
            }
            StateEvent::InvitationEnded { room, user } => {
                assert!(self.place(*room).invited.remove(user), "ended without being invited");
            }
            StateEvent::MessagesPurged { messages, .. } => messages.iter().for_each(|message| self.withdraw(message)),
            StateEvent::HistoryCut {
                room, first, messages, ..
            } => {
                let place = self.place(*room);
                let kept = place.messages.split_off(first);
                let gone = std::mem::replace(&mut place.messages, kept);
                let named: Vec<_> = messages.iter().map(|message| message.seq).collect();
                assert_eq!(gone.keys().copied().collect::<Vec<_>>(), named, "the messages of a cut");
                for (message, told) in messages.iter().zip(gone.values()) {
                    assert_eq!(message.edits, told.edits, "the edits of a message that is cut off");
                }
            }
            StateEvent::Mentioned { user, room, seq, .. } => {
                self.told(*room, *seq).named.insert(*user);
            }
            StateEvent::RoomCalled { room, seq, .. } => self.told(*room, *seq).called = true,
            _ => {}
        }
    }

    fn line(&mut self, line: &RoomEvent) {
        let place = self.place(line.room);
        place.last = line.seq;
        match &line.kind {
            RoomEventKind::Message { id, body, .. } => {
                let told = Told {
                    author: line.author,
                    digest: id.digest(),
                    bytes: Some(body.as_str().len() as u64),
                    edits: Vec::new(),
                    named: BTreeSet::new(),
                    called: false,
                };
                place.messages.insert(line.seq, told);
            }
            RoomEventKind::Edited { target, body, digest } => {
                let told = self.told(line.room, *target);
                assert_eq!(
                    (told.author, told.digest),
                    (line.author, *digest),
                    "an edit of another one's message"
                );
                told.bytes = told.bytes.map(|bytes| bytes + body.as_str().len() as u64);
                told.edits.push(line.seq);
            }
            RoomEventKind::Redacted { target, .. } => self.withdraw(target),
            RoomEventKind::Joined => {
                assert!(place.inside.insert(line.author), "joined twice");
                place.invited.remove(&line.author);
            }
            RoomEventKind::Left => assert!(place.inside.remove(&line.author), "left without being in"),
            RoomEventKind::Kicked { user, .. } => assert!(place.inside.remove(user), "kicked without being in"),
            RoomEventKind::Banned { user, .. } => {
                place.inside.remove(user);
                place.invited.remove(user);
            }
            RoomEventKind::Invited { user, .. } => assert!(place.invited.insert(*user), "invited twice"),
            _ => {}
        }
    }

    fn withdraw(&mut self, message: &Withdrawn) {
        let told = self.told(message.room, message.seq);
        assert_eq!((told.author, told.digest), (message.author, message.digest));
        assert!(told.bytes.take().is_some(), "a text was taken away twice");
        assert_eq!(
            std::mem::take(&mut told.edits),
            message.edits,
            "the edits of a message that loses its text"
        );
    }

    fn place(&mut self, room: RoomId) -> &mut Place {
        self.rooms.entry(room).or_default()
    }

    fn told(&mut self, room: RoomId, seq: Seq) -> &mut Told {
        self.place(room)
            .messages
            .get_mut(&seq)
            .expect("events name messages that are there")
    }
}

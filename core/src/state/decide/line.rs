//! New lines in the histories of rooms, numbered as they are written down.

use std::collections::BTreeMap;

use crate::{Event, EventNo, RoomEvent, RoomEventKind, RoomId, Seq, State, StateEvent, Timestamp, UserId, UserName};

/// The events of one decision: mostly about one room, at times about several.
pub(super) struct Draft {
    events: Vec<Event>,
    room: RoomId,
    last: Seq,
    /// The last lines of the other rooms that were written to.
    others: BTreeMap<RoomId, Seq>,
    next: EventNo,
    at: Timestamp,
}

impl Draft {
    /// Lines after those that the room has; a room that is just being made has none.
    pub(super) fn new(state: &State, room: RoomId) -> Self {
        let last = state.room(room).map_or(Seq(0), |room| room.last_seq);
        Self {
            events: Vec::new(),
            room,
            last,
            others: BTreeMap::new(),
            next: state.next_event(),
            at: state.now(),
        }
    }

    /// Of a decision that is about no room until it turns to one.
    pub(super) fn nowhere(state: &State) -> Self {
        Self::new(state, RoomId(0))
    }

    /// Lines go to this room from here on, after those that it has and was given.
    pub(super) fn turn_to(&mut self, state: &State, room: RoomId) {
        self.others.insert(self.room, self.last);
        let written = self.others.get(&room).copied();
        self.last = written.or_else(|| Some(state.room(room)?.last_seq)).unwrap_or_default();
        self.room = room;
    }

    /// A fact outside of the history.
    pub(super) fn fact(&mut self, event: StateEvent) {
        self.events.push(Event::State(event));
    }

    /// The next line; gives its seq.
    pub(super) fn line(&mut self, author: UserId, author_name: &UserName, kind: RoomEventKind) -> Seq {
        self.last = self.last.next();
        self.events.push(Event::Room(RoomEvent {
            no: self.next,
            room: self.room,
            seq: self.last,
            author,
            author_name: author_name.clone(),
            at: self.at,
            kind,
        }));
        self.next = self.next.next();
        self.last
    }

    /// The number that the next line will have.
    pub(super) const fn next(&self) -> EventNo {
        self.next
    }

    /// All of it, in order.
    pub(super) fn into_events(self) -> Vec<Event> {
        self.events
    }
}

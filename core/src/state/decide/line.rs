//! New lines in a room's history, numbered as they are written down.

use crate::{Event, EventNo, RoomEvent, RoomEventKind, RoomId, Seq, State, StateEvent, Timestamp, UserId, UserName};

/// The events of one decision about one room.
pub(super) struct Draft {
    events: Vec<Event>,
    room: RoomId,
    last: Seq,
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
            next: state.next_event(),
            at: state.now(),
        }
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

    /// All of it, in order.
    pub(super) fn into_events(self) -> Vec<Event> {
        self.events
    }
}

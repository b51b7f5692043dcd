//! A reader can prove that nothing is missing: numbers have no gaps.

use std::collections::BTreeMap;

use proptest::prelude::proptest;
use proptest::{prop_assert, prop_assert_eq};
use quorate_core::{Event, EventNo, RoomEventKind, RoomId, Seq, State, StateEvent, UserId, UserName};

use crate::script::logs;

proptest! {
    #[test]
    fn seqs_have_no_gaps(log in logs(200)) {
        let mut state = State::new();
        let mut last: BTreeMap<RoomId, Seq> = BTreeMap::new();
        for (index, entry) in &log {
            for event in state.apply(*index, entry).events {
                if let Event::State(StateEvent::RoomForgotten { room }) = event {
                    last.remove(&room);
                }
                let Event::Room(line) = event else { continue };
                let before = last.insert(line.room, line.seq).unwrap_or_default();
                prop_assert_eq!(line.seq, before.next());
            }
            for (room, seq) in &last {
                prop_assert_eq!(state.room(*room).map(|room| room.last_seq), Some(*seq));
            }
        }
    }

    #[test]
    fn event_numbers_have_no_gaps(log in logs(200)) {
        let mut state = State::new();
        let mut next = EventNo(0);
        for (index, entry) in &log {
            for event in state.apply(*index, entry).events {
                let Event::Room(line) = event else { continue };
                prop_assert_eq!(line.no, next);
                next = next.next();
            }
            prop_assert_eq!(state.next_event(), next);
        }
    }

    /// A room's first line is its creator's join, right after the room's creation.
    #[test]
    fn every_room_begins_with_a_join(log in logs(200)) {
        let mut state = State::new();
        for (index, entry) in &log {
            let events = state.apply(*index, entry).events;
            for pair in events.windows(2) {
                if let Event::State(StateEvent::RoomCreated { room, .. }) = &pair[0] {
                    let first = matches!(&pair[1], Event::Room(line)
                        if line.room == *room && line.seq == Seq(1) && line.kind == RoomEventKind::Joined);
                    prop_assert!(first, "{:?}", pair[1]);
                }
            }
        }
    }

    /// Lines carry the time at which they were applied and the name that their author has.
    #[test]
    fn lines_tell_who_and_when(log in logs(200)) {
        let mut state = State::new();
        for (index, entry) in &log {
            for event in state.apply(*index, entry).events {
                let Event::Room(line) = event else { continue };
                prop_assert_eq!(line.at, state.now());
                let operator = UserName::operator();
                let name = match line.author {
                    UserId::OPERATOR => Some(&operator),
                    author => state.user(author).map(|user| &user.name),
                };
                prop_assert_eq!(name, Some(&line.author_name));
            }
        }
    }
}

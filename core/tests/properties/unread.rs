//! Counters say what counting the history would say.

use std::collections::BTreeMap;

use proptest::prelude::proptest;
use proptest::prop_assert_eq;
use quorate_core::{Event, RoomEvent, RoomEventKind, RoomId, State};

use crate::script::logs;

proptest! {
    #[test]
    fn unread_counters_equal_a_count_of_the_history(log in logs(200)) {
        let mut state = State::new();
        let mut history: BTreeMap<RoomId, Vec<RoomEvent>> = BTreeMap::new();
        for (index, entry) in &log {
            for event in state.apply(*index, entry).events {
                if let Event::Room(line) = event {
                    history.entry(line.room).or_default().push(line);
                }
            }
            for (room, lines) in &history {
                for (user, member) in state.members(*room) {
                    let unread = lines.iter().filter(|line| {
                        line.seq > member.read
                            && line.author != user
                            && matches!(line.kind, RoomEventKind::Message { .. })
                    });
                    prop_assert_eq!(state.unread(*room, user), Some(unread.count() as u64));
                }
            }
        }
    }
}

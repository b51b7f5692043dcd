//! Membership follows from the history alone, and who is no member of a private room is told what
//! they would be told if it did not exist.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::proptest;
use proptest::{prop_assert, prop_assert_eq};
use quorate_core::{Event, Refusal, RoomEventKind, RoomId, RoomRef, State, UserId};

use crate::script::logs;

proptest! {
    #[test]
    fn no_stranger_sees_a_private_room_and_no_non_member_reads_any(log in logs(200)) {
        let mut state = State::new();
        let mut inside: BTreeMap<RoomId, BTreeSet<UserId>> = BTreeMap::new();
        for (index, entry) in &log {
            for event in state.apply(*index, entry).events {
                let Event::Room(line) = event else { continue };
                let members = inside.entry(line.room).or_default();
                match line.kind {
                    RoomEventKind::Joined => prop_assert!(members.insert(line.author), "joined twice"),
                    RoomEventKind::Left => prop_assert!(members.remove(&line.author), "left without being in"),
                    _ => prop_assert!(members.contains(&line.author), "a stranger wrote"),
                }
            }
        }
        for (room, members) in &inside {
            let found: BTreeSet<_> = state.members(*room).map(|(user, _)| user).collect();
            prop_assert_eq!(&found, members);
            let row = state.room(*room).expect("a room with a history exists");
            prop_assert_eq!(row.members as usize, members.len());
            let by_name = RoomRef::Name(row.name.clone());
            for (user, _) in state.users(None) {
                let (seen, read) = (state.visible_room(user, &by_name), state.readable_room(user, &by_name));
                prop_assert_eq!(state.rooms_of(user).any(|other| other == *room), members.contains(&user));
                if members.contains(&user) {
                    prop_assert_eq!((seen, read), (Ok(*room), Ok(*room)));
                } else if row.private {
                    prop_assert_eq!((seen, read), (Err(Refusal::UnknownRoom), Err(Refusal::UnknownRoom)));
                } else {
                    prop_assert_eq!((seen, read), (Ok(*room), Err(Refusal::NotAMember)));
                }
            }
        }
    }
}

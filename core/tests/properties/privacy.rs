//! Membership follows from the history alone; nobody reads a room before joining it or after
//! leaving it, and a stranger to a private room is told what they would be told if it did not exist.

use std::collections::BTreeSet;

use proptest::prelude::{TestCaseError, proptest};
use proptest::{prop_assert, prop_assert_eq};
use quorate_core::{Event, Refusal, RoomEventKind, RoomId, RoomRef, RoomStanding, ServerRole, State, UserId};

use crate::model::{Model, Place};
use crate::script::logs;

proptest! {
    #[test]
    fn no_stranger_sees_a_private_room_and_no_non_member_reads_any(log in logs(200)) {
        let (mut state, mut model) = (State::new(), Model::default());
        for (index, entry) in &log {
            model.take(&state.apply(*index, entry));
            for (room, place) in &model.rooms {
                check(&state, *room, place)?;
            }
        }
    }

    /// But for the one who goes and makes an heir, for operators, and in public rooms for those who moderate all of them.
    #[test]
    fn no_stranger_writes(log in logs(200)) {
        let (mut state, mut model) = (State::new(), Model::default());
        for (index, entry) in &log {
            let before = model.rooms.iter();
            let before: BTreeSet<_> = before
                .flat_map(|(room, place)| place.inside.iter().map(|user| (*room, *user)))
                .collect();
            let applied = state.apply(*index, entry);
            model.take(&applied);
            for event in &applied.events {
                let Event::Room(line) = event else { continue };
                let joined = model.rooms.get(&line.room).is_some_and(|place| place.inside.contains(&line.author));
                let is_join = line.kind == RoomEventKind::Joined;
                let is_public = state.room(line.room).is_some_and(|room| !room.private);
                let moderates = is_public && state.server_role(line.author) != ServerRole::User;
                let may = is_join || joined || moderates || line.author == UserId::OPERATOR;
                prop_assert!(before.contains(&(line.room, line.author)) || may, "a stranger wrote");
            }
        }
    }
}

fn check(state: &State, room: RoomId, place: &Place) -> Result<(), TestCaseError> {
    let row = state.room(room).expect("a room that is not forgotten has a record");
    let found: BTreeSet<_> = state.members(room).map(|(user, _)| user).collect();
    prop_assert_eq!(&found, &place.inside);
    prop_assert_eq!(row.members as usize, found.len());
    prop_assert_eq!(place.closed, row.standing == RoomStanding::Deleted);
    let is_listed = state.public_rooms_after(None).any(|(id, _)| id == room);
    prop_assert_eq!(is_listed, !place.closed && !row.private);
    if place.closed {
        let by_name = state.room_by_name(&row.name).map(|(id, _)| id);
        prop_assert!(found.is_empty() && by_name != Some(room), "a deleted room is found");
        return Ok(());
    }
    let by_name = RoomRef::Name(row.name.clone());
    let users: Vec<UserId> = state.users(None).map(|(id, _)| id).collect();
    for user in users {
        let (seen, read) = (state.visible_room(user, &by_name), state.readable_room(user, &by_name));
        let is_inside = place.inside.contains(&user);
        prop_assert_eq!(state.rooms_of(user).any(|other| other == room), is_inside);
        prop_assert_eq!(state.mentions_unread(room, user).is_some(), is_inside);
        prop_assert_eq!(state.unread(room, user).is_some(), is_inside);
        let mentioned = state
            .mentions_of(user, None, false, usize::MAX)
            .into_iter()
            .any(|(_, at, _)| at == room);
        prop_assert!(is_inside || !mentioned, "a mention tells of a room");
        if is_inside {
            prop_assert_eq!((seen, read), (Ok(room), Ok(room)));
        } else if row.private && !place.invited.contains(&user) {
            prop_assert_eq!((seen, read), (Err(Refusal::UnknownRoom), Err(Refusal::UnknownRoom)));
        } else {
            prop_assert_eq!((seen, read), (Ok(room), Err(Refusal::NotAMember)));
        }
    }
    Ok(())
}

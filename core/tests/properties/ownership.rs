//! No room is nobody's but a public one that was left behind: every other one that is not deleted has
//! members, and with a name of its own one owner among them.

use proptest::prelude::proptest;
use proptest::{prop_assert, prop_assert_eq};
use quorate_core::{Event, Record, Role, RoomEventKind, RoomStanding, State};

use crate::script::logs;

proptest! {
    #[test]
    fn every_room_has_members_and_an_owner(log in logs(200)) {
        let mut state = State::new();
        for (index, entry) in &log {
            state.apply(*index, entry);
            for record in state.records() {
                let Record::Room(id, room) = record else { continue };
                let owners = state.members(id).filter(|(_, member)| member.role == Role::Owner).count();
                prop_assert_eq!(state.members(id).count(), room.members as usize);
                let is_deleted = room.standing == RoomStanding::Deleted;
                prop_assert!(!is_deleted || room.members == 0, "members of {}", room.name);
                prop_assert!(is_deleted || room.members > 0 || !room.private, "{} is nobody's", room.name);
                let expected = usize::from(!room.name.is_direct() && room.members > 0);
                prop_assert_eq!(owners, expected, "owners of {}", room.name);
            }
            for (user, _) in state.users(None) {
                let owns = |room: &_| state.member(*room, user).is_some_and(|member| member.role == Role::Owner);
                prop_assert_eq!(state.rooms_owned_by(user), state.rooms_of(user).filter(owns).count());
            }
        }
    }

    /// Whoever becomes the owner because the last one went: nobody else could do more, or could do as
    /// much and had been there longer.
    #[test]
    fn heirs_are_the_most_senior(log in logs(200)) {
        let mut state = State::new();
        for (index, entry) in &log {
            let before = state.clone();
            let events = state.apply(*index, entry).events;
            for pair in events.windows(2) {
                let [Event::Room(left), Event::Room(set)] = pair else { continue };
                let RoomEventKind::RoleSet { user: heir, role: Role::Owner, .. } = set.kind else { continue };
                if left.kind != RoomEventKind::Left || left.room != set.room {
                    continue;
                }
                let rank = |user| {
                    let member = before.member(set.room, user).expect("was a member before");
                    (member.role.rank(), std::cmp::Reverse(member.joined))
                };
                for (other, _) in state.members(set.room) {
                    prop_assert!(rank(other) <= rank(heir), "{:?} comes before {:?}", other, heir);
                }
            }
        }
    }

    /// Nothing waits for somebody who is no more.
    #[test]
    fn nothing_waits_for_the_deleted(log in logs(200)) {
        let mut state = State::new();
        for (index, entry) in &log {
            state.apply(*index, entry);
        }
        for record in state.records() {
            if let Record::Restriction(_, user, _) | Record::Invitation(_, user, _) = record {
                prop_assert!(state.user(user).is_some_and(quorate_core::User::is_active));
            }
        }
    }
}

//! Counters say what counting the history would say: after redactions, cuts, leaves and rejoins.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::proptest;
use proptest::{prop_assert, prop_assert_eq};
use quorate_core::{RoomId, Seq, State, UserId};

use crate::model::Model;
use crate::script::logs;

proptest! {
    #[test]
    fn unread_counters_equal_a_count_of_the_history(log in logs(200)) {
        let (mut state, mut model) = (State::new(), Model::default());
        for (index, entry) in &log {
            model.take(&state.apply(*index, entry));
            for (room, place) in &model.rooms {
                for (user, member) in state.members(*room) {
                    let past_mark = place.messages.range(member.read.next()..).map(|(_, told)| told);
                    let unread: Vec<_> = past_mark.filter(|told| told.author != user && told.bytes.is_some()).collect();
                    prop_assert_eq!(state.unread(*room, user), Some(unread.len() as u64));
                    let mentions = unread.iter().filter(|told| told.mentions(user));
                    prop_assert_eq!(state.mentions_unread(*room, user), Some(mentions.count() as u64));
                }
            }
        }
    }

    /// Each member's mentions since the last join, and nobody else's.
    #[test]
    fn mentions_equal_a_search_of_the_history(log in logs(200)) {
        let (mut state, mut model) = (State::new(), Model::default());
        for (index, entry) in &log {
            model.take(&state.apply(*index, entry));
        }
        for (user, _) in state.users(None) {
            let mut expected = Vec::new();
            for (room, place) in &model.rooms {
                let Some(member) = state.member(*room, user) else { continue };
                let since = place.messages.range(member.joined.next()..);
                let mine = since.filter(|(_, told)| told.bytes.is_some() && told.mentions(user));
                expected.extend(mine.map(|(seq, _)| (*room, *seq)));
            }
            let found = state.mentions_of(user, None, false, usize::MAX);
            prop_assert!(found.is_sorted_by(|one, next| one.0 > next.0), "newest first");
            let (mut paged, mut before) = (Vec::new(), None);
            loop {
                let page = state.mentions_of(user, before, false, 2);
                prop_assert!(page.len() <= 2);
                let Some((no, ..)) = page.last() else { break };
                before = Some(*no);
                paged.extend(page);
            }
            prop_assert_eq!(&paged, &found);
            let past_mark = |(_, room, seq): &&(_, RoomId, Seq)| {
                state.member(*room, user).is_some_and(|member| *seq > member.read)
            };
            let unread: Vec<_> = found.iter().filter(past_mark).copied().collect();
            prop_assert_eq!(state.mentions_of(user, None, true, usize::MAX), unread);
            let mut found: Vec<_> = found.into_iter().map(|(_, room, seq)| (room, seq)).collect();
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn texts_are_counted_as_long_as_they_are_there(log in logs(200)) {
        let (mut state, mut model) = (State::new(), Model::default());
        for (index, entry) in &log {
            model.take(&state.apply(*index, entry));
            let mut bytes: BTreeMap<UserId, u64> = BTreeMap::new();
            for (room, place) in &model.rooms {
                let row = state.room(*room).expect("a room that is not forgotten has a record");
                let live = place.messages.values().filter(|told| told.bytes.is_some()).count();
                prop_assert_eq!((row.messages, row.last_seq), (live as u64, place.last));
                for told in place.messages.values() {
                    *bytes.entry(told.author).or_default() += told.bytes.unwrap_or_default();
                }
            }
            for (user, bytes) in bytes {
                prop_assert_eq!(state.text_bytes(user), bytes);
            }
        }
        for (user, _) in state.users(None) {
            let of_user = |(room, place): (_, &crate::model::Place)| {
                let own = place.messages.iter().filter(|(_, told)| told.author == user && told.bytes.is_some());
                own.map(|(seq, _)| (room, *seq)).collect::<Vec<_>>()
            };
            let expected: BTreeSet<_> = model.rooms.iter().flat_map(|(room, place)| of_user((*room, place))).collect();
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = state.messages_by(user, after, 3);
                after = page.last().copied();
                found.extend(page.iter().map(|own| (own.room, own.seq)));
                if after.is_none() {
                    break;
                }
            }
            prop_assert_eq!(found.len(), expected.len(), "each once");
            prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
        }
    }
}

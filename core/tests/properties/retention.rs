//! What has had its time goes, and what has not stays.

use proptest::prelude::proptest;
use proptest::{prop_assert, prop_assert_eq};
use quorate_core::{Command, Done, Entry, Event, LogIndex, RoomStanding, State, StateEvent};

use crate::model::Model;
use crate::script::logs;

proptest! {
    /// The chores come to an end, and then nothing is left that is over its bounds.
    #[test]
    fn sweeps_come_to_rest(log in logs(200)) {
        let (mut state, mut model) = (State::new(), Model::default());
        for (index, entry) in &log {
            model.take(&state.apply(*index, entry));
        }
        let mut index = log.last().map_or(LogIndex(0), |(index, _)| *index);
        let now = state.now();
        for round in 0.. {
            prop_assert!(round < 10, "still at it");
            let (chores, next) = state.chores(now, None);
            prop_assert!(next.is_none(), "so few rooms are looked at at once");
            if chores.is_empty() {
                break;
            }
            for chore in chores {
                index = index.next();
                let entry = Entry { proposed_at: now, command: Command::Sweep(chore) };
                let applied = state.apply(index, &entry);
                model.take(&applied);
                prop_assert!(applied.events.iter().any(is_sweep), "a chore did nothing: {chore:?}");
            }
        }
        for (room, place) in &model.rooms {
            prop_assert!(!place.closed, "a deleted room is not forgotten");
            let bounds = state.retention(*room);
            let live = place.messages.values().filter(|told| told.bytes.is_some()).count();
            prop_assert!(bounds.messages_max.is_none_or(|max| live as u64 <= max));
            for seq in place.messages.keys() {
                let at = state.posted_at(*room, *seq).expect("a message that is kept");
                prop_assert!(bounds.age_max.is_none_or(|max| now.0 - at.0 <= max.0));
            }
        }
        for (user, row) in state.users(None) {
            prop_assert!(row.is_active() || state.text_bytes(user) == 0);
        }
    }

    /// A sweep takes nothing that its bounds do not give up.
    #[test]
    fn no_sweep_takes_too_much(log in logs(200)) {
        let mut state = State::new();
        for (index, entry) in &log {
            let before = state.clone();
            let applied = state.apply(*index, entry);
            let Command::Sweep(_) = entry.command else { continue };
            let swept = matches!(applied.outcome, Ok(Done::Swept { .. }));
            prop_assert!(swept);
            for event in &applied.events {
                let Event::State(StateEvent::HistoryCut { room, first, messages, .. }) = event else { continue };
                let row = before.room(*room).expect("the room was there");
                prop_assert!(*first > row.first_seq);
                if row.standing == RoomStanding::Deleted {
                    continue;
                }
                let bounds = before.retention(*room);
                let last = messages.last().expect("a cut goes behind a message that goes");
                prop_assert_eq!(first.0, last.seq.0 + 1);
                let at = before.posted_at(*room, last.seq).expect("a message that was there");
                let is_old = bounds.age_max.is_some_and(|max| state.now().0 - at.0 > max.0);
                let left = state.room(*room).expect("the room is there").messages;
                prop_assert!(is_old || bounds.messages_max.is_some_and(|max| left >= max), "cut too much");
            }
        }
    }
}

fn is_sweep(event: &Event) -> bool {
    matches!(
        event,
        Event::State(
            StateEvent::HistoryCut { .. }
                | StateEvent::RoomForgotten { .. }
                | StateEvent::MessagesPurged { .. }
                | StateEvent::UserPurged { .. }
                | StateEvent::InviteEnded { .. }
                | StateEvent::BanEnded { .. }
                | StateEvent::RestrictionEnded { .. }
                | StateEvent::ServerBanEnded { .. }
        )
    )
}

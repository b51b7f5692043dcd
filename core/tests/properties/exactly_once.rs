//! A request acts at most once, and is answered the same way as long as its receipt is kept.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use proptest::sample::Index;
use proptest::{prop_assert, prop_assert_eq};
use quorate_core::{
    Action, Command, Done, Entry, Event, Refusal, RoomEvent, RoomEventKind, State, StateEvent, Submission, UserId,
};

use crate::script::logs;

proptest! {
    /// After every entry an earlier submission comes again, as from a client that lost the answer.
    #[test]
    fn a_repeated_request_answers_the_same_and_never_acts_again(
        log in logs(200),
        picks in vec(any::<Index>(), 220),
    ) {
        let mut state = State::new();
        let mut answered = BTreeMap::new();
        let mut sent: Vec<(Entry, _)> = Vec::new();
        for ((index, entry), pick) in log.iter().zip(&picks) {
            let applied = state.apply(*index, entry);
            for event in &applied.events {
                if let Event::State(StateEvent::Answered { writer, request, outcome }) = event {
                    prop_assert_eq!(outcome, &applied.outcome);
                    let twice = answered.insert((*writer, *request), outcome.clone());
                    prop_assert_eq!(twice, None, "a request was answered twice");
                    sent.push((entry.clone(), (*writer, *request)));
                }
            }
            if sent.is_empty() {
                continue;
            }
            let (again, key) = &sent[pick.index(sent.len())];
            let again = Entry { proposed_at: state.now(), ..again.clone() };
            let mut after = state.clone();
            let applied = after.apply(*index, &again);
            match &applied.outcome {
                outcome if *outcome == answered[key] && applied.events.is_empty() => {
                    prop_assert_eq!(&after, &state);
                }
                Err(Refusal::ReceiptGone | Refusal::WriterExpired | Refusal::NotLoggedIn) => {
                    let acted = applied.events.iter().any(|event| !matches!(
                        event,
                        Event::State(StateEvent::WriterExpired { .. } | StateEvent::ClockAdvanced { .. })
                    ));
                    prop_assert!(!acted);
                }
                other => prop_assert!(false, "came to {other:?}, was {:?}", answered[key]),
            }
        }
    }

    /// Writers' requests are applied in the order of their numbers, without gaps.
    #[test]
    fn requests_of_a_writer_apply_in_order(log in logs(200)) {
        let mut state = State::new();
        let mut last = BTreeMap::new();
        for (index, entry) in &log {
            for event in state.apply(*index, entry).events {
                if let Event::State(StateEvent::Answered { writer, request, .. }) = event {
                    let before = last.insert(writer, request).unwrap_or_default();
                    prop_assert_eq!(request, before.next());
                }
            }
        }
    }

    /// A caller's id makes one message, and leads to it for as long as its line is kept.
    #[test]
    fn a_message_id_makes_one_message(log in logs(200)) {
        let mut state = State::new();
        let mut made: BTreeMap<(UserId, u128), _> = BTreeMap::new();
        for (index, entry) in &log {
            let author = match &entry.command {
                Command::Submit(submission) => state.device(&submission.origin.device).map(|device| device.user),
                _ => None,
            };
            let applied = state.apply(*index, entry);
            for event in &applied.events {
                match event {
                    Event::Room(RoomEvent { room, seq, at, author, kind: RoomEventKind::Message { id, .. }, .. }) => {
                        let twice = made.insert((*author, id.digest()), (*room, *seq, *at));
                        prop_assert!(twice.is_none(), "{id} made two messages");
                    }
                    Event::State(StateEvent::HistoryCut { messages, .. }) => for gone in messages {
                        prop_assert!(made.remove(&(gone.author, gone.digest)).is_some());
                    }
                    _ => {}
                }
            }
            // A fresh answer only: a stored one may be of the device's user before.
            let fresh = !applied.events.is_empty();
            if let (Some(author), true, Ok(Done::Posted { room, seq, at, .. })) = (author, fresh, &applied.outcome) {
                let Command::Submit(Submission { action: Action::PostMessage(post), .. }) = &entry.command else {
                    panic!("only a post comes to a message");
                };
                prop_assert_eq!(made.get(&(author, post.id.digest())), Some(&(*room, *seq, *at)));
            }
        }
    }
}

//! The same entries give the same state, whoever applies them and wherever they begin.

use proptest::prelude::{Just, Strategy, any, proptest};
use proptest::sample::Index;
use proptest::{prop_assert, prop_assert_eq};
use quorate_core::{Applied, BanSubject, Clock, LogIndex, Record, RecordKey, RestoreError, State};

use crate::script::{Log, logs};

fn run(state: &mut State, log: &[(LogIndex, quorate_core::Entry)]) -> Vec<Applied> {
    log.iter().map(|(index, entry)| state.apply(*index, entry)).collect()
}

fn shuffled() -> impl Strategy<Value = Vec<Record>> {
    logs(100).prop_flat_map(|log| {
        let mut state = State::new();
        run(&mut state, &log);
        Just(state.records().collect::<Vec<_>>()).prop_shuffle()
    })
}

proptest! {
    #[test]
    fn replay_equals_live(log in logs(200)) {
        let (mut live, mut replay) = (State::new(), State::new());
        prop_assert_eq!(run(&mut live, &log), run(&mut replay, &log));
        prop_assert_eq!(live, replay);
    }

    #[test]
    fn snapshot_and_tail_equal_live(log in logs(200), at in any::<Index>()) {
        let (head, tail) = log.split_at(at.index(log.len() + 1));
        let mut live = State::new();
        run(&mut live, head);
        let mut restored = State::from_records(live.records()).expect("the records of a state make that state");
        prop_assert_eq!(&restored, &live);
        prop_assert_eq!(run(&mut restored, tail), run(&mut live, tail));
        prop_assert_eq!(restored.hash(), live.hash());
        prop_assert_eq!(restored, live);
    }

    #[test]
    fn records_come_in_the_order_of_their_keys(log in logs(100)) {
        let mut state = State::new();
        run(&mut state, &log);
        let keys: Vec<_> = state.records().map(|record| record.key()).collect();
        prop_assert_eq!(&keys, &keys.iter().copied().collect::<std::collections::BTreeSet<_>>()
            .into_iter().collect::<Vec<_>>());
        for record in state.records() {
            prop_assert_eq!(state.record(&record.key()), Some(record));
        }
    }

    #[test]
    fn records_restore_in_any_order(records in shuffled()) {
        let restored = State::from_records(records.iter().cloned()).expect("order does not matter");
        let again: std::collections::BTreeMap<_, _> = restored.records().map(|r| (r.key(), r)).collect();
        let given: std::collections::BTreeMap<_, _> = records.into_iter().map(|r| (r.key(), r)).collect();
        prop_assert_eq!(again, given);
    }

    /// Only what nothing else names or counts could be lost unseen.
    #[test]
    fn a_lost_record_is_refused_unless_none_names_it(records in shuffled(), at in any::<Index>()) {
        let mut records = records;
        let lost = records.remove(at.index(records.len()));
        let restored = State::from_records(records.iter().cloned());
        match lost {
            Record::Clock(_) => prop_assert_eq!(restored, Err(RestoreError::NoClock)),
            Record::Receipt(..) | Record::Member(..) => {
                prop_assert!(matches!(restored, Err(RestoreError::Contradiction(_))));
            }
            lost => {
                let counted = matches!(&lost, Record::MessageKey(_, _, placed) if !placed.redacted);
                let state = restored.map(|state| state.records().count());
                let alone = !counted && !records.iter().any(|record| names(record, &lost));
                prop_assert_eq!(state.is_ok(), alone, "{:?} without {:?}", state, lost);
            }
        }
    }

    #[test]
    fn a_record_given_twice_is_refused(records in shuffled(), at in any::<Index>()) {
        let mut records = records;
        let twice = records[at.index(records.len())].clone();
        let key = twice.key();
        records.push(twice);
        let refused = State::from_records(records);
        prop_assert_eq!(refused, Err(RestoreError::Duplicate(key)));
    }

    /// Too small a count would go below zero one day, too large a one hides messages.
    #[test]
    fn a_wrong_count_of_own_messages_is_refused(log in logs(100), at in any::<Index>(), more in any::<bool>()) {
        let mut state = State::new();
        run(&mut state, &log);
        let mut records: Vec<_> = state.records().collect();
        let members = records.iter_mut().filter_map(|record| match record {
            Record::Member(room, user, member) => Some((RecordKey::Member(*room, *user), member)),
            _ => None,
        });
        let mut members: Vec<_> = members.collect();
        // All may have left.
        if members.is_empty() {
            return Ok(());
        }
        let at = at.index(members.len());
        let (key, member) = &mut members[at];
        let key = *key;
        let less = member.own_past_mark.checked_sub(1).filter(|_| !more);
        member.own_past_mark = less.unwrap_or(member.own_past_mark + 1);
        prop_assert_eq!(State::from_records(records), Err(RestoreError::Contradiction(key)));
    }

    /// Whatever the proposers' clocks say.
    #[test]
    fn log_time_is_monotonic(log in logs(200)) {
        let mut state = State::new();
        let mut greatest = state.now();
        for (index, entry) in &log {
            let before = state.now();
            let applied = state.apply(*index, entry);
            prop_assert!(state.now() >= before);
            prop_assert_eq!(state.hash().index, *index);
            if !applied.events.is_empty() {
                greatest = greatest.max(entry.proposed_at);
            }
            prop_assert!(state.now() >= greatest);
        }
    }
}

fn names(record: &Record, lost: &Record) -> bool {
    match lost {
        Record::User(id, _) => match record {
            Record::User(_, user) => user.owner == Some(*id),
            Record::Device(_, device) => device.user == *id,
            Record::Member(_, user, _) | Record::MessageKey(user, ..) | Record::Mention(user, ..) => user == id,
            Record::Reaction(_, _, user, ..) => user == id,
            Record::Ban(_, user, ban) => user == id || ban.by == *id,
            Record::Invitation(_, user, invitation) => user == id || invitation.by == *id,
            Record::Call(_, _, call) => call.author == *id,
            Record::Restriction(_, user, _) | Record::ServerRole(user, _) => user == id,
            Record::ServerBan(_, ban) => ban.subject == BanSubject::User(*id),
            _ => false,
        },
        Record::Room(id, _) => match record {
            Record::Member(room, ..) | Record::Edits(room, ..) | Record::Reaction(room, ..) => room == id,
            Record::Restriction(room, ..) => room == id,
            Record::Ban(room, ..) | Record::Invitation(room, ..) | Record::Call(room, ..) => room == id,
            Record::MessageKey(_, _, placed) => placed.room == *id,
            _ => false,
        },
        Record::MessageKey(_, _, placed) => match record {
            Record::Reaction(room, seq, ..) | Record::Call(room, seq, _) => (*room, *seq) == (placed.room, placed.seq),
            _ => false,
        },
        Record::Writer(id, _) => matches!(record, Record::Receipt(writer, ..) if writer == id),
        // Not by its name, but nodes and tokens are nothing without it.
        Record::Roster(_) => matches!(record, Record::Node(..) | Record::JoinToken(..)),
        _ => false,
    }
}

#[test]
fn no_records_are_a_new_state() {
    assert_eq!(State::from_records([]), Ok(State::new()));
    assert_eq!(State::from_records([Record::Clock(Clock::default())]), Ok(State::new()));
    assert_eq!(State::from_records(State::new().records()), Ok(State::new()));
}

/// A change of this number is a change of what nodes of different versions compare.
#[test]
fn the_hash_of_a_fixed_log_is_what_it_always_was() {
    let mut state = State::new();
    let log: Log = crate::script::fixed();
    let refused: Vec<_> = run(&mut state, &log)
        .into_iter()
        .zip(&log)
        .filter(|(applied, _)| applied.outcome.is_err())
        .map(|(applied, (_, entry))| (applied.outcome, &entry.command))
        .collect();
    assert!(refused.is_empty(), "everything in this log is done: {refused:#?}");
    assert_eq!(
        format!("{:032x}", state.hash().hash),
        "325b21e4bb37e2d6c4fa9ee06d8cec95"
    );
}

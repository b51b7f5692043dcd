//! What holds of the records after every line of every story.

use std::collections::{BTreeMap, BTreeSet};

use quorate_core::{Event, Record, RecordKey, State};

/// Records up to which they are compared after each entry; with more of them stories would take long.
const FEW: usize = 300;

pub(super) type Records = BTreeMap<RecordKey, Record>;

pub(super) fn of_few(state: &State) -> Option<Records> {
    let few: Records = state.records().take(FEW).map(|record| (record.key(), record)).collect();
    (few.len() < FEW).then_some(few)
}

/// What is different is named by an event, so that a store wrote it.
pub(super) fn assert_touched(before: &Records, state: &State, events: &[Event]) {
    let after: Records = state.records().map(|record| (record.key(), record)).collect();
    let touched: BTreeSet<_> = events
        .iter()
        .flat_map(Event::touches)
        .chain([RecordKey::Clock])
        .collect();
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let same = before.get(key) == after.get(key);
        assert!(same || touched.contains(key), "{key:?} changed untouched by {events:?}");
    }
}

pub(super) fn assert_restores(state: &State) {
    let restored = State::from_records(state.records()).expect("the records of a state make a state");
    assert_eq!(restored, *state, "what was restored is another state");
}

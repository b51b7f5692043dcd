//! What holds of the records after every line of every story.

use std::collections::{BTreeMap, BTreeSet};

use quorate_core::{AuditEntry, AuditNo, Event, Record, RecordKey, State};

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

/// The entries of the audit log lead from one to the next, and the last one to where the state says that it ends.
pub(super) fn assert_chained(entries: &BTreeMap<AuditNo, AuditEntry>, state: &State) {
    let head = state.audit();
    let mut end = None;
    for (no, entry) in entries {
        let (next, before) = end.unwrap_or((head.first, entry.before));
        assert_eq!((*no, entry.before), (next, before), "an entry is out of the chain");
        end = Some((no.next(), entry.hash(*no)));
    }
    assert_eq!(end.unwrap_or((head.next, head.hash)), (head.next, head.hash));
}

pub(super) fn assert_restores(state: &State) {
    let restored = State::from_records(state.records()).expect("the records of a state make a state");
    assert_eq!(restored, *state, "what was restored is another state");
}

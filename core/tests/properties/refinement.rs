//! A store that writes only the rows that events touch has, after each entry, exactly the rows of
//! the state.

use std::collections::BTreeMap;

use proptest::prelude::proptest;
use proptest::prop_assert_eq;
use quorate_core::{Event, Record, RecordKey, State};

use crate::script::logs;

proptest! {
    #[test]
    fn touched_rows_are_all_that_change(log in logs(150)) {
        let mut state = State::new();
        let mut store: BTreeMap<RecordKey, Record> = BTreeMap::new();
        for (index, entry) in &log {
            let applied = state.apply(*index, entry);
            let touched = applied.events.iter().flat_map(Event::touches).chain([RecordKey::Clock]);
            for key in touched {
                match state.record(&key) {
                    Some(record) => drop(store.insert(key, record)),
                    None => drop(store.remove(&key)),
                }
            }
            let rows: BTreeMap<_, _> = state.records().map(|record| (record.key(), record)).collect();
            prop_assert_eq!(&store, &rows);
        }
    }
}

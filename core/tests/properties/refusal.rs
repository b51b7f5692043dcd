//! Told no, nothing has changed: but for log time, the stored refusal itself, what the audit log says of it, and
//! writers whose time was up anyway.

use std::collections::BTreeMap;

use proptest::prelude::proptest;
use proptest::prop_assert;
use quorate_core::{Command, Record, RecordKey, State, WriterId};

use crate::script::logs;

fn rows(state: &State) -> BTreeMap<RecordKey, Record> {
    state.records().map(|record| (record.key(), record)).collect()
}

proptest! {
    #[test]
    fn a_refusal_leaves_the_state_as_it_was(log in logs(150)) {
        let mut state = State::new();
        for (index, entry) in &log {
            let before = rows(&state);
            if state.apply(*index, entry).outcome.is_ok() {
                continue;
            }
            let after = rows(&state);
            let asker = match &entry.command {
                Command::Submit(submission) => submission.origin.writer,
                _ => WriterId(u64::MAX),
            };
            for (key, record) in &after {
                let may = match key {
                    RecordKey::Clock => true,
                    RecordKey::AuditHead => matches!(entry.command, Command::Operate(_)),
                    RecordKey::Writer(writer) | RecordKey::Receipt(writer, _) => *writer == asker,
                    _ => false,
                };
                prop_assert!(may || before.get(key) == Some(record), "{key:?} changed");
            }
            for key in before.keys().filter(|key| !after.contains_key(key)) {
                let expired = matches!(key, RecordKey::Writer(_) | RecordKey::Receipt(..));
                prop_assert!(expired, "{key:?} is gone");
            }
        }
    }
}

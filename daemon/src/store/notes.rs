//! State hashes noted at fixed log indexes, so that nodes that are not equally far can compare them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use quorate_core::LogIndex;

/// Which indexes are noted: the multiples of this, on every node.
const NOTE_EVERY: u64 = 64;
/// How many notes are kept: nodes that are some 65 000 entries apart still have one in common.
const NOTES_MAX: usize = 1024;

/// The last notes, since the start of the daemon.
#[derive(Debug, Default)]
pub(super) struct HashNotes(Mutex<VecDeque<(LogIndex, u128)>>);

impl HashNotes {
    /// Notes the hash after this entry, if it is one of those after which it is noted.
    pub(super) fn offer(&self, index: LogIndex, hash: u128) {
        if index.0.is_multiple_of(NOTE_EVERY) {
            let mut notes = self.notes();
            if notes.len() == NOTES_MAX {
                notes.pop_front();
            }
            notes.push_back((index, hash));
        }
    }

    /// Rising indexes.
    pub(super) fn all(&self) -> Vec<(LogIndex, u128)> {
        self.notes().iter().copied().collect()
    }

    fn notes(&self) -> MutexGuard<'_, VecDeque<(LogIndex, u128)>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hashes_at_fixed_indexes_are_kept() {
        let notes = HashNotes::default();
        let last = NOTE_EVERY * (NOTES_MAX as u64 + 3);
        (1..=last + 5).for_each(|index| notes.offer(LogIndex(index), u128::from(index)));
        let all = notes.all();
        assert_eq!(all.len(), NOTES_MAX);
        assert_eq!(all.last(), Some(&(LogIndex(last), u128::from(last))));
        assert!(all.iter().all(|(index, _)| index.0 % NOTE_EVERY == 0));
    }
}

//! What the log knows in memory: its bounds, its votes, and its last entries.

use std::collections::BTreeMap;
use std::ops::Range;

use quorate_core::{LogIndex, NodeId};

use crate::consensus::types::shape;
use crate::consensus::types::{LogEntry, LogId, Vote};
use crate::store::StoreError;
use crate::store::identity::Incarnation;

/// Entries beyond this leave the cache, oldest first, once they are durable. It holds more than
/// followers usually lag, so that replication and apply do not read the disk: about two seconds of
/// the most that was measured (18 000 posts a second), where followers lag by milliseconds. Who was
/// away for longer is served from the disk.
const CACHE_BYTES_MAX: usize = 16 << 20;

/// The log as it is, before its last operations are durable.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) vote: Option<Vote>,
    pub(super) purged: Option<LogId>,
    /// The first entry that ever was; 0, but openraft does not ask for that.
    begin: u64,
    /// The last entry; none if there is none past the purged ones.
    pub(super) last: Option<LogId>,
    pub(super) committed: Option<LogId>,
    pub(super) peers: BTreeMap<NodeId, Incarnation>,
    pub(super) enrolled: bool,
    /// Asked for, but not allowed yet by the floor.
    pub(super) held_purge: Option<LogId>,
    entries: Cache,
}

/// The last entries, without a gap up to the last one.
#[derive(Default)]
struct Cache {
    entries: BTreeMap<u64, LogEntry>,
    bytes: usize,
}

impl Memory {
    pub(super) fn last_log_id(&self) -> Option<LogId> {
        self.last.or(self.purged)
    }

    /// The index after the last one; `None` if any may come first.
    fn next(&self) -> Option<u64> {
        self.last_log_id().map(|last| last.index() + 1)
    }

    /// The first index that is not purged.
    fn first(&self) -> u64 {
        self.purged.map_or(self.begin, |purged| purged.index() + 1)
    }

    /// The first and the last entry; none of an empty log.
    pub(super) fn bounds(&self) -> Option<(LogIndex, LogIndex)> {
        let last = self.last?;
        Some((LogIndex(self.first()), LogIndex(last.index())))
    }

    /// Takes the entries in, unless they leave a hole.
    pub(super) fn append(&mut self, entries: &[LogEntry]) -> Result<(), StoreError> {
        let mut next = self.next();
        for entry in entries {
            let found = entry.log_id.index();
            if next.is_some_and(|next| next != found) {
                return Err(StoreError::Order {
                    what: "an entry was appended out of its order",
                    last: next.unwrap_or_default().saturating_sub(1),
                    found,
                });
            }
            next = Some(found + 1);
        }
        if let (None, Some(first)) = (self.last_log_id(), entries.first()) {
            self.begin = first.log_id.index();
        }
        for entry in entries {
            self.entries.push(entry.clone());
            self.last = Some(entry.log_id);
        }
        Ok(())
    }

    /// Forgets the entries after an index; all without one. The entry at it, if it is in the log,
    /// becomes the last.
    pub(super) fn truncate(&mut self, after: Option<LogId>) {
        if after.is_some_and(|after| self.next().is_none_or(|next| after.index() + 1 >= next)) {
            return;
        }
        self.entries.truncate(after.map_or(0, |after| after.index() + 1));
        self.last = after.filter(|after| after.index() >= self.first());
    }

    pub(super) fn purge(&mut self, upto: LogId) {
        if self.purged.is_some_and(|purged| purged >= upto) {
            return;
        }
        self.purged = Some(upto);
        self.entries.purge(upto.index());
        self.last = self.last.filter(|last| last.index() > upto.index());
    }

    /// What of a range is in the log: first what must be read from the disk, then what is cached.
    pub(super) fn find(&self, range: Range<u64>, bytes_max: usize) -> (Range<u64>, Vec<LogEntry>) {
        let start = range.start.max(self.first());
        let end = range.end.min(self.next().unwrap_or(0));
        if start >= end {
            return (0..0, Vec::new());
        }
        let cached = self.entries.first().map_or(end, |first| first.clamp(start, end));
        let mut room = bytes_max;
        let entries = self.entries.entries.range(cached..end).map(|(_, entry)| entry);
        // An entry that goes over the limit is still in: a reader always gets on.
        let within = entries.take_while(|entry| {
            let before = room;
            room = room.saturating_sub(shape::entry_bytes(entry));
            before > 0
        });
        (start..cached, within.cloned().collect())
    }

    /// Drops the oldest entries that are over the limit and durable.
    pub(super) fn evict(&mut self, durable: u64) {
        self.entries.evict(durable, CACHE_BYTES_MAX);
    }

    #[cfg(test)]
    fn evict_to(&mut self, durable: u64, bytes_max: usize) {
        self.entries.evict(durable, bytes_max);
    }
}

impl Cache {
    fn first(&self) -> Option<u64> {
        self.entries.first_key_value().map(|(index, _)| *index)
    }

    fn push(&mut self, entry: LogEntry) {
        self.bytes += shape::entry_bytes(&entry);
        self.entries.insert(entry.log_id.index(), entry);
    }

    fn truncate(&mut self, from: u64) {
        let gone = self.entries.split_off(&from);
        self.bytes -= gone.values().map(shape::entry_bytes).sum::<usize>();
    }

    fn purge(&mut self, upto: u64) {
        let kept = self.entries.split_off(&upto.saturating_add(1));
        let gone = std::mem::replace(&mut self.entries, kept);
        self.bytes -= gone.values().map(shape::entry_bytes).sum::<usize>();
    }

    fn evict(&mut self, durable: u64, bytes_max: usize) {
        while self.bytes > bytes_max {
            match self.entries.first_entry() {
                Some(first) if *first.key() <= durable => self.bytes -= shape::entry_bytes(&first.remove()),
                _ => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::types::{Proposal, TypeConfig};
    use bytes::Bytes;
    use openraft::alias::CommittedLeaderIdOf;
    use openraft::entry::RaftEntry;
    use openraft::vote::RaftLeaderId;

    fn id(index: u64) -> LogId {
        LogId::new(CommittedLeaderIdOf::<TypeConfig>::new(1, NodeId(1)), index)
    }

    fn entries(range: Range<u64>) -> Vec<LogEntry> {
        range
            .map(|index| LogEntry::new_normal(id(index), Proposal(Bytes::from(vec![0; 100]))))
            .collect()
    }

    fn indexes(found: &(Range<u64>, Vec<LogEntry>)) -> (Range<u64>, Vec<u64>) {
        let cached = found.1.iter().map(|entry| entry.log_id.index()).collect();
        (found.0.clone(), cached)
    }

    #[test]
    fn a_hole_is_refused_and_nothing_of_it_taken() {
        let mut memory = Memory::default();
        memory.append(&entries(5..8)).unwrap();
        assert!(memory.append(&entries(9..10)).is_err());
        assert_eq!(memory.last, Some(id(7)));
        memory.append(&entries(8..9)).unwrap();
    }

    #[test]
    fn an_undurable_entry_is_never_evicted() {
        let mut memory = Memory::default();
        memory.append(&entries(0..10)).unwrap();
        memory.evict_to(4, 0);
        assert_eq!(indexes(&memory.find(0..10, usize::MAX)), (0..5, vec![5, 6, 7, 8, 9]));
    }

    #[test]
    fn a_read_is_cut_by_bytes_but_never_to_nothing() {
        let mut memory = Memory::default();
        memory.append(&entries(0..10)).unwrap();
        assert_eq!(indexes(&memory.find(2..10, 1)), (2..2, vec![2]));
        assert_eq!(indexes(&memory.find(2..10, 200)), (2..2, vec![2, 3]));
    }

    #[test]
    fn truncating_past_the_end_changes_nothing() {
        let mut memory = Memory::default();
        memory.append(&entries(0..3)).unwrap();
        memory.truncate(Some(id(7)));
        assert_eq!(memory.last, Some(id(2)));
        memory.truncate(Some(id(0)));
        assert_eq!(memory.last, Some(id(0)));
        memory.truncate(None);
        assert_eq!((memory.last, memory.entries.bytes), (None, 0));
    }

    #[test]
    fn purging_past_the_end_leaves_the_purged_one_as_the_last() {
        let mut memory = Memory::default();
        memory.append(&entries(0..3)).unwrap();
        memory.purge(id(9));
        assert_eq!(memory.last_log_id(), Some(id(9)));
        assert!(memory.append(&entries(3..4)).is_err());
        memory.append(&entries(10..11)).unwrap();
        assert_eq!(memory.entries.first(), Some(10));
    }
}

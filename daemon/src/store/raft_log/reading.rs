//! Reading entries: from the cache, and below it from the disk.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, Range, RangeBounds};
use std::sync::Arc;

use openraft::RaftLogReader;
use quorate_core::LogIndex;

use crate::consensus::types::{LogEntry, TypeConfig, Vote};
use crate::store::StoreError;

use super::{Log, LogStore, table};

/// What one replication request carries, about.
const READ_BYTES_MAX: usize = 1 << 20;

impl Log {
    /// The entries of a range that are in the log, from its start on without a gap.
    async fn entries(self: &Arc<Self>, range: Range<u64>, bytes_max: usize) -> Result<Vec<LogEntry>, StoreError> {
        self.failure.check()?;
        // The cached ones first: what leaves the cache meanwhile is durable, and found below.
        let (mut below, mut cached) = self.read().find(range.clone(), bytes_max);
        while !below.is_empty() {
            let mut entries = self.read_below(below.clone(), bytes_max).await?;
            let next = below.start + entries.len() as u64;
            if next == below.end {
                // A limited read need not be full, only never empty.
                if bytes_max == usize::MAX {
                    entries.extend(cached);
                }
                return Ok(entries);
            }
            if bytes_max != usize::MAX && !entries.is_empty() {
                return Ok(entries);
            }
            // Missing. If the log was truncated or purged meanwhile, that is no damage.
            let before = below;
            (below, cached) = self.read().find(range.clone(), bytes_max);
            if below == before {
                return Err(self.failure.raise(table::missing(next)));
            }
        }
        Ok(cached)
    }

    /// Reads from the disk.
    async fn read_below(self: &Arc<Self>, range: Range<u64>, bytes_max: usize) -> Result<Vec<LogEntry>, StoreError> {
        let log = Arc::clone(self);
        let read = move || {
            let database = log.database.load_full().ok_or(StoreError::Closed)?;
            table::read_entries(&database, range, bytes_max)
        };
        let read = tokio::task::spawn_blocking(read)
            .await
            .map_err(|_| StoreError::Closed)?;
        self.failure.note(read)
    }
}

impl LogStore {
    /// The first and the last entry that are in the log now; none when it is empty.
    #[must_use]
    pub fn bounds(&self) -> Option<(LogIndex, LogIndex)> {
        self.log.read().bounds()
    }

    /// Entries of a range that are in the log, from its start on without a gap: as many as the limit in bytes allows, and
    /// one at least, if there is any.
    ///
    /// # Errors
    /// When the store failed or closed.
    pub async fn page(&self, range: Range<u64>, bytes_max: usize) -> Result<Vec<LogEntry>, StoreError> {
        self.log.entries(range, bytes_max).await
    }
}

fn bounds(range: &impl RangeBounds<u64>) -> Range<u64> {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        Bound::Excluded(start) => start.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(end) => end.saturating_add(1),
        Bound::Excluded(end) => *end,
        Bound::Unbounded => u64::MAX,
    };
    start..end
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<RB>(&mut self, range: RB) -> Result<Vec<LogEntry>, io::Error>
    where
        RB: RangeBounds<u64> + Clone + Debug + Send,
    {
        Ok(self.log.entries(bounds(&range), usize::MAX).await?)
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, io::Error> {
        Ok(self.log.read().vote)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<LogEntry>, io::Error> {
        Ok(self.log.entries(start..end, READ_BYTES_MAX).await?)
    }
}

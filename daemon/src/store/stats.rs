//! Counting the durable transactions of a file.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::meter::{Counted, Durations};

/// Counters of a file's durable transactions, written by its writer thread.
#[derive(Debug, Default)]
pub struct LogStats {
    rows: AtomicU64,
    durations: Durations,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CommitStats {
    /// Durable transactions, each with its fsync.
    pub commits: u64,
    /// Rows in them.
    pub rows: u64,
    /// How long they took.
    pub durations: Counted,
}

impl LogStats {
    /// The counters now. Each is exact; together they may be a commit apart.
    #[must_use]
    pub fn read(&self) -> CommitStats {
        let durations = self.durations.read();
        CommitStats {
            commits: durations.count(),
            rows: self.rows.load(Ordering::Relaxed),
            durations,
        }
    }

    pub(super) fn count(&self, rows: usize, took: Duration) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.durations.count(took);
    }
}

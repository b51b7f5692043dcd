//! How far the log may be purged: what is not in a durable state yet must stay to be replayed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quorate_core::LogIndex;

/// The durable applied index, raised by the writer of `state.redb` at its checkpoints.
#[derive(Clone, Debug)]
pub(in crate::store) struct PurgeFloor(Arc<AtomicU64>);

impl PurgeFloor {
    pub(in crate::store) fn new(durable: Option<LogIndex>) -> Self {
        Self(Arc::new(AtomicU64::new(durable.map_or(0, |index| index.next().0))))
    }

    /// For a log with no state behind it.
    #[cfg(test)]
    pub(in crate::store) fn none() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }

    pub(in crate::store) fn raise(&self, durable: LogIndex) {
        self.0.fetch_max(durable.next().0, Ordering::AcqRel);
    }

    pub(super) fn allows(&self, upto: u64) -> bool {
        upto < self.0.load(Ordering::Acquire)
    }
}

//! What this device has seen of a cluster: the highest applied index that any node has shown. A node that is behind it answers
//! when it is there, so nothing that was read or written is ever unseen again, whichever node is asked.
//!
//! An index means something within its cluster only. One that was restored from a backup under the same CA begins anew, and
//! must not wait for ever for what it never had.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use quorate_core::LogIndex;
use serde::{Deserialize, Serialize};

/// As it is kept between runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenMark {
    pub(crate) cluster: String,
    pub(crate) index: LogIndex,
}

#[derive(Debug, Default)]
pub(crate) struct Seen {
    index: AtomicU64,
    /// `None` before any node has said which it belongs to.
    cluster: Mutex<Option<String>>,
    welcomed: AtomicBool,
}

impl Seen {
    /// With what an earlier run has seen.
    pub(crate) fn going_on(mark: Option<SeenMark>) -> Self {
        let (cluster, index) = mark.map(|mark| (mark.cluster, mark.index.0)).unzip();
        Self {
            index: AtomicU64::new(index.unwrap_or(0)),
            cluster: Mutex::new(cluster),
            welcomed: AtomicBool::new(false),
        }
    }

    pub(crate) fn index(&self) -> LogIndex {
        LogIndex(self.index.load(Ordering::Acquire))
    }

    /// Of which cluster, as far as is known.
    pub(crate) fn cluster(&self) -> Option<String> {
        self.lock().clone()
    }

    pub(crate) fn raise(&self, to: LogIndex) {
        self.index.fetch_max(to.0, Ordering::AcqRel);
    }

    /// A node of this cluster has answered a hello that said how much was seen. It waits until it has that; when it answers with
    /// less, the cluster has made sure that there is no more any longer: what was seen is of before a restore, and nothing to wait
    /// for.
    pub(crate) fn welcomed(&self, cluster: &str, said: LogIndex, there: LogIndex) {
        let mut known = self.lock();
        if known.as_deref() != Some(cluster) {
            *known = Some(cluster.to_owned());
            self.index.store(there.0, Ordering::Release);
        } else if there < said {
            // Unless another session has seen something meanwhile.
            let _ = self
                .index
                .compare_exchange(said.0, there.0, Ordering::AcqRel, Ordering::Acquire);
        } else {
            self.raise(there);
        }
        self.welcomed.store(true, Ordering::Release);
    }

    /// Whether a node has opened a session in this run.
    pub(crate) fn was_welcomed(&self) -> bool {
        self.welcomed.load(Ordering::Acquire)
    }

    pub(crate) fn mark(&self) -> Option<SeenMark> {
        let cluster = self.lock().clone()?;
        let index = self.index();
        Some(SeenMark { cluster, index })
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(cluster: &str, index: u64) -> SeenMark {
        let cluster = cluster.to_owned();
        let index = LogIndex(index);
        SeenMark { cluster, index }
    }

    #[test]
    fn within_a_cluster_what_was_seen_only_rises() {
        let seen = Seen::going_on(Some(mark("a", 7)));
        // Before this hello was sent, another session had seen more.
        seen.welcomed("a", LogIndex(3), LogIndex(5));
        assert_eq!(seen.mark(), Some(mark("a", 7)));
        seen.raise(LogIndex(9));
        assert_eq!(seen.mark(), Some(mark("a", 9)));
    }

    #[test]
    fn another_cluster_begins_anew() {
        let seen = Seen::going_on(Some(mark("a", 7)));
        seen.welcomed("b", LogIndex(7), LogIndex(2));
        assert_eq!(seen.mark(), Some(mark("b", 2)));
    }

    #[test]
    fn a_cluster_that_has_lost_what_was_seen_is_taken_as_it_is() {
        let seen = Seen::going_on(Some(mark("a", 7)));
        seen.welcomed("a", LogIndex(7), LogIndex(4));
        assert_eq!(seen.mark(), Some(mark("a", 4)));
    }
}

//! Counting commits of a file, cheaply enough to do it always.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the duration buckets in seconds; what is longer counts in one more.
pub const COMMIT_SECONDS_BUCKETS: [f64; 14] = [
    0.000_25, 0.000_5, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 4.096,
];

/// Counters of a file's durable transactions, written by its writer thread.
#[derive(Debug, Default)]
pub struct LogStats {
    commits: AtomicU64,
    rows: AtomicU64,
    nanos: AtomicU64,
    buckets: [AtomicU64; COMMIT_SECONDS_BUCKETS.len() + 1],
}

/// The counters at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommitStats {
    /// Durable transactions, each with its fsync.
    pub commits: u64,
    /// Rows in them.
    pub rows: u64,
    /// The sum of their durations in seconds.
    pub seconds: f64,
    /// How many fell in each bucket (not cumulative): see [`COMMIT_SECONDS_BUCKETS`], and one more.
    pub buckets: [u64; COMMIT_SECONDS_BUCKETS.len() + 1],
}

impl LogStats {
    /// The counters now. Each is exact; together they may be a commit apart.
    #[must_use]
    pub fn read(&self) -> CommitStats {
        CommitStats {
            commits: self.commits.load(Ordering::Relaxed),
            rows: self.rows.load(Ordering::Relaxed),
            seconds: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)).as_secs_f64(),
            buckets: std::array::from_fn(|bucket| self.buckets[bucket].load(Ordering::Relaxed)),
        }
    }

    pub(super) fn count(&self, rows: usize, took: Duration) {
        let bucket = COMMIT_SECONDS_BUCKETS.partition_point(|bound| *bound < took.as_secs_f64());
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.nanos
            .fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
    }
}

impl CommitStats {
    /// The bound of the bucket in which this share (0.99 for p99) of the commits is reached, in
    /// seconds; `None` before the first commit, infinite past the last bound.
    #[must_use]
    pub fn quantile_seconds(&self, share: f64) -> Option<f64> {
        #[allow(clippy::cast_precision_loss, reason = "a rank need not be exact past 2^52 commits")]
        let rank = self.commits as f64 * share;
        let mut seen = 0_u64;
        (self.commits > 0).then(|| {
            self.buckets
                .iter()
                .zip(COMMIT_SECONDS_BUCKETS)
                .find_map(|(count, bound)| {
                    seen += count;
                    #[allow(clippy::cast_precision_loss, reason = "as above")]
                    let reached = seen as f64 >= rank;
                    reached.then_some(bound)
                })
                .unwrap_or(f64::INFINITY)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_bound_of_its_bucket() {
        let stats = LogStats::default();
        assert_eq!(stats.read().quantile_seconds(0.99), None);
        for _ in 0..99 {
            stats.count(2, Duration::from_micros(300));
        }
        stats.count(2, Duration::from_millis(3));
        let read = stats.read();
        assert_eq!((read.commits, read.rows), (100, 200));
        assert_eq!(read.quantile_seconds(0.5), Some(0.000_5));
        assert_eq!(read.quantile_seconds(0.99), Some(0.000_5));
        assert_eq!(read.quantile_seconds(1.0), Some(0.004));
    }
}

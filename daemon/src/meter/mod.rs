//! Counting durations, cheaply enough to do it always: a few atomic additions for each. Metrics and operators' tools read them.
//!
//! Knows nothing of what is counted, and no clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets in seconds; what is longer counts in one more.
pub const SECONDS_BUCKETS: [f64; 14] = [
    0.000_25, 0.000_5, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 4.096,
];
/// The bounded buckets, and the one above them.
const BUCKETS: usize = SECONDS_BUCKETS.len() + 1;

/// Durations of one kind, since the start of the process.
#[derive(Debug, Default)]
pub struct Durations {
    nanos: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

/// What was counted up to one moment, or between two.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counted {
    /// The sum of the durations in seconds.
    pub seconds: f64,
    /// How many fell in each bucket (not cumulative): see [`SECONDS_BUCKETS`], and one more.
    pub buckets: [u64; BUCKETS],
}

impl Durations {
    /// Counts one.
    pub fn count(&self, took: Duration) {
        let bucket = SECONDS_BUCKETS.partition_point(|bound| *bound < took.as_secs_f64());
        self.nanos
            .fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
    }

    /// The counters now. Each is exact; together they may be a duration apart.
    #[must_use]
    pub fn read(&self) -> Counted {
        Counted {
            seconds: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)).as_secs_f64(),
            buckets: std::array::from_fn(|bucket| self.buckets[bucket].load(Ordering::Relaxed)),
        }
    }
}

impl Counted {
    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Those that are not in an earlier reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            seconds: (self.seconds - earlier.seconds).max(0.0),
            buckets: std::array::from_fn(|bucket| self.buckets[bucket].saturating_sub(earlier.buckets[bucket])),
        }
    }

    /// The bound of the bucket in which this share (0.99 for p99) is reached, in seconds; `None` if there were none,
    /// infinite past the last bound.
    #[must_use]
    pub fn quantile_seconds(&self, share: f64) -> Option<f64> {
        let count = self.count();
        #[allow(clippy::cast_precision_loss, reason = "a rank need not be exact past 2^52")]
        let rank = count as f64 * share;
        let mut seen = 0_u64;
        (count > 0).then(|| {
            self.buckets
                .iter()
                .zip(SECONDS_BUCKETS)
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
        let durations = Durations::default();
        assert_eq!(durations.read().quantile_seconds(0.99), None);
        for _ in 0..99 {
            durations.count(Duration::from_micros(300));
        }
        durations.count(Duration::from_millis(3));
        let read = durations.read();
        assert_eq!(read.count(), 100);
        assert_eq!(read.quantile_seconds(0.5), Some(0.000_5));
        assert_eq!(read.quantile_seconds(0.99), Some(0.000_5));
        assert_eq!(read.quantile_seconds(1.0), Some(0.004));
    }

    #[test]
    fn what_was_counted_between_two_readings_is_their_difference() {
        let durations = Durations::default();
        durations.count(Duration::from_secs(9));
        let before = durations.read();
        durations.count(Duration::from_millis(1));
        let between = durations.read().since(&before);
        assert_eq!((between.count(), between.quantile_seconds(0.99)), (1, Some(0.001)));
        assert_eq!(before.quantile_seconds(0.99), Some(f64::INFINITY));
    }
}

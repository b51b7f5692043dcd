//! How long questions of one kind took.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Up to a minute, to three digits.
const LATENCY_MAX_US: u64 = 60 * 1_000_000;

pub(crate) struct Latencies {
    times: Histogram<u64>,
    rows: usize,
}

impl Latencies {
    pub(crate) fn new() -> Self {
        Self {
            times: Histogram::new_with_bounds(1, LATENCY_MAX_US, 3).expect("these are bounds of a histogram"),
            rows: 0,
        }
    }

    /// An answer of so many rows.
    pub(crate) fn record(&mut self, took: Duration, rows: usize) {
        self.times
            .saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        self.rows += rows;
    }

    pub(crate) fn count(&self) -> u64 {
        self.times.len()
    }

    /// The time within which this share of the answers came, in milliseconds.
    pub(crate) fn quantile_ms(&self, share: f64) -> f64 {
        self.times.value_at_quantile(share) as f64 / 1000.0
    }

    pub(crate) fn to_json(&self) -> Value {
        let ms = |us: u64| us as f64 / 1000.0;
        let rows = self.rows as f64 / self.count().max(1) as f64;
        json!({
            "p50": ms(self.times.value_at_quantile(0.5)),
            "p99": ms(self.times.value_at_quantile(0.99)),
            "max": ms(self.times.max()),
            "asked": self.count(),
            "rows": (rows * 10.0).round() / 10.0,
        })
    }
}

//! What is measured.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Latencies up to ten minutes, to three digits.
const LATENCY_MAX_US: u64 = 10 * 60 * 1_000_000;

/// How long things took.
pub(super) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(super) fn new() -> Self {
        Self(Histogram::new_with_bounds(1, LATENCY_MAX_US, 3).expect("these are bounds of a histogram"))
    }

    pub(super) fn record(&mut self, latency: Duration) {
        self.0
            .saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("both have the same bounds");
    }

    pub(super) fn to_json(&self) -> Value {
        let ms = |us: u64| us as f64 / 1000.0;
        json!({
            "p50": ms(self.0.value_at_quantile(0.5)),
            "p99": ms(self.0.value_at_quantile(0.99)),
            "max": ms(self.0.max()),
        })
    }
}

/// A report for people: the same numbers, a line each.
pub(super) fn text(report: &Value) -> String {
    let mut lines = Vec::new();
    for (name, value) in report.as_object().into_iter().flatten() {
        match value.as_object() {
            Some(parts) => {
                let parts: Vec<_> = parts.iter().map(|(name, value)| format!("{name} {value}")).collect();
                lines.push(format!("{name:16} {}", parts.join("  ")));
            }
            None => lines.push(format!("{name:16} {value}")),
        }
    }
    lines.join("\n")
}

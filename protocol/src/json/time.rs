//! Times and durations.

use quorate_core::{Span, Timestamp};

/// Units of a duration with their milliseconds, ascending.
pub const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Writes a duration in the largest unit that it is a whole number of: `15m`, `30d`.
#[must_use]
pub fn show_span(span: Span) -> String {
    let fits = |(_, ms): &&(&str, u64)| span.0.is_multiple_of(*ms);
    let (unit, unit_ms) = UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]);
    format!("{}{unit}", span.0 / unit_ms)
}

/// Whether a date can be written for it: what lasts past the year 9999 lasts for ever.
#[must_use]
pub fn is_in_calendar(at: Timestamp) -> bool {
    i64::try_from(at.0).is_ok_and(|ms| jiff::Timestamp::from_millisecond(ms).is_ok())
}

/// RFC 3339, UTC, with milliseconds.
#[must_use]
pub fn show(at: Timestamp) -> String {
    let ms = i64::try_from(at.0).unwrap_or(i64::MAX);
    // What no calendar holds cannot be a cluster's clock; it is shown as the beginning of time.
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

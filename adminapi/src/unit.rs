//! How durations and sizes are written, in config files, flags and tables.

use std::time::Duration;

/// The units of durations, largest first, with their milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];
const SIZES: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/// A text that is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A bare number.
    #[error("a duration has a unit: ms, s, m, h or d")]
    NoUnit,
    /// Anything else.
    #[error("a duration is a whole number and one unit (ms, s, m, h or d), like 250ms, 5s or 24h")]
    Form,
    /// More milliseconds than 64 bits hold.
    #[error("the duration is too long")]
    TooLong,
}

/// Reads a duration: a whole number and one unit, `250ms`, `5s`, `10m`, `24h`, `7d`.
///
/// # Errors
/// The text is anything else.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(DurationError::Form);
    }
    if unit.is_empty() {
        return Err(DurationError::NoUnit);
    }
    let (_, unit_ms) = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or(DurationError::Form)?;
    let ms = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(*unit_ms));
    ms.map(Duration::from_millis).ok_or(DurationError::TooLong)
}

/// Writes a duration in the largest unit that it is a whole number of, so that [`parse_duration`] reads it back. What is
/// below a millisecond is cut off.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let unit = UNITS.iter().find(|(_, unit_ms)| ms > 0 && ms % unit_ms == 0);
    unit.map_or_else(|| "0s".to_owned(), |(name, unit_ms)| format!("{}{name}", ms / unit_ms))
}

/// Writes a size for people to read: `512B`, `12.5KiB`, `3.0GiB`.
#[must_use]
pub fn format_bytes(bytes: u64) -> String {
    // Exact for sizes up to 8 PiB, and what is shown of any has three digits.
    #[allow(clippy::cast_precision_loss)]
    let mut size = bytes as f64;
    let mut unit = 0;
    // 1023.95 would be shown as 1024.0.
    while size >= 1023.95 && unit + 1 < SIZES.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes}B")
    } else {
        format!("{size:.1}{}", SIZES[unit])
    }
}

/// A text that is no size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a size is a whole number and one unit (B, KiB, MiB, GiB, TiB or PiB), like 64KiB")]
pub struct SizeError;

/// Reads a size: a whole number and one unit, `512B`, `64KiB`, `3GiB`.
///
/// # Errors
/// The text is anything else, or more than 64 bits hold.
pub fn parse_bytes(text: &str) -> Result<u64, SizeError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let power = SIZES.iter().position(|name| *name == unit).ok_or(SizeError)?;
    let number: u64 = number.parse().map_err(|_| SizeError)?;
    number.checked_mul(1 << (10 * power)).ok_or(SizeError)
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(ms in 0..u64::MAX) {
            let duration = Duration::from_millis(ms);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,24}") {
            let _ = parse_duration(&text);
        }
    }

    #[test]
    fn the_forms_of_the_contract_are_read() {
        for (text, ms) in [
            ("250ms", 250),
            ("5s", 5_000),
            ("10m", 600_000),
            ("24h", 86_400_000),
            ("7d", 604_800_000),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn other_forms_are_refused_and_a_missing_unit_is_told() {
        assert_eq!(parse_duration("5"), Err(DurationError::NoUnit));
        for text in ["", "s", "5 s", "1.5s", "-1s", "5S", "1h30m", "5sec"] {
            assert_eq!(parse_duration(text), Err(DurationError::Form), "{text}");
        }
        assert_eq!(parse_duration("999999999999999999999s"), Err(DurationError::TooLong));
        assert_eq!(parse_duration(&format!("{}d", u64::MAX)), Err(DurationError::TooLong));
    }

    #[test]
    fn sizes_are_read_with_a_unit_and_only_with_one() {
        assert_eq!(parse_bytes("512B"), Ok(512));
        assert_eq!(parse_bytes("64KiB"), Ok(65_536));
        for text in ["", "5", "KiB", "1.5KiB", "5KB", "-1B", "99999999PiB"] {
            assert_eq!(parse_bytes(text), Err(SizeError), "{text}");
        }
    }

    #[test]
    fn sizes_are_shown_with_one_decimal() {
        let shown = [0, 1023, 1024, 123_456, 1_048_525, 1 << 30, u64::MAX].map(format_bytes);
        assert_eq!(
            shown,
            ["0B", "1023B", "1.0KiB", "120.6KiB", "1.0MiB", "1.0GiB", "16384.0PiB"]
        );
    }
}

//! Times and durations as flags, parameters and JSON have them.

use std::time::{SystemTime, UNIX_EPOCH};

use quorate_client::json::UNITS;
pub(crate) use quorate_client::json::{is_in_calendar, show, show_span};
use quorate_client::{Span, Timestamp};

/// No duration that anybody means is longer: 100 years, in milliseconds.
const SPAN_MAX_MS: u64 = 36_525 * 86_400_000;

/// Reads a duration: `250ms`, `5s`, `15m`, `24h`, `30d`.
pub(crate) fn parse_span(text: &str) -> Result<Span, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit_ms = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, ms)| *ms);
    match (number.parse::<u64>(), unit_ms) {
        (Ok(0), Some(_)) => Err("a duration is longer than nothing".to_owned()),
        (Ok(number), Some(unit_ms)) => match number.checked_mul(unit_ms) {
            Some(ms) if ms <= SPAN_MAX_MS => Ok(Span(ms)),
            _ => Err("a duration is at most 100 years: 36525d".to_owned()),
        },
        _ => Err("a duration is a number with its unit: 250ms, 5s, 15m, 24h or 30d".to_owned()),
    }
}

/// Reads a time: RFC 3339, or a duration before now.
pub(crate) fn parse_moment(text: &str) -> Result<Timestamp, String> {
    parse_moment_at(text, now())
}

fn parse_moment_at(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(span) = parse_span(text) {
        return Ok(Timestamp(now.0.saturating_sub(span.0)));
    }
    let at: jiff::Timestamp = text
        .parse()
        .map_err(|_| "a time is RFC 3339 (2026-11-22T08:00:00Z) or a duration ago (24h)".to_owned())?;
    match u64::try_from(at.as_millisecond()) {
        Ok(ms) => Ok(Timestamp(ms)),
        Err(_) => Err("nothing was posted before 1970".to_owned()),
    }
}

/// For people: to the second, without the letters.
pub(crate) fn show_short(at: Timestamp) -> String {
    let at = show(at);
    at.get(..19).unwrap_or(&at).replace('T', " ")
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_milliseconds_and_a_z() {
        assert_eq!(show(Timestamp(1_795_305_600_000)), "2026-11-22T00:00:00.000Z");
        assert_eq!(show(Timestamp(1_795_305_600_007)), "2026-11-22T00:00:00.007Z");
        assert_eq!(show_short(Timestamp(1_795_305_600_007)), "2026-11-22 00:00:00");
    }

    #[test]
    fn what_no_calendar_holds_has_no_date() {
        let last = Timestamp(253_402_207_200_000);
        assert_eq!(
            (is_in_calendar(last), show(last).as_str()),
            (true, "9999-12-30T22:00:00.000Z")
        );
        assert!(!is_in_calendar(Timestamp(last.0 + 1000 * 86_400)));
        assert!(!is_in_calendar(Timestamp(u64::MAX)));
    }

    #[test]
    fn a_duration_is_read_and_written_in_the_same_words() {
        for (text, ms) in [
            ("250ms", 250),
            ("5s", 5_000),
            ("15m", 900_000),
            ("25h", 90_000_000),
            ("30d", 2_592_000_000),
        ] {
            assert_eq!(parse_span(text), Ok(Span(ms)), "{text}");
            assert_eq!(show_span(Span(ms)), text);
        }
        assert_eq!(show_span(parse_span("24h").unwrap()), "1d");
        assert_eq!(show_span(parse_span("36525d").unwrap()), "36525d");
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "5",
            "h",
            "-5s",
            "1.5h",
            "5 s",
            "5y",
            "0s",
            "0",
            "99999999999999999999s",
            "18446744073709551615d",
            "36526d",
            "99999999d",
        ] {
            assert!(parse_span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_is_rfc_3339_or_a_duration_ago() {
        let now = Timestamp(1_795_305_600_000);
        let at = |text| parse_moment_at(text, now);
        assert_eq!(at("2026-11-22T00:00:00Z"), Ok(now));
        assert_eq!(at("2026-11-22T01:00:00+01:00"), Ok(now));
        assert_eq!(at("1h"), Ok(Timestamp(now.0 - 3_600_000)));
        for text in ["yesterday", "2026-13-01T00:00:00Z", "1969-01-01T00:00:00Z", "", "12:00"] {
            assert!(at(text).is_err(), "{text}");
        }
    }
}

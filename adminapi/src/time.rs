//! Times in JSON: RFC 3339, UTC, with milliseconds.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A moment, to the millisecond; written as `2026-11-22T17:35:22.000Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UtcTime(Timestamp);

/// A text that is no RFC 3339 time, or a time out of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time is written as in RFC 3339, like 2026-11-22T17:35:22.000Z")]
pub struct UtcTimeError;

impl UtcTime {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(Timestamp::UNIX_EPOCH);

    /// From milliseconds since 1970-01-01T00:00:00Z. Times past the year 9999 are taken as its end.
    #[must_use]
    pub fn from_unix_ms(unix_ms: u64) -> Self {
        let ms = i64::try_from(unix_ms).ok();
        Self(
            ms.and_then(|ms| Timestamp::from_millisecond(ms).ok())
                .unwrap_or(Timestamp::MAX),
        )
    }

    /// Milliseconds since 1970-01-01T00:00:00Z; 0 for times before it.
    #[must_use]
    pub fn unix_ms(self) -> u64 {
        u64::try_from(self.0.as_millisecond()).unwrap_or(0)
    }

    /// How long it is until this time from another; `None` if it is not later.
    #[must_use]
    pub fn after(self, earlier: Self) -> Option<Duration> {
        self.unix_ms()
            .checked_sub(earlier.unix_ms())
            .filter(|ms| *ms > 0)
            .map(Duration::from_millis)
    }
}

impl From<SystemTime> for UtcTime {
    fn from(time: SystemTime) -> Self {
        let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self::from_unix_ms(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }
}

impl FromStr for UtcTime {
    type Err = UtcTimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| UtcTimeError)
    }
}

impl TryFrom<String> for UtcTime {
    type Error = UtcTimeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<UtcTime> for String {
    fn from(time: UtcTime) -> Self {
        time.to_string()
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl fmt::Debug for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UtcTime({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_utc_with_three_decimals() {
        assert_eq!(UtcTime::from_unix_ms(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            UtcTime::from_unix_ms(1_795_368_922_007).to_string(),
            "2026-11-22T17:35:22.007Z"
        );
        assert_eq!(
            "2026-11-22T18:35:22.007+01:00".parse(),
            Ok(UtcTime::from_unix_ms(1_795_368_922_007))
        );
    }

    #[test]
    fn a_time_beyond_the_calendar_is_its_end() {
        assert!(UtcTime::from_unix_ms(u64::MAX).to_string().starts_with("9999-12-"));
    }
}

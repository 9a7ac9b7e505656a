//! Points in time.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A point in time: microseconds since 1970-01-01T00:00:00Z, from year -9999 to 9999.
///
/// Text is RFC 3339 in UTC (`2026-03-01T12:00:00Z`); stored as an integer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Timestamp(i64);

/// A time outside years -9999 to 9999, or a text that is no time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{found:?} is no point in time between the years -9999 and 9999, expected RFC 3339 such as 2026-03-01T12:00:00Z"
)]
pub struct InvalidTimestamp {
    /// What was given.
    pub found: String,
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The time of the system's clock.
    #[must_use]
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_microsecond())
    }

    /// The time `micros` microseconds after the epoch.
    ///
    /// # Errors
    /// [`InvalidTimestamp`] outside years -9999 to 9999.
    pub fn from_micros(micros: i64) -> Result<Self, InvalidTimestamp> {
        if (jiff::Timestamp::MIN.as_microsecond()..=jiff::Timestamp::MAX.as_microsecond()).contains(&micros) {
            return Ok(Self(micros));
        }
        Err(InvalidTimestamp { found: micros.to_string() })
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The time `duration` later, held within the range that a timestamp can express.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros).min(jiff::Timestamp::MAX.as_microsecond()))
    }

    /// The time `duration` earlier, held within the range that a timestamp can express.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(micros).max(jiff::Timestamp::MIN.as_microsecond()))
    }
}

impl TryFrom<i64> for Timestamp {
    type Error = InvalidTimestamp;
    fn try_from(micros: i64) -> Result<Self, Self::Error> {
        Self::from_micros(micros)
    }
}

impl From<Timestamp> for i64 {
    fn from(time: Timestamp) -> Self {
        time.0
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<jiff::Timestamp>() {
            Ok(time) => Ok(Self(time.as_microsecond())),
            Err(_) => Err(InvalidTimestamp { found: text.to_owned() }),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => fmt::Display::fmt(&time, f),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_to_the_microsecond() {
        let time: Timestamp = "2026-03-01T12:00:00.123456Z".parse().unwrap();
        assert_eq!(time.to_string().parse(), Ok(time));
        assert!("yesterday".parse::<Timestamp>().is_err());
        assert!(Timestamp::from_micros(i64::MAX).is_err());
    }

    #[test]
    fn times_end_at_the_years_that_can_be_written() {
        let day = Duration::from_secs(24 * 60 * 60);
        assert_eq!(Timestamp::EPOCH.saturating_sub(day).saturating_add(day), Timestamp::EPOCH);
        let (first, last) =
            (Timestamp::EPOCH.saturating_sub(Duration::MAX), Timestamp::EPOCH.saturating_add(Duration::MAX));
        for end in [first, last] {
            assert_eq!(Timestamp::from_micros(end.as_micros()), Ok(end));
        }
        assert_eq!((first.saturating_sub(day), last.saturating_add(day)), (first, last));
    }
}

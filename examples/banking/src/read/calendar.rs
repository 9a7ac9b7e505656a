//! Days and months by which rows are found.

use std::fmt;

use annals::prelude::*;
use jiff::{civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A day, in the bank's time zone, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Shape, RowKey)]
pub struct Day {
    year: i16,
    month: i8,
    day: i8,
}

/// A month, in the bank's time zone, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Shape, RowKey)]
pub struct Month {
    year: i16,
    month: i8,
}

impl Day {
    /// The day on which `time` is.
    ///
    /// # Errors
    /// When it is beyond the calendar, which ends with the year 9999.
    pub fn of(time: Timestamp) -> Result<Self, jiff::Error> {
        let date = date(time)?;
        Ok(Self { year: date.year(), month: date.month(), day: date.day() })
    }
}

impl Month {
    /// Behind all others.
    pub const MAX: Self = Self { year: i16::MAX, month: i8::MAX };

    /// The month in which `time` is.
    ///
    /// # Errors
    /// When it is beyond the calendar, which ends with the year 9999.
    pub fn of(time: Timestamp) -> Result<Self, jiff::Error> {
        let date = date(time)?;
        Ok(Self { year: date.year(), month: date.month() })
    }
}

fn date(time: Timestamp) -> Result<civil::Date, jiff::Error> {
    Ok(TimeZone::UTC.to_datetime(jiff::Timestamp::from_microsecond(time.as_micros())?).date())
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use annals::KeyBytes;

    use super::*;

    #[test]
    fn a_day_ends_at_midnight_and_keys_are_in_the_order_of_time() {
        let times =
            ["1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "1970-01-31T00:00:00Z", "1970-02-01T00:00:00Z"];
        let days = times.map(|time| Day::of(time.parse().unwrap()).unwrap());
        assert_eq!(days.map(|day| day.to_string()), ["1969-12-31", "1970-01-01", "1970-01-31", "1970-02-01"]);
        assert!(days.map(|day| KeyBytes::of(&day)).is_sorted());
        let months = times.map(|time| Month::of(time.parse().unwrap()).unwrap());
        assert_eq!(months.map(|month| month.to_string()), ["1969-12", "1970-01", "1970-01", "1970-02"]);
        assert!(months.map(|month| KeyBytes::of(&month)).is_sorted());
        assert!(months.iter().all(|month| KeyBytes::of(month) < KeyBytes::of(&Month::MAX)));
    }
}

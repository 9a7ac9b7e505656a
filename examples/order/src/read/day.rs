//! Days.

use std::fmt;

use annals::prelude::*;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A day in UTC, such as 2026-01-31.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, RowKey)]
#[serde(transparent)]
pub struct Day(String);

impl Day {
    /// The day on which a time lies.
    ///
    /// # Errors
    /// When the time is beyond what a calendar knows.
    pub fn of(time: Timestamp) -> Result<Self, jiff::Error> {
        let time = jiff::Timestamp::from_microsecond(time.as_micros())?;
        Ok(Self(time.to_zoned(TimeZone::UTC).date().to_string()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

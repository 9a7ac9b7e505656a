//! The stored name of an event and the version of its shape.

use std::{fmt, num::NonZeroU32};

use serde::{Deserialize, Serialize};

use crate::text::{self, text_type};

text_type! {
    /// The stored name of a kind of event: `account.deposited`. It outlives the code that wrote it.
    ///
    /// 1 to 255 bytes of UTF-8 without control characters, not beginning with `$`.
    EventType, "event type", text::check_unreserved, &[]
}

/// The version of the shape of an event's payload, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SchemaVersion(NonZeroU32);

impl SchemaVersion {
    /// Version 1.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// The version `number`, or `None` for 0.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The plain number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

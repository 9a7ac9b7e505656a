//! Versions, positions and commit numbers.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// No number of a store exceeds this: it is the largest that every backend can hold (a `bigint` of PostgreSQL).
pub const NUMBER_MAX: u64 = i64::MAX as u64;

/// A number that a store cannot hold: larger than `i64::MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{what} {found} is larger than {NUMBER_MAX}")]
pub struct NumberTooLarge {
    /// `version`, `position` or `commit number`.
    pub what: &'static str,
    /// The number that was given.
    pub found: u64,
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(try_from = "u64", into = "u64")]
        pub struct $name(u64);

        impl $name {
            /// Zero: before the first.
            pub const ZERO: Self = Self(0);
            /// The first.
            pub const FIRST: Self = Self(1);
            /// The largest that any store can hold.
            pub const MAX: Self = Self(NUMBER_MAX);

            #[doc = concat!("The ", $what, " `number`.\n\n# Errors\n[`NumberTooLarge`] above `i64::MAX`.")]
            pub const fn new(number: u64) -> Result<Self, NumberTooLarge> {
                if number > NUMBER_MAX {
                    return Err(NumberTooLarge { what: $what, found: number });
                }
                Ok(Self(number))
            }

            /// The plain number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The one that comes `count` later, or `None` above [`Self::MAX`].
            #[must_use]
            pub const fn checked_add(self, count: u64) -> Option<Self> {
                match self.0.checked_add(count) {
                    Some(number) if number <= NUMBER_MAX => Some(Self(number)),
                    _ => None,
                }
            }

            /// The next one; stays at [`Self::MAX`].
            #[must_use]
            pub const fn next(self) -> Self {
                match self.checked_add(1) {
                    Some(next) => next,
                    None => Self::MAX,
                }
            }

            /// The one before; stays at zero.
            #[must_use]
            pub const fn previous(self) -> Self {
                Self(self.0.saturating_sub(1))
            }

            /// Whether it is zero.
            #[must_use]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }
        }

        impl TryFrom<u64> for $name {
            type Error = NumberTooLarge;
            fn try_from(number: u64) -> Result<Self, Self::Error> {
                Self::new(number)
            }
        }

        impl From<$name> for u64 {
            fn from(number: $name) -> Self {
                number.0
            }
        }

        impl From<u32> for $name {
            fn from(number: u32) -> Self {
                Self(u64::from(number))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

number! {
    /// How many events a stream holds, which is also the number of its latest event: the first event of a stream is
    /// version 1, an empty stream is at version 0.
    Version, "version"
}

number! {
    /// The place of a record in the log: dense, 1, 2, 3 ..., assigned inside the commit. Zero is before the first.
    Position, "position"
}

number! {
    /// The number of a commit: dense, 1, 2, 3 ..., also for commits without events. Zero is before the first.
    CommitNumber, "commit number"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_at_i64_max() {
        assert_eq!(Version::new(NUMBER_MAX), Ok(Version::MAX));
        assert_eq!(Position::new(u64::MAX), Err(NumberTooLarge { what: "position", found: u64::MAX }));
        assert_eq!(Version::MAX.checked_add(1), None);
        assert_eq!(Version::MAX.next(), Version::MAX);
        assert_eq!(CommitNumber::ZERO.previous(), CommitNumber::ZERO);
    }
}

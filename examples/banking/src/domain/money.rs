//! Amounts of money.

use std::{fmt, iter::Sum, ops, str::FromStr};

use annals::prelude::*;
use serde::{Deserialize, Serialize};

/// The largest amount of one transaction, in minor units: far from the end of the range, so that no sum of a bank's
/// accounts overflows.
const AMOUNT_MINOR_MAX: i64 = 10_000_000_000_000;

/// An amount of money in whole minor units (cents, haléř): it adds up exactly, as floating point numbers do not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, Shape, RowKey)]
#[serde(transparent)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The amount of `minor` units.
    #[must_use]
    pub const fn from_minor(minor: i64) -> Self {
        Self(minor)
    }

    /// In minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.0
    }

    /// Without its sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// Whether it is an amount that a transaction can be about: more than nothing and at most 100 billion.
    #[must_use]
    pub const fn is_amount(self) -> bool {
        self.0 > 0 && self.0 <= AMOUNT_MINOR_MAX
    }
}

impl ops::Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl ops::Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl ops::Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl ops::AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl ops::SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, ops::Add::add)
    }
}

/// A text that is no amount of money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidMoney {
    /// The text.
    pub found: String,
}

impl fmt::Display for InvalidMoney {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no amount of money such as 1100.00", self.found)
    }
}

impl std::error::Error for InvalidMoney {}

impl FromStr for Money {
    type Err = InvalidMoney;

    /// Reads `1100`, `1100.5`, `-0.10`: digits, at most two of them behind the point.
    fn from_str(text: &str) -> Result<Self, InvalidMoney> {
        let invalid = || InvalidMoney { found: text.to_owned() };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, cents) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        if whole.is_empty() || whole.len() > 14 || !(1..=2).contains(&cents.len()) || !digits(whole) || !digits(cents) {
            return Err(invalid());
        }
        let minor: i64 = format!("{whole}{cents:0<2}").parse().map_err(|_| invalid())?;
        Ok(Self(if unsigned.len() == text.len() { minor } else { -minor }))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minor = self.0.unsigned_abs();
        let whole = (minor / 100).to_string();
        let mut text = String::new();
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        text.push_str(&format!(".{:02}", minor % 100));
        f.pad_integral(self.0 >= 0, "", &text)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Money({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_to_the_minor_unit() {
        for (text, minor) in [("1100.00", 110_000), ("0.1", 10), ("-0.10", -10), ("7", 700), ("12.34", 1234)] {
            assert_eq!(text.parse(), Ok(Money::from_minor(minor)), "{text}");
        }
        for text in ["", "-", ".5", "1.", "1.234", "1,5", "1e3", "+1", "--1", "999999999999999"] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_are_written_with_thousands_and_two_digits() {
        for (minor, text) in [(0, "0.00"), (-5, "-0.05"), (123_456_789, "1,234,567.89"), (100_000, "1,000.00")] {
            assert_eq!(Money::from_minor(minor).to_string(), text);
        }
    }
}

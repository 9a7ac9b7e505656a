//! Amounts on invoices.

use std::{fmt, iter::Sum, ops, str::FromStr};

use annals::prelude::*;
use serde::{Deserialize, Serialize};

/// An amount on an invoice, in thousandths: prices of goods that are sold by the hundred have three digits behind the point, and
/// their sums are to be exact. This shop's own [`Money`](crate::domain::Money) has whole cents.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, Shape)]
#[serde(transparent)]
pub struct Amount(i64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The amount of so many thousandths.
    #[must_use]
    pub const fn of_thousandths(thousandths: i64) -> Self {
        Self(thousandths)
    }

    /// In thousandths.
    #[must_use]
    pub const fn thousandths(self) -> i64 {
        self.0
    }

    /// So many times.
    #[must_use]
    pub const fn times(self, count: i64) -> Self {
        Self(self.0.saturating_mul(count))
    }
}

impl ops::Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl ops::AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl ops::Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl ops::Neg for Amount {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, ops::Add::add)
    }
}

/// A text that is no amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidAmount {
    /// The text.
    pub found: String,
}

impl fmt::Display for InvalidAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no amount such as 2.55, with at most three digits behind the point", self.found)
    }
}

impl std::error::Error for InvalidAmount {}

impl FromStr for Amount {
    type Err = InvalidAmount;

    /// Reads `2`, `2.5`, `-0.125`: digits, at most three of them behind the point.
    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        let invalid = || InvalidAmount { found: text.to_owned() };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, behind) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let is_amount = (1..=12).contains(&whole.len()) && (1..=3).contains(&behind.len());
        if !is_amount || !digits(whole) || !digits(behind) {
            return Err(invalid());
        }
        let thousandths: i64 = format!("{whole}{behind:0<3}").parse().map_err(|_| invalid())?;
        Ok(Self(if unsigned.len() == text.len() { thousandths } else { -thousandths }))
    }
}

impl fmt::Display for Amount {
    /// With thousands, and a third digit behind the point only where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thousandths = self.0.unsigned_abs();
        let mut text = grouped((thousandths / 1000).into());
        text.push_str(&match thousandths % 1000 {
            behind if behind % 10 == 0 => format!(".{:02}", behind / 10),
            behind => format!(".{behind:03}"),
        });
        f.pad_integral(self.0 >= 0, "", &text)
    }
}

/// A whole number with thousands.
pub(crate) fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_to_the_thousandth_and_nothing_else_is_an_amount() {
        for (text, thousandths) in [("2.55", 2550), ("0.1", 100), ("-11062.06", -11_062_060), ("7", 7000), ("0.007", 7)]
        {
            assert_eq!(text.parse(), Ok(Amount::of_thousandths(thousandths)), "{text}");
        }
        for text in ["", "-", ".5", "1.", "1.2345", "1,5", "1e3", "+1", "--1", "9999999999999", "NaN"] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_amount_is_shown_with_the_digits_that_it_needs() {
        let shown =
            [0, 7, -50, 2550, 9_747_747_934, -1_000_000].map(|amount| Amount::of_thousandths(amount).to_string());
        assert_eq!(shown, ["0.00", "0.007", "-0.05", "2.55", "9,747,747.934", "-1,000.00"]);
    }
}

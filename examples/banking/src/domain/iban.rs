//! International bank account numbers.

use std::{fmt, str::FromStr};

use annals::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// This bank within its country.
const BANK: &str = "50010517";

/// An international bank account number (ISO 13616) in its electronic form: `DE89370400440532013000`, without spaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Shape)]
#[serde(try_from = "String", into = "String")]
pub struct Iban(String);

/// A text that is no IBAN.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{found}` is no IBAN: {problem}")]
pub struct InvalidIban {
    /// The text.
    pub found: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Iban {
    /// The IBAN of this bank's account with a number of up to ten digits; `None` when it has more.
    #[must_use]
    pub fn of_number(number: u64) -> Option<Self> {
        // The check digits are those of 02 to 98 that make it valid; there is exactly one such pair.
        (2..=98).find_map(|check| format!("DE{check:02}{BANK}{number:010}").parse().ok())
    }

    /// Its text, without spaces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Iban {
    type Err = InvalidIban;
    fn from_str(text: &str) -> Result<Self, InvalidIban> {
        let invalid = |problem: &dyn fmt::Display| InvalidIban { found: text.to_owned(), problem: problem.to_string() };
        let iban: iban::Iban = text.parse().map_err(|problem| invalid(&problem))?;
        Ok(Self(iban::IbanLike::electronic_str(&iban).to_owned()))
    }
}

impl TryFrom<String> for Iban {
    type Error = InvalidIban;
    fn try_from(text: String) -> Result<Self, InvalidIban> {
        text.parse()
    }
}

impl From<Iban> for String {
    fn from(iban: Iban) -> Self {
        iban.0
    }
}

impl fmt::Display for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_and_length_are_checked() {
        for text in ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"] {
            assert_eq!(text.parse::<Iban>().unwrap().as_str(), text.replace(' ', ""));
        }
        for text in ["", "DE88370400440532013000", "DE8937040044053201300", "A-0001", "XX00"] {
            assert_eq!(text.parse::<Iban>().unwrap_err().found, text);
        }
    }

    #[test]
    fn every_number_of_ten_digits_has_one() {
        assert_eq!(Iban::of_number(1).unwrap().as_str().len(), 22);
        assert_ne!(Iban::of_number(1), Iban::of_number(2));
        assert!(Iban::of_number(9_999_999_999).is_some());
        assert_eq!(Iban::of_number(10_000_000_000), None);
    }
}

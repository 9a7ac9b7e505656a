//! Names of projections, tables and indexes.

use thiserror::Error;

/// The most bytes of a name.
const NAME_BYTES_MAX: usize = 64;

/// A name of a projection, a table or an index that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{what} {name:?} is no name: 1 to {NAME_BYTES_MAX} lower-case letters, digits, `_` and `-`, beginning with a letter"
)]
pub struct InvalidName {
    /// `projection`, `table` or `index`.
    pub what: &'static str,
    /// The name.
    pub name: String,
}

/// Checks a name. What separates names from each other in the store is in none of them.
pub(crate) fn check(what: &'static str, name: &str) -> Result<(), InvalidName> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if begins && name.len() <= NAME_BYTES_MAX && name.bytes().all(is_part) {
        return Ok(());
    }
    Err(InvalidName { what, name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_no_separator() {
        for name in ["balances", "a", "daily_turnover-2"] {
            assert_eq!(check("table", name), Ok(()));
        }
        for name in ["", "Balances", "a:b", "a/b", "2nd", "$x", "a b", &"a".repeat(65)] {
            assert!(check("table", name).is_err(), "{name:?}");
        }
    }
}

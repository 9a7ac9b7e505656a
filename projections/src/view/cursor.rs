//! Where the next page begins, as a text that can be handed out.

use std::{fmt, str::FromStr};

use annals_core::{Direction, ROW_KEY_BYTES_MAX};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::name;

/// Behind which row a page begins. Its text, which [`FromStr`] reads back, has only letters, digits, `.`, `_` and `-`, so
/// that it can stand in an address.
///
/// It stays good whatever becomes of rows: the next page begins behind that place, though the row is deleted and others come
/// on both sides of it. It never leads out of the range of a query, and holds no more than the row's key and index value, which
/// whoever has it can read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor {
    pub(super) order: Order,
    /// The key of the row, or of its entry in the index.
    pub(super) key: Bytes,
}

/// The order of pages.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Order {
    pub(super) table: String,
    pub(super) index: Option<String>,
    pub(super) is_backward: bool,
}

/// A text that is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is no cursor")]
pub struct InvalidCursor {
    /// The text, or its beginning.
    pub text: String,
}

/// So much of a text that is no cursor is kept.
const TEXT_CHARS_MAX: usize = 64;

impl Order {
    pub(super) fn new(table: &str, index: Option<&str>, direction: Direction) -> Self {
        let is_backward = direction == Direction::Backward;
        Self { table: table.to_owned(), index: index.map(str::to_owned), is_backward }
    }

    /// Reads the first three parts of a cursor.
    fn parse(direction: &str, table: &str, index: &str) -> Option<Self> {
        let is_backward = match direction {
            "f" => false,
            "b" => true,
            _ => return None,
        };
        name::check("table", table).ok()?;
        let index = (index != NO_INDEX).then_some(index);
        index.map_or(Ok(()), |index| name::check("index", index)).ok()?;
        Some(Self { table: table.to_owned(), index: index.map(str::to_owned), is_backward })
    }
}

/// Stands where there is no name of an index: names begin with a letter.
const NO_INDEX: &str = "-";

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {}", self.table)?;
        if let Some(index) = &self.index {
            write!(f, " by {index}")?;
        }
        f.write_str(if self.is_backward { ", backward" } else { ", forward" })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Order { table, index, is_backward } = &self.order;
        let direction = if *is_backward { 'b' } else { 'f' };
        write!(f, "{direction}.{table}.{}.", index.as_deref().unwrap_or(NO_INDEX))?;
        self.key.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let parse = || {
            let mut parts = text.splitn(4, '.');
            let order = Order::parse(parts.next()?, parts.next()?, parts.next()?)?;
            Some(Self { order, key: key(parts.next()?)? })
        };
        parse().ok_or_else(|| InvalidCursor { text: text.chars().take(TEXT_CHARS_MAX).collect() })
    }
}

/// A key from two digits a byte.
fn key(digits: &str) -> Option<Bytes> {
    let digit = |digit: &u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let is_whole = rest.is_empty() && pairs.len() <= ROW_KEY_BYTES_MAX;
    let byte = |[high, low]: &[u8; 2]| Some(digit(high)? << 4 | digit(low)?);
    is_whole.then(|| pairs.iter().map(byte).collect()).flatten()
}

impl TryFrom<String> for Cursor {
    type Error = InvalidCursor;

    fn try_from(text: String) -> Result<Self, InvalidCursor> {
        text.parse()
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cursor(index: Option<&str>, is_backward: bool, key: &[u8]) -> Cursor {
        let direction = if is_backward { Direction::Backward } else { Direction::Forward };
        Cursor { order: Order::new("balances", index, direction), key: Bytes::copy_from_slice(key) }
    }

    #[test]
    fn a_cursor_is_a_text_for_addresses() {
        assert_eq!(cursor(None, false, b"ada\0").to_string(), "f.balances.-.61646100");
        assert_eq!(cursor(Some("by-day_2"), true, b"").to_string(), "b.balances.by-day_2.");
    }

    proptest! {
        #[test]
        fn a_cursor_is_read_back(index: bool, is_backward: bool, key: Vec<u8>) {
            let cursor = cursor(index.then_some("cents"), is_backward, &key);
            let text = cursor.to_string();
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
            prop_assert_eq!(text.parse(), Ok(cursor.clone()));
            let encoded = annals_core::codec::encode("cursor", &cursor).unwrap();
            prop_assert_eq!(annals_core::codec::decode::<Cursor>(&encoded), Ok(cursor));
        }

        #[test]
        fn no_text_is_two_cursors(text in "[fb]\\.[a-z.-]{0,6}\\.[a-g0-9A-F+]{0,6}") {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let long = format!("f.balances.-.{}", "61".repeat(ROW_KEY_BYTES_MAX + 1));
        let others =
            ["", "f", "f.balances.-", "x.balances.-.61", "f.balances.-.6", "f.balances.-.6G", "f.balances.-.+1"];
        for text in
            others.into_iter().chain(["f.Balances.-.61", "f.balances..61", "f.balances.-.61.61", &long, "ä.ö.ü.ß"])
        {
            let refused = text.parse::<Cursor>().unwrap_err();
            assert!(text.starts_with(&refused.text) && refused.text.len() <= 4 * TEXT_CHARS_MAX, "{text:?}");
        }
    }
}

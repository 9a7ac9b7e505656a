//! A case of reading what was written.

use crate::shape::Schema;

pub(super) fn schema(text: &str) -> Schema {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

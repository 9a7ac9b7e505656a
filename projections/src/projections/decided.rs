//! What an operator decided, and why.

use annals_core::{
    LoggedTable, RowWrite, Timestamp,
    codec::{self, EncodeError},
};
use bytes::Bytes;
use serde::Serialize;

/// A decision as it is recorded.
#[derive(Debug, Serialize)]
pub(super) struct Decided<'a> {
    reason: &'a str,
    at: Timestamp,
}

impl Decided<'_> {
    pub(super) fn row(table: LoggedTable, key: Bytes, reason: &str) -> Result<RowWrite, EncodeError> {
        let decided = Decided { reason, at: Timestamp::now() };
        Ok(RowWrite::put(table, key, codec::encode("decision", &decided)?))
    }
}

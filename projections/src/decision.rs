//! What operators decide, as it is recorded in the log.

use annals_core::{
    LoggedTable, Position, RowWrite, Timestamp,
    codec::{self, EncodeError, PayloadError},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// An operator's decision to pass by an event, for ever: see [`discard`](crate::ProjectionHandle::discard).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiscardedEvent {
    /// Where the event is in the log.
    pub position: Position,
    /// Why it is passed by.
    pub reason: String,
    /// When that was decided.
    pub at: Timestamp,
}

/// A decision as it is recorded.
#[derive(Debug, Serialize, Deserialize)]
pub struct Decided {
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl Decided {
    /// The row that records it.
    ///
    /// # Errors
    /// That the reason cannot be encoded.
    pub fn row(table: LoggedTable, key: Bytes, reason: &str) -> Result<RowWrite, EncodeError> {
        let decided = Self { reason: reason.to_owned(), at: Timestamp::now() };
        Ok(RowWrite::put(table, key, codec::encode("decision", &decided)?))
    }

    /// What a row records.
    ///
    /// # Errors
    /// That it records no decision.
    pub fn read(row: &[u8]) -> Result<Self, PayloadError> {
        codec::decode(row)
    }
}

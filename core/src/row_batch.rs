//! Changes of derived rows.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::{
    DerivedTable, DerivedWrite, InvalidCommit, LoggedTable, ReadError, RowIs,
    text::{self, text_type},
};

text_type! {
    /// The name of a consumer: a projection, a saga, a relay.
    ConsumerName, "consumer name", text::check_unreserved, &['/']
}

/// Which life of the derived tables is meant: they get a new generation when they were lost and begin again empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(Uuid);

impl Generation {
    /// A generation that was never there before.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::now_v7())
    }

    /// The value of the row of [`DerivedTable::GENERATION`].
    #[must_use]
    pub fn to_row(self) -> Bytes {
        Bytes::copy_from_slice(self.0.as_bytes())
    }

    /// Reads [`to_row`](Self::to_row) back. `None` when the bytes are no generation.
    #[must_use]
    pub fn from_row(row: &[u8]) -> Option<Self> {
        Uuid::from_slice(row).ok().map(Self)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The right of one runner of a consumer to write: each take-over commits a higher number to `$epochs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// The consumer.
    pub consumer: ConsumerName,
    /// The number that the runner committed when it took over.
    pub number: u64,
}

impl Epoch {
    /// The row of `$epochs` that must hold [`to_row`](Self::to_row).
    #[must_use]
    pub fn row(&self) -> (LoggedTable, Bytes) {
        (LoggedTable::EPOCHS, Bytes::copy_from_slice(self.consumer.as_str().as_bytes()))
    }

    /// The value of that row: eight big-endian bytes.
    #[must_use]
    pub fn to_row(&self) -> Bytes {
        Bytes::copy_from_slice(&self.number.to_be_bytes())
    }

    /// Checks the epoch against the row as it is in the store.
    ///
    /// # Errors
    /// [`ApplyError::Fenced`] when it is another one.
    pub fn check(&self, row: Option<&[u8]>) -> Result<(), ApplyError> {
        let actual = row.and_then(|row| row.try_into().ok()).map_or(0, u64::from_be_bytes);
        if actual == self.number {
            return Ok(());
        }
        Err(ApplyError::Fenced { consumer: self.consumer.clone(), expected: self.number, actual })
    }
}

/// Derived rows that change at once, and what must hold for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowBatch {
    /// The generation that the batch was computed for; `None` only for rows that are right in every generation, such
    /// as snapshots.
    pub generation: Option<Generation>,
    /// The epoch of the consumer that writes.
    pub epoch: Option<Epoch>,
    /// Rows that must be as expected.
    pub conditions: Vec<DerivedCondition>,
    /// Rows to write, in this order.
    pub rows: Vec<DerivedWrite>,
}

/// A derived row that must be as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivedCondition {
    /// The table.
    pub table: DerivedTable,
    /// The row's key.
    pub key: Bytes,
    /// What the row is expected to be.
    pub is: RowIs,
}

/// Why a batch was not applied. Nothing of it was.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The derived tables were lost since the batch was computed. Begin again from zero.
    #[error("the derived tables are of generation {actual}, the batch was computed for {expected}")]
    GenerationLost {
        /// The generation of the batch.
        expected: Generation,
        /// The store's generation.
        actual: Generation,
    },
    /// Another runner has taken over. Stop.
    #[error("consumer {consumer} is at epoch {actual}, the batch was written by epoch {expected}")]
    Fenced {
        /// The consumer.
        consumer: ConsumerName,
        /// The epoch of the batch.
        expected: u64,
        /// The epoch in the store; 0 if there is none.
        actual: u64,
    },
    /// Rows are not as expected. Read again, compute again.
    #[error("{} of the batch's conditions do not hold", .failed.len())]
    Conflict {
        /// Every condition that failed.
        failed: Vec<DerivedCondition>,
    },
    /// The batch breaks a limit or a rule. Correct it.
    #[error(transparent)]
    Invalid(#[from] InvalidCommit),
    /// The tables could not be read or written.
    #[error(transparent)]
    Unavailable(#[from] ReadError),
}

//! What can go wrong with rows.

use annals_core::{
    InvalidCommit, InvalidText, ReadError,
    codec::{EncodeError, PayloadError},
};
use thiserror::Error;

/// A stored row that is not of the row's type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a stored row of table {table} {problem}, it is no {row}")]
pub struct UnreadableRow {
    /// The table.
    pub table: &'static str,
    /// The type of the row.
    pub row: &'static str,
    /// What is wrong.
    pub problem: PayloadError,
}

/// Why a row could not be read or written.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum RowsError {
    /// The projection does not say that it keeps this table. Add the row to its `tables(..)`.
    #[error("projection {projection} keeps no table of {row}")]
    NoTable {
        /// The projection.
        projection: &'static str,
        /// The type of the row.
        row: &'static str,
    },
    /// The row's key is too long. Use a shorter one, a hash for instance.
    #[error("the key of a row of table {table} has {found} bytes, {limit} are allowed")]
    KeyTooLong {
        /// The table.
        table: &'static str,
        /// Its length.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// With several lanes a row's key has to begin with the lane's key of the events at hand, and this one does not: two lanes
    /// could write it at once. Correct the key, or run the projection in one lane.
    #[error("the key of a row of table {table} does not begin with the lane's key")]
    OutsideLane {
        /// The table.
        table: &'static str,
    },
    /// With several lanes no index can be read: it leads to the rows of other lanes too, which are elsewhere in the log. Keep
    /// what is to be found in a table whose key begins with the lane's, or run the projection in one lane.
    #[error("index {index} of table {table} leads to rows of other lanes, it can be read in one lane alone")]
    IndexOfLanes {
        /// The table.
        table: &'static str,
        /// The index.
        index: &'static str,
    },
    /// The table has no index of this number. Correct the [`TableIndex`](crate::TableIndex) that was written by hand.
    #[error("the table of {row} has no index {number}")]
    NoIndex {
        /// The type of the row.
        row: &'static str,
        /// The number, from 0.
        number: usize,
    },
    /// A change of a row gave a row of another key.
    #[error("the changed row of table {table} has another key")]
    OtherKey {
        /// The table.
        table: &'static str,
    },
    /// Another row has the value already that is to be unique.
    #[error("index {index} of table {table} is unique, and another row has the value already")]
    Taken {
        /// The table.
        table: &'static str,
        /// The index.
        index: &'static str,
    },
    /// A stored row is not of the row's type. Raise the projection's version, so that the table is filled anew.
    #[error(transparent)]
    Row(#[from] UnreadableRow),
    /// What the event wrote breaks a limit of the store. Write less for one event.
    #[error(transparent)]
    Invalid(#[from] InvalidCommit),
    /// A row cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The table's name with its tenant is none.
    #[error(transparent)]
    Name(#[from] InvalidText),
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

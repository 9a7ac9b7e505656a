//! Why rows cannot be read.

use annals_core::{InvalidText, Position, ReadError};
use thiserror::Error;

use super::InvalidCursor;
use crate::UnreadableRow;

/// Why rows of a read model could not be read.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ViewError {
    /// No projection keeps a table of these rows. Register the one that does.
    #[error("no projection that is registered keeps a table of {row}")]
    NotRegistered {
        /// The type of the row.
        row: &'static str,
    },
    /// The rows are being filled from the log, and not complete yet. Try again later; `position` says how far it has come.
    #[error(
        "the rows of projection {projection} are being filled: it is at position {position}, up to date at {target}"
    )]
    Rebuilding {
        /// The projection.
        projection: &'static str,
        /// Up to where the log has been taken in.
        position: Position,
        /// Where the log ends.
        target: Position,
    },
    /// The table has no index of this number. Correct the [`TableIndex`](crate::TableIndex) that was written by hand.
    #[error("the table of {row} has no index {number}")]
    NoIndex {
        /// The type of the row.
        row: &'static str,
        /// The number, from 0.
        number: usize,
    },
    /// A text that is to be a cursor is none. Begin with the first page.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// The cursor is of pages of another table, by another index or in the other direction. Ask as for the page before.
    #[error("the cursor is of {found}, the pages are of {expected}")]
    NotOfThisTable {
        /// What the cursor is of.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// A stored row is not of the row's type. Raise the projection's version, so that the table is filled anew.
    #[error(transparent)]
    Row(#[from] UnreadableRow),
    /// The table's name with its tenant is none.
    #[error(transparent)]
    Name(#[from] InvalidText),
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

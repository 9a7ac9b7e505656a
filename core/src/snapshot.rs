//! Folded states kept beside the log, so that long streams need not be folded from the start.
//!
//! Snapshots are derived rows: they can be lost, damaged or of another version of the code, and then the stream is
//! folded from zero. Invariant: a state that comes from a snapshot equals the fold from zero.

mod keeper;
mod row;

use std::num::NonZeroU64;

use thiserror::Error;

use crate::{ApplyError, LoadError, codec::EncodeError};

pub(crate) use keeper::{Found, Keeper};
pub(crate) use row::{Kept, SnapshotRow};

/// When an aggregate's snapshot is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotPolicy {
    /// When at least this many events came since the last one.
    Every(NonZeroU64),
    /// Only when asked for.
    Explicit,
}

/// What became of snapshots since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SnapshotCounts {
    /// Written.
    pub taken: u64,
    /// Found and used.
    pub used: u64,
    /// Found and ignored: damaged, of another version of the code, or of events that the stream does not hold.
    pub unusable: u64,
    /// Not taken because too many were under way; the next command to the aggregate tries again.
    pub dropped: u64,
    /// Not taken because the state could not be encoded or the row not be written.
    pub failed: u64,
}

/// Why a snapshot that was asked for was not taken. The aggregate is as before.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The aggregate says nothing of snapshots. Declare `snapshot(..)`.
    #[error("aggregate {aggregate} keeps no snapshots")]
    NotKept {
        /// The aggregate.
        aggregate: &'static str,
    },
    /// The state to be written could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The state could not be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The row could not be written; the error says what to do.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

#[cfg(test)]
mod tests;

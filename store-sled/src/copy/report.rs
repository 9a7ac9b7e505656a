//! What a copy has done.

use std::time::Duration;

use annals_core::{CommitNumber, Position, TransformCounts};

use crate::LogReader;

/// How far a copy or a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyProgress {
    /// The commit of the source that was read last.
    pub commit: CommitNumber,
    /// The position of the source that was read last.
    pub position: Position,
    /// How many bytes of the source's log were read.
    pub bytes: u64,
    /// How many it had when it was begun, zeros at its end included.
    pub of_bytes: u64,
}

impl CopyProgress {
    pub(super) fn of(reader: &LogReader, of_bytes: u64) -> Self {
        let head = reader.head();
        Self { commit: head.commit, position: head.position, bytes: reader.bytes(), of_bytes }
    }
}

/// What a copy has done, from its beginning on, however often it was taken up again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyReport {
    /// What the transformation has done.
    pub counts: TransformCounts,
    /// How many streams hold events in the new store.
    pub streams_written: u64,
    /// The last commit of the source that was copied.
    pub through: CommitNumber,
    /// The last commit of the new store.
    pub commit: CommitNumber,
    /// The last position of the new store.
    pub position: Position,
    /// How many bytes the log of the source has up to there.
    pub log_bytes_read: u64,
    /// How many bytes the log of the new store has.
    pub log_bytes_written: u64,
    /// The commit of the source behind which an earlier run was taken up, if this one was not the first.
    pub resumed_behind: Option<CommitNumber>,
    /// How long this run took.
    pub took: Duration,
}

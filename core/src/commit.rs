//! The atomic unit of change, and what it returns.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    CommitNumber, Condition, Digest, Failure, IdempotencyKey, InvalidCommit, NewEvent, Once, Position, RowWrite,
    StreamId, Timestamp, Version,
};

/// Everything that is to change at once, and what must hold for it.
///
/// A commit with neither events, rows nor a key writes nothing: its conditions are checked, and its receipt names the
/// latest commit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Commit {
    /// What must hold. All are checked; all that fail are reported.
    pub conditions: Vec<Condition>,
    /// Events to append, in this order; they may belong to several streams.
    pub events: Vec<NewEvent>,
    /// Rows of logged tables to write, in this order.
    pub rows: Vec<RowWrite>,
    /// Makes the commit take effect once, however often it is sent.
    pub once: Option<Once>,
}

impl Commit {
    /// An empty commit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A commit that appends `events`.
    #[must_use]
    pub fn of(events: impl IntoIterator<Item = NewEvent>) -> Self {
        Self { events: events.into_iter().collect(), ..Self::default() }
    }

    /// The same commit under one more condition.
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// The same commit with one more row.
    #[must_use]
    pub fn row(mut self, row: RowWrite) -> Self {
        self.rows.push(row);
        self
    }

    /// The same commit, taking effect once.
    #[must_use]
    pub fn once(mut self, once: Once) -> Self {
        self.once = Some(once);
        self
    }

    /// Whether there is nothing to write: neither events, rows nor a key.
    #[must_use]
    pub fn writes_nothing(&self) -> bool {
        self.events.is_empty() && self.rows.is_empty() && self.once.is_none()
    }
}

/// What a commit returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The number of the commit; of the latest one when nothing was written.
    pub commit: CommitNumber,
    /// The first and the last position that it gave out, if it carried events.
    pub positions: Option<(Position, Position)>,
    /// The version of each stream that it appended to, behind it, in the order of first appearance.
    pub versions: Vec<(StreamId, Version)>,
    /// When the committer took it; when nothing was written, when it took the latest commit.
    pub recorded: Timestamp,
    /// The answer of its [`Once`], else empty.
    pub answer: Bytes,
    /// Whether an earlier commit with the same key had done it already, so that this one wrote nothing.
    pub repeated: bool,
}

impl Receipt {
    /// The version of `stream` behind the commit, if the commit appended to it.
    #[must_use]
    pub fn version_of(&self, stream: &StreamId) -> Option<Version> {
        self.versions.iter().find(|(id, _)| id == stream).map(|(_, version)| *version)
    }
}

/// Why a commit was not written, or may not have been.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Conditions did not hold; nothing was written. Read again, decide again, commit again.
    #[error("{}", list(.failures))]
    Conflict {
        /// Every condition that failed, in the order of the commit.
        failures: Vec<Failure>,
    },
    /// Streams that it appends to are closed; nothing was written, and repeating it is pointless.
    #[error("{} closed, no more events can be appended", name(.streams))]
    Closed {
        /// The closed streams, each once.
        streams: Vec<StreamId>,
        /// Every condition that failed as well.
        failures: Vec<Failure>,
    },
    /// The idempotency key was used for another request; nothing was written. Use a new key for a new request.
    #[error("idempotency key {key} was used for another request: its digest is {recorded}, this one's {found}")]
    KeyReused {
        /// The key.
        key: IdempotencyKey,
        /// The digest of the first request.
        recorded: Digest,
        /// The digest of this request.
        found: Digest,
    },
    /// The commit breaks a limit or a rule; nothing was written. Correct it.
    #[error(transparent)]
    Invalid(#[from] InvalidCommit),
    /// The store has no more numbers to give out (`i64::MAX` reached); nothing was written.
    #[error("the store has no {what} left to give out")]
    Exhausted {
        /// `position`, `version` or `commit number`.
        what: &'static str,
    },
    /// The store refuses writes since an earlier failure; nothing was written. Reads go on. Find out why, then open the
    /// store again.
    #[error("the store refuses writes: {reason}")]
    ReadOnly {
        /// The failure that made it so.
        reason: String,
    },
    /// What the commit had to look at could not be read; nothing was written.
    #[error("the store could not read what the commit depends on: {0}")]
    Unreadable(#[from] crate::ReadError),
    /// The store was closed before the commit was taken; nothing was written. Open it again.
    #[error("the store is shut down")]
    ShutDown,
    /// The write failed half-way: the commit is either there as a whole or not at all, and which one shows when the
    /// store is opened again. Send it again with the same idempotency key to find out safely.
    #[error("it is unknown whether the commit was written: {reason}")]
    OutcomeUnknown {
        /// What failed.
        reason: String,
    },
}

fn list(failures: &[Failure]) -> String {
    failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn name(streams: &[StreamId]) -> String {
    let names = streams.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if streams.len() == 1 { format!("stream {names} is") } else { format!("streams {names} are") }
}

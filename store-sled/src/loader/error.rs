//! Why something was not loaded.

use std::path::PathBuf;

use annals_core::{CommitError, CommitNumber, IdempotencyKey, Timestamp};
use thiserror::Error;

use crate::OpenError;

/// Why commits could not be put into a store. What was saved before stays saved; the store stays unfinished.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum LoaderError {
    /// The folder holds a store that is in use or finished; it was not touched. Name an empty folder.
    #[error("{} holds a store already, expected an empty folder or an unfinished store", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// The folder or its files cannot be used; the error says what to do.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A commit was recorded before the one in front of it. Give them in the order in which they were recorded.
    #[error("commit {number} was recorded at {found}, expected {latest} or later")]
    TimeBackwards {
        /// The number that the commit would have had.
        number: CommitNumber,
        /// The recorded time of the commit in front, or the epoch.
        latest: Timestamp,
        /// That of the commit.
        found: Timestamp,
    },
    /// A commit has the idempotency key of an earlier one. Leave the key out, or the commit.
    #[error("commit {number} has idempotency key {key}, which commit {first} has already")]
    KeyRepeated {
        /// The number that the commit would have had.
        number: CommitNumber,
        /// The key.
        key: IdempotencyKey,
        /// The number of the earlier commit.
        first: CommitNumber,
    },
    /// The store did not take a commit: it appends to a closed stream, breaks a limit, or could not be written. The reason
    /// says which.
    #[error("commit {number} was not loaded: {reason}")]
    Refused {
        /// The number that the commit would have had.
        number: CommitNumber,
        /// Why.
        #[source]
        reason: CommitError,
    },
}

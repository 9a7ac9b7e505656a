//! Why a store was not copied.

use std::path::PathBuf;

use annals_core::{CommitNumber, InvalidText, ReadError, TransformError, TransformationName};
use thiserror::Error;
use uuid::Uuid;

use crate::{LoaderError, OpenError};

/// Why a copy or its verification ended early. The source was not touched; the target, if one was begun, is unfinished, and
/// nothing else opens it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The source is no store, or one that cannot be read; the error says what to do.
    #[error("the source cannot be read: {0}")]
    Source(#[source] OpenError),
    /// The new store cannot be read behind the copy; the error says what to do.
    #[error("the copy cannot be read: {0}")]
    Written(#[source] OpenError),
    /// A log is damaged, or cannot be read on. Restore it from a backup, then start the copy again.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The transformation cannot go on. Correct it and give it another name, and begin again in an empty folder; or, if only
    /// its surroundings were at fault, start the copy again.
    #[error(transparent)]
    Transform(#[from] TransformError),
    /// The target cannot be used, or does not take what the transformation gives; the error says what to do.
    #[error(transparent)]
    Target(#[from] LoaderError),
    /// The target was begun, but not by a copy. Complete that, or name an empty folder.
    #[error("{} was begun by something else than a copy", path.display())]
    NoCopy {
        /// The target.
        path: PathBuf,
    },
    /// The target was begun by a copy of another store. Name that store, or an empty folder.
    #[error("the target was begun by a copy of the store with log {found}, the source has log {expected}")]
    OtherSource {
        /// The id of the source's log.
        expected: Uuid,
        /// That of the store of which the target was begun.
        found: Uuid,
    },
    /// The target was begun by a copy through another transformation. Use that one, or name an empty folder.
    #[error("the target was begun by transformation {found}, expected {expected}")]
    OtherTransformation {
        /// The name of the transformation.
        expected: TransformationName,
        /// That of the one by which the target was begun.
        found: TransformationName,
    },
    /// The source no longer holds what was copied: it was restored from an older backup, for instance. Begin again in an
    /// empty folder.
    #[error("commit {commit} of the source is not there any more, or is not the one that was copied")]
    SourceChanged {
        /// The last commit that was copied.
        commit: CommitNumber,
    },
    /// The transformation gives something else than when the copy was begun. Make it repeatable, or give a changed one
    /// another name, and begin again in an empty folder.
    #[error(
        "up to commit {commit} of the source the transformation gives {expected} commits now, and gave {found} before"
    )]
    Unrepeatable {
        /// The last commit of the source that was copied.
        commit: CommitNumber,
        /// What the transformation gives for it now.
        expected: CommitNumber,
        /// What the target holds.
        found: CommitNumber,
    },
}

impl From<InvalidText> for CopyError {
    fn from(error: InvalidText) -> Self {
        Self::Transform(error.into())
    }
}

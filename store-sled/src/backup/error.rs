//! Why a backup was not made, or not put back.

use std::{
    io,
    path::{Path, PathBuf},
};

use annals_core::{CommitNumber, ReadError};
use thiserror::Error;

use crate::{Damage, OpenError};

/// Why a store was not backed up. The store was not touched, and what the backup held before is still in it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The store cannot be read; the error says what to do.
    #[error(transparent)]
    Source(OpenError),
    /// The log is damaged, or cannot be read on. Restore it from a backup that was made earlier.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The folder of the backup cannot be used; the error says what to do.
    #[error("the backup cannot be used: {0}")]
    Target(#[source] OpenError),
    /// The folder holds something else than a backup. Name an empty folder.
    #[error("{} holds something else than a backup", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds a backup of another store. Name that store, or an empty folder.
    #[error("{} is a backup of another store", path.display())]
    OtherStore {
        /// The folder.
        path: PathBuf,
    },
    /// The backup holds commits that the store does not: the store was put back to an older state, or something was written
    /// to the backup. Look at both, then back up into an empty folder.
    #[error("{} holds other commits than the store, up to its commit {commit}", path.display())]
    Diverged {
        /// The folder of the backup.
        path: PathBuf,
        /// Its last commit.
        commit: CommitNumber,
    },
    /// What was put into the folder is not what was read, when it is read again. Look at the disk.
    #[error("what was written to {} is not what was read", path.display())]
    Differs {
        /// The folder of the backup.
        path: PathBuf,
    },
    /// The backup cannot be written.
    #[error("writing {} failed: {error}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
}

impl BackupError {
    pub(super) fn write(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::Write { path: path.to_owned(), error }
    }
}

/// Why a backup was not put back. The folder in whose place it was to be put is as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The backup cannot be read; the error says what to do.
    #[error(transparent)]
    Backup(OpenError),
    /// The backup is damaged. Take another one.
    #[error("the backup is damaged: {damage}")]
    Damaged {
        /// The first damaged place.
        damage: Box<Damage>,
    },
    /// There is something in the place where the store is to be, and nothing was said about replacing it. Name another
    /// folder, or replace it.
    #[error("{} is there already", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// What is to be replaced is in use, or cannot be used; the error says what to do.
    #[error(transparent)]
    Target(OpenError),
    /// The store that was replaced by an earlier restore is still there. Move it away, or remove it.
    #[error("{} is still there from an earlier restore", path.display())]
    Kept {
        /// The folder.
        path: PathBuf,
    },
    /// The store cannot be written.
    #[error("writing {} failed: {error}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
}

impl RestoreError {
    pub(super) fn write(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::Write { path: path.to_owned(), error }
    }
}

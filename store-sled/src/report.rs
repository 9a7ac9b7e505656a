//! What opening a store found, and why it failed.

use std::{
    io,
    path::{Path, PathBuf},
};

use annals_core::{CommitNumber, Corruption, Head, ReadError};
use thiserror::Error;

/// What opening a store found and did.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OpenReport {
    /// How far the store has come.
    pub head: Head,
    /// Whether the store had been closed, so that there was nothing to recover.
    pub was_closed: bool,
    /// What followed the last whole commit of the last group: as a rule a group that was being written, and acknowledged
    /// by nobody, when the process or the machine ended. Without a clean close, damage to the last group looks the same.
    pub torn: Option<TornTail>,
    /// Why the index was rebuilt from the log, if it was. Derived tables then begin again, in a new generation.
    pub rebuilt: Option<String>,
}

/// Bytes behind the last whole commit that were cut off and set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TornTail {
    /// The file that was cut.
    pub file: PathBuf,
    /// Where, in bytes.
    pub offset: u64,
    /// How many bytes were cut off, zeros behind them not counted.
    pub bytes: u64,
    /// The file that has them now.
    pub kept_as: PathBuf,
    /// The last commit that was kept.
    pub last_commit: CommitNumber,
}

/// Why a store could not be opened. Nothing in it was changed.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process, or this one, has the store open. Close it there.
    #[error("the store {} is in use", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The folder is no store. Name another, or an empty one to begin a store in.
    #[error("{} is no annals store: {reason}", path.display())]
    NotAStore {
        /// The folder.
        path: PathBuf,
        /// What is missing, or in the way.
        reason: &'static str,
    },
    /// Not everything that a copy or an import puts into the store is there yet, and nothing may be written beside it. Let
    /// that go on to its end by starting it again, or remove the folder.
    #[error("the store {} is unfinished: what is being put into it must be completed first", path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// The store was written by a later version. Use that version.
    #[error("{} has format {found}, this version reads format {supported}", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: u32,
        /// The format of this version.
        supported: u32,
    },
    /// The log is damaged. Restore the file from a backup; nothing was changed.
    #[error(transparent)]
    Corrupt(#[from] Corruption),
    /// The operating system refused.
    #[error("{what} {} failed: {reason}", path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// Which kind of error it is: no permission, no space ..
        kind: io::ErrorKind,
        /// What the operating system said.
        reason: String,
    },
    /// The log could not be read.
    #[error(transparent)]
    Unreadable(ReadError),
}

impl OpenError {
    pub(crate) fn io(what: &'static str, path: &Path, error: &io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), kind: error.kind(), reason: error.to_string() }
    }
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Corrupt(corruption) => Self::Corrupt(corruption),
            other => Self::Unreadable(other),
        }
    }
}

//! Why an archive was not written, read or taken in.

use std::{
    io,
    path::{Path, PathBuf},
};

use annals_core::{CommitNumber, ReadError};
use thiserror::Error;

use crate::{LoaderError, OpenError};

/// Why an archive cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It does not begin as archives do. Name an archive.
    #[error("it is no archive of annals")]
    NotAnArchive,
    /// It was written by a later version. Use that version.
    #[error("the archive has format {found}, this version reads format {supported}")]
    Format {
        /// Its format.
        found: u32,
        /// The format of this version.
        supported: u32,
    },
    /// Its bytes are not what was written. Take another copy of it, or export again.
    #[error("the archive is damaged at byte {offset}, behind commit {behind}: {what}")]
    Damaged {
        /// Where the damaged part begins.
        offset: u64,
        /// The last commit that is whole.
        behind: CommitNumber,
        /// What was found.
        what: &'static str,
    },
    /// It ends too early: it was not written to its end, or not copied to it. Complete it, then go on.
    #[error("the archive ends at byte {offset}, behind commit {behind}, without its end")]
    Truncated {
        /// How long it is.
        offset: u64,
        /// The last commit that is whole.
        behind: CommitNumber,
    },
    /// It cannot be read on.
    #[error("reading the archive failed: {0}")]
    Io(#[source] io::Error),
}

/// Why a store was not exported. The store was not touched; what was written of the archive stays, to go on from.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The store cannot be read; the error says what to do.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The log is damaged, or cannot be read on. Restore it from a backup.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is a file in the place of the archive. Name another one.
    #[error("{} is there already", path.display())]
    Occupied {
        /// The file.
        path: PathBuf,
    },
    /// What was written of the archive earlier is not of this store. Remove it, or name another file.
    #[error("{} was begun by an export of another store", path.display())]
    OtherStore {
        /// What was written earlier.
        path: PathBuf,
    },
    /// The archive cannot be written.
    #[error("writing {} failed: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
}

impl ExportError {
    pub(super) fn write(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::Write { path: path.to_owned(), error }
    }
}

/// Why an archive was not taken in. The store stays unfinished, and what is in stays in, to go on from.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The archive cannot be read; the error says what to do.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A commit of the archive cannot be read: it holds what a later version has stored, or was written wrongly.
    #[error("commit {commit} of the archive: {reason}")]
    Commit {
        /// The commit.
        commit: CommitNumber,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder cannot be used, or does not take what the archive holds; the error says what to do.
    #[error(transparent)]
    Target(#[from] LoaderError),
    /// The folder was begun by something else. Complete that, or name an empty folder.
    #[error("{} was begun by something else than an import", path.display())]
    NoImport {
        /// The folder.
        path: PathBuf,
    },
    /// The folder was begun by an import of another archive. Name that one, or an empty folder.
    #[error("{} was begun by an import of another archive: commit {commit} is another one", path.display())]
    OtherArchive {
        /// The folder.
        path: PathBuf,
        /// The last commit that is in.
        commit: CommitNumber,
    },
    /// What is in the store is not, byte for byte, what the archive holds. Nothing may rest on it: remove the folder.
    #[error("what {} holds is not what the archive holds", path.display())]
    Differs {
        /// The folder.
        path: PathBuf,
    },
}

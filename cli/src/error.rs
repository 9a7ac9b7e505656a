//! What goes wrong, said to a person with what to do.

use std::{
    fmt::Display,
    io,
    path::{Path, PathBuf},
};

use annals_core::{CorrelationId, Position, ReadError};
use annals_store_sled::{
    ArchiveError, BackupError, ExportError, ImportError, LoaderError, OpenError, RepairError, RestoreError,
};
use miette::Diagnostic;
use thiserror::Error;

/// Why a command failed.
#[derive(Debug, Error)]
pub(crate) enum CliError {
    /// The store's folder cannot be used.
    #[error("{error}")]
    Open { store: PathBuf, error: OpenError },
    /// The log cannot be read on.
    #[error("{error}")]
    Read { store: PathBuf, error: ReadError },
    /// A store was not exported.
    #[error("{error}")]
    Export { store: PathBuf, error: ExportError },
    /// An archive cannot be opened.
    #[error("the archive {} cannot be read: {error}", archive.display())]
    Archive { archive: PathBuf, error: io::Error },
    /// An archive was not taken in.
    #[error("{error}")]
    Import { store: PathBuf, error: ImportError },
    /// A store was not backed up.
    #[error("{error}")]
    Backup { backup: PathBuf, error: BackupError },
    /// A backup was not put back.
    #[error("{error}")]
    Restore { backup: PathBuf, error: RestoreError },
    /// A store's files could not be written while it was repaired.
    #[error("{error}")]
    Repair { store: PathBuf, error: RepairError },
    /// A loss is to be confirmed, but nobody is there.
    #[error("nobody can be asked whether the loss is accepted: the standard input is no terminal")]
    NobodyToAsk,
    /// A loss was not confirmed.
    #[error("what was typed is not the number of commits that are lost: nothing was changed")]
    NotConfirmed,
    /// There is no event at a position.
    #[error("there is no event at position {position} in {}, which ends with position {last}", store.display())]
    NoEvent { store: PathBuf, position: Position, last: Position },
    /// No event belongs to a conversation.
    #[error("no event in {} belongs to the conversation {correlation}", store.display())]
    NoConversation { store: PathBuf, correlation: CorrelationId },
    /// The event whose conversation is asked for belongs to none.
    #[error("the event at position {position} belongs to no conversation")]
    NotInConversation { position: Position },
    /// The standard output cannot be written to.
    #[error("the standard output cannot be written to: {0}")]
    Output(#[from] io::Error),
}

impl CliError {
    pub(crate) fn opening(store: &Path, error: OpenError) -> Self {
        Self::Open { store: store.to_owned(), error }
    }

    pub(crate) fn reading(store: &Path, error: ReadError) -> Self {
        Self::Read { store: store.to_owned(), error }
    }

    pub(crate) fn exporting(store: &Path, error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => Self::opening(store, error),
            ExportError::Read(error) => Self::reading(store, error),
            error => Self::Export { store: store.to_owned(), error },
        }
    }

    pub(crate) fn importing(store: &Path, error: ImportError) -> Self {
        match error {
            ImportError::Target(LoaderError::Open(error)) => Self::opening(store, error),
            error => Self::Import { store: store.to_owned(), error },
        }
    }

    pub(crate) fn backing_up(store: &Path, backup: &Path, error: BackupError) -> Self {
        match error {
            BackupError::Source(error) => Self::opening(store, error),
            BackupError::Read(error) => Self::reading(store, error),
            error => Self::Backup { backup: backup.to_owned(), error },
        }
    }

    pub(crate) fn restoring(backup: &Path, store: &Path, error: RestoreError) -> Self {
        match error {
            RestoreError::Backup(error) => Self::opening(backup, error),
            RestoreError::Target(error) => Self::opening(store, error),
            error => Self::Restore { backup: backup.to_owned(), error },
        }
    }

    pub(crate) fn repairing(store: &Path, error: RepairError) -> Self {
        match error {
            RepairError::Store(error) => Self::opening(store, error),
            error => Self::Repair { store: store.to_owned(), error },
        }
    }

    /// Whether nobody reads the output any more.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        match self {
            Self::Output(error) => error.kind() == io::ErrorKind::BrokenPipe,
            Self::Export { error: ExportError::Write { error, .. }, .. } => error.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }
}

impl Diagnostic for CliError {
    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        let help = match self {
            Self::Open { store, error } => to_open(store, error)?,
            Self::Read { store, error: ReadError::Corrupt(_) } => damaged(store),
            Self::Read { error: ReadError::UnknownEncoding { .. }, .. } => LATER.to_owned(),
            Self::Export { error, .. } => exported(error)?,
            Self::Archive { .. } => "name a file that `annals export` wrote, or `-` for the standard input".into(),
            Self::Import { store, error } => imported(store, error)?,
            Self::Backup { backup, error } => backed_up(backup, error)?,
            Self::Restore { backup, error } => restored(backup, error)?,
            Self::Repair { store, .. } => {
                format!(
                    "once the cause is away, run `annals repair {} --accept-loss` again: it goes on",
                    store.display()
                )
            }
            Self::NobodyToAsk => "look at what would be lost, then say `--yes`".into(),
            Self::NotConfirmed => "run the same command again, or leave the store as it is".into(),
            Self::NoEvent { store, .. } => format!("`annals events {}` lists what is there", store.display()),
            Self::NoConversation { store, .. } => {
                format!("`annals show {} <position>` says to which conversation an event belongs", store.display())
            }
            Self::NotInConversation { .. } => {
                "only events whose metadata has a correlation can be traced; `annals show` says what led to this one"
                    .into()
            }
            Self::Output(error) => advice(error.kind())?,
            Self::Read { .. } => return None,
        };
        Some(Box::new(help))
    }
}

const LATER: &str = "use an `annals` at least as new as the application that wrote the store";

/// What to do when a store cannot be opened.
fn to_open(store: &Path, error: &OpenError) -> Option<String> {
    Some(match error {
        OpenError::InUse { .. } => {
            "close the application that has it open; commands that only read (info, events, verify, backup ..) work \
             beside it"
                .into()
        }
        OpenError::NotAStore { .. } => "name the folder that holds `log`: the one that the application opens".into(),
        OpenError::Unfinished { .. } => {
            "start the copy, import or restore again that was filling it: it goes on; or remove the folder".into()
        }
        OpenError::Format { .. } => LATER.into(),
        OpenError::Corrupt(_) => damaged(store),
        OpenError::Io { kind, .. } => advice(*kind)?,
        _ => return None,
    })
}

/// What to do when there is no archive.
fn exported(error: &ExportError) -> Option<String> {
    Some(match error {
        ExportError::Occupied { .. } => "name another file, or remove that one".into(),
        ExportError::OtherStore { path } => {
            format!("remove {}, or name another file; `annals info` says which log a store has", path.display())
        }
        ExportError::Write { error, .. } => advice(error.kind())?,
        _ => return None,
    })
}

/// What to do when an archive was not taken in.
fn imported(store: &Path, error: &ImportError) -> Option<String> {
    let store = store.display();
    Some(match error {
        ImportError::Archive(ArchiveError::NotAnArchive) => {
            "name a file that `annals export` wrote; one that is compressed is decompressed into the standard input: `-`"
                .into()
        }
        ImportError::Archive(ArchiveError::Format { .. }) | ImportError::Commit { .. } => LATER.into(),
        ImportError::Archive(ArchiveError::Truncated { .. }) => {
            "what is in stays in: with the whole archive, the same command goes on".into()
        }
        ImportError::Archive(_) => {
            "what is in stays in: with another copy of the archive, the same command goes on".into()
        }
        ImportError::Target(LoaderError::Occupied { .. }) => {
            format!(
                "name another folder: an import never touches a store that is there; move {store} away if it is to be replaced"
            )
        }
        ImportError::NoImport { .. } | ImportError::OtherArchive { .. } => {
            format!("go on with the archive that was begun with, or remove {store} and begin again")
        }
        ImportError::Differs { .. } => {
            format!("remove {store}, and import with an `annals` of the version that exported")
        }
        _ => return None,
    })
}

/// What to do when a store was not backed up.
fn backed_up(backup: &Path, error: &BackupError) -> Option<String> {
    let path = backup.display();
    Some(match error {
        BackupError::Target(error) => to_open(backup, error)?,
        BackupError::Occupied { .. } => "name an empty folder, or one that is not there yet".into(),
        BackupError::OtherStore { .. } => {
            format!("name an empty folder; `annals info` says which log a store has: compare that of {path}")
        }
        BackupError::Diverged { .. } => {
            format!(
                "the store was put back to an older state, or somebody has written to the backup. Keep {path}, and back up \
                 into an empty folder"
            )
        }
        BackupError::Differs { .. } => "look at the disk, then back up into an empty folder on another one".into(),
        BackupError::Write { error, .. } => advice(error.kind())?,
        _ => return None,
    })
}

/// What to do when a backup was not put back.
fn restored(backup: &Path, error: &RestoreError) -> Option<String> {
    Some(match error {
        RestoreError::Damaged { .. } => {
            format!(
                "nothing was replaced. `annals verify {}` names every damaged place; take another backup",
                backup.display()
            )
        }
        RestoreError::Occupied { .. } => "name another folder, or replace the store that is there: `--replace`".into(),
        RestoreError::Kept { path } => format!("move {} away, or remove it", path.display()),
        RestoreError::Write { error, .. } => advice(error.kind())?,
        _ => return None,
    })
}

/// What to do about an error of the operating system.
fn advice(kind: io::ErrorKind) -> Option<String> {
    Some(match kind {
        io::ErrorKind::PermissionDenied => {
            "use it as the user who runs the application, or let this one use the folder and the files in it".into()
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space, then run the same command again".into()
        }
        io::ErrorKind::ReadOnlyFilesystem => "make the file system writable, then run the same command again".into(),
        _ => return None,
    })
}

fn damaged(store: &Path) -> String {
    let store = store.display();
    format!(
        "`annals verify {store}` names every damaged place. Nothing was changed: bring the store back with `annals \
         restore`, or, where there is no backup, cut off what is damaged with `annals repair {store} --accept-loss`"
    )
}

//! What goes wrong, said to a person with what to do.

use std::{
    fmt::Display,
    io,
    path::{Path, PathBuf},
};

use annals_core::{CorrelationId, Position, ReadError};
use annals_store_sled::OpenError;
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

    /// Whether nobody reads the output any more.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl Diagnostic for CliError {
    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        let help = match self {
            Self::Open { store, error } => to_open(store, error)?,
            Self::Read { store, error: ReadError::Corrupt(_) } => damaged(store),
            Self::Read { error: ReadError::UnknownEncoding { .. }, .. } => LATER.to_owned(),
            Self::NoEvent { store, .. } => format!("`annals events {}` lists what is there", store.display()),
            Self::NoConversation { store, .. } => {
                format!("`annals show {} <position>` says to which conversation an event belongs", store.display())
            }
            Self::NotInConversation { .. } => {
                "only events whose metadata has a correlation can be traced; `annals show` says what led to this one"
                    .into()
            }
            Self::Read { .. } | Self::Output(_) => return None,
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
        OpenError::Io { kind: io::ErrorKind::PermissionDenied, .. } => {
            "use it as the user who runs the application, or let this one read the folder and the files in it".into()
        }
        OpenError::Io { kind: io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded, .. } => {
            "free some space, then run the same command again".into()
        }
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

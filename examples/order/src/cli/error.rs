//! What goes wrong, said to a person.

use std::io;

use annals::{
    ExecuteError, OpenError,
    projections::{ViewError, WaitError},
    sagas::SagaError,
};
use miette::Diagnostic;
use thiserror::Error;

use crate::{
    audit::AuditError,
    domain::order::OrderError,
    import::{self, ImportError, ImportFileError, SumsError},
    replay::{CompareError, FILE_NAMES, LogFileError, ReplayError},
    season::SeasonError,
};

/// Why a command of the command line failed.
#[derive(Debug, Error, Diagnostic)]
pub(super) enum CliError {
    #[error("the shop cannot be opened")]
    #[diagnostic(help("`--store <folder>` names another store; the run without a command begins one"))]
    Open(#[from] OpenError),
    #[error("the season ended early")]
    #[diagnostic(help("run the same command again: it goes on where this one ended, and nothing happens twice"))]
    Season(#[source] SeasonError),
    #[error(transparent)]
    #[diagnostic(help(
        "name the folder that holds {} or {}, or the file itself",
        import::FILE_NAMES[0],
        import::FILE_NAMES[1]
    ))]
    ImportFile(#[from] ImportFileError),
    #[error("the import ended early")]
    #[diagnostic(help("run the same command again: it goes on where this one ended, and nothing is imported twice"))]
    Import(#[source] ImportError),
    #[error(transparent)]
    Sums(#[from] SumsError),
    #[error(transparent)]
    View(#[from] ViewError),
    #[error(transparent)]
    #[diagnostic(help("name the folder that holds {} or {}, or the file itself", FILE_NAMES[0], FILE_NAMES[1]))]
    LogFile(#[from] LogFileError),
    #[error("the replay ended early")]
    #[diagnostic(help("run the same command again: it goes on where this one ended, and nothing happens twice"))]
    Replay(#[source] ReplayError),
    #[error(transparent)]
    Compare(#[from] CompareError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Wait(#[from] WaitError),
    #[error(transparent)]
    Saga(#[from] SagaError),
    #[error("there is no saga or reaction called {name}")]
    #[diagnostic(help("these run: {known}"))]
    UnknownSaga { name: String, known: String },
    #[error("saga {saga} has no instance {key}")]
    #[diagnostic(help("`sagas instances {saga}` lists them"))]
    UnknownInstance { saga: String, key: String },
    #[error("nothing of saga {saga} waits for instance {key}")]
    #[diagnostic(help("`sagas` shows what waits"))]
    NothingWaits { saga: String, key: String },
    #[error("the saga was ended, but the order was not cancelled")]
    Cancel(#[source] ExecuteError<OrderError>),
    #[error("the standard output cannot be written to")]
    Output(#[from] io::Error),
}

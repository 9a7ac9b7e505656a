//! What goes wrong, said to a person.

use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
};

use annals::{
    LoadError, OpenError,
    embedded::CopyError,
    projections::{OperatorError, ShadowError, ViewError, WaitError},
};
use miette::Diagnostic;
use thiserror::Error;

use crate::{
    audit::AuditError,
    import::{FILE_NAMES, ImportError, OpenFileError},
    quarter::RunError,
    rebuild::UnknownReadModel,
    statement::StatementError,
};

/// Why a command of the command line failed.
#[derive(Debug, Error, Diagnostic)]
pub(super) enum CliError {
    #[error("{0}")]
    #[diagnostic(help("`--store <folder>` names another store; the run without a command and `import` begin one"))]
    Open(Box<dyn Error + Send + Sync>),
    #[error("nothing can be written beside {}", .store.display())]
    #[diagnostic(help("`--store <folder>` names a place where you may write"))]
    Disk { store: PathBuf, source: io::Error },
    #[error("the run ended early")]
    #[diagnostic(help("run the same command again: it goes on where this one ended, and nothing is done twice"))]
    Run(#[source] RunError),
    #[error(transparent)]
    #[diagnostic(help("name the folder that holds {} or {}, or the file itself", FILE_NAMES[0], FILE_NAMES[1]))]
    File(#[from] OpenFileError),
    #[error("the import ended early")]
    #[diagnostic(help("run the same command again: it goes on where this one ended, and nothing is imported twice"))]
    Import(#[source] ImportError),
    #[error("the books were not migrated")]
    #[diagnostic(help(
        "the old books are as they were; once the cause is away, run the same command again: it goes on"
    ))]
    Migrate(#[source] CopyError),
    #[error("the standard output cannot be written to")]
    Output(#[from] io::Error),
    #[error("{error} in {}", .store.display())]
    #[diagnostic(help("imported accounts are in another store than generated ones: `--store berka.annals`"))]
    UnknownAccount { error: StatementError, store: PathBuf },
    #[error(transparent)]
    Statement(StatementError),
    #[error(transparent)]
    Load(LoadError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    View(#[from] ViewError),
    #[error(transparent)]
    #[diagnostic(help("`dashboard` shows how all read models are doing"))]
    Behind(#[from] WaitError),
    #[error(transparent)]
    UnknownReadModel(#[from] UnknownReadModel),
    #[error(transparent)]
    #[diagnostic(help(
        "go on with what an earlier `rebuild` began: without `--bring-back` with new rows, with it with former ones; \
         `--keep` gives it up at its end"
    ))]
    UnderWay(ShadowError),
    #[error(transparent)]
    #[diagnostic(help("what is read is what it was; once the cause is away, run the same command again: it goes on"))]
    Rebuild(ShadowError),
    #[error(transparent)]
    #[diagnostic(help("its rows are what they were; `rebuild` without `--key` computes those of all accounts anew"))]
    Key(#[from] OperatorError),
}

impl CliError {
    /// There is no statement from `store`.
    pub(super) fn statement(error: StatementError, store: &Path) -> Self {
        match error {
            StatementError::UnknownAccount { .. } => Self::UnknownAccount { error, store: store.to_owned() },
            error => Self::Statement(error),
        }
    }
}

impl From<ShadowError> for CliError {
    fn from(error: ShadowError) -> Self {
        match error {
            ShadowError::UnderWay { .. } => Self::UnderWay(error),
            error => Self::Rebuild(error),
        }
    }
}

impl From<OpenError> for CliError {
    fn from(error: OpenError) -> Self {
        match error {
            // The store's own error says it all.
            OpenError::Store { source } => Self::Open(source),
            error => Self::Open(error.into()),
        }
    }
}

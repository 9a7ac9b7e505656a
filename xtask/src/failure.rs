//! Why a task failed.

use std::{io, path::PathBuf, process::ExitStatus};

use thiserror::Error;

/// Why a task failed; its message is the last thing that is printed.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("cannot start `{command}`: {source}")]
    Start { command: String, source: io::Error },
    #[error("`{command}` failed: {status}")]
    Command { command: String, status: ExitStatus },
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot make a temporary folder: {0}")]
    Temporary(io::Error),
    #[error("the answer of `cargo metadata` is not understood: {0}")]
    Metadata(#[from] serde_json::Error),
    #[error("{} is not Rust: {source}", path.display())]
    Syntax { path: PathBuf, source: syn::Error },
    #[error("there is no test in {part}")]
    NoTest { part: String },
    #[error("{rule}\n{}", findings.join("\n"))]
    Findings { rule: &'static str, findings: Vec<String> },
}

impl Failure {
    /// Fails with `rule` if there are any findings.
    pub(crate) fn unless_none(rule: &'static str, findings: Vec<String>) -> Result<(), Self> {
        if findings.is_empty() { Ok(()) } else { Err(Self::Findings { rule, findings }) }
    }
}

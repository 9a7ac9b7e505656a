//! `annals rebuild-index`.

use std::path::PathBuf;

use annals_store_sled::rebuild_index;
use clap::Args;
use serde::Serialize;

use crate::{error::CliError, output::Output, progress::Progress};

/// Build a store's index anew from its log
///
/// The index is what makes look-ups fast; everything in it follows from the log. The one that is there is moved aside, as
/// `index.aside`. Read models begin again: the application fills them when it runs next. The store must not be in use.
///
/// An application does the same by itself when it opens a store whose index is gone or cannot be believed.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct RebuildIndex {
    /// The store's folder
    store: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  annals rebuild-index bank.annals
  annals rebuild-index bank.annals && annals verify bank.annals --deep";

#[derive(Debug, Serialize)]
struct Shown {
    commit: u64,
    position: u64,
}

impl RebuildIndex {
    pub(super) fn run(self, out: &mut Output) -> Result<(), CliError> {
        let shown = Progress::wait("building the index");
        let report = rebuild_index(&self.store).map_err(|error| CliError::opening(&self.store, error))?;
        drop(shown);
        let shown = Shown { commit: report.head.commit.get(), position: report.head.position.get() };
        if out.is_json() {
            return Ok(out.json(&shown)?);
        }
        let Shown { commit, position } = shown;
        Ok(out.line(format_args!("the index was built anew up to commit {commit}, position {position}"))?)
    }
}

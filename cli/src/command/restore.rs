//! `annals restore`.

use std::path::PathBuf;

use annals_store_sled::{LogProgress, Restore as Restoring};
use clap::Args;
use serde::Serialize;

use crate::{
    error::CliError,
    output::{Output, counted},
    progress::Progress,
};

/// Put a backup in the place of a store
///
/// The backup is copied beside the place, and every byte of the copy is checked, before anything is replaced. What was there
/// is kept as `<store>.replaced`. Whatever was recorded since the backup is not in the restored store: if the damaged one can
/// still be read in part, `annals events` shows it.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Restore {
    /// The folder of the backup
    backup: PathBuf,
    /// The folder of the store
    store: PathBuf,
    /// Replace the store that is there. It must not be in use
    #[arg(long)]
    replace: bool,
}

const EXAMPLES: &str = "\
Examples:
  annals restore /backup/bank.annals bank.annals
  annals restore /backup/bank.annals bank.annals --replace";

#[derive(Debug, Serialize)]
struct Shown {
    store: String,
    commit: u64,
    position: u64,
    replaced: Option<String>,
}

impl Restore {
    pub(super) fn run(self, out: &mut Output) -> Result<(), CliError> {
        let shown = Progress::begin("checking");
        let mut restore = Restoring::new(&self.backup, &self.store)
            .progress(move |at: LogProgress| shown.reach(at.bytes, at.of_bytes));
        if self.replace {
            restore = restore.replace();
        }
        let report = restore.run().map_err(|error| CliError::restoring(&self.backup, &self.store, error))?;
        let head = report.verification.head;
        let shown = Shown {
            store: self.store.display().to_string(),
            commit: head.commit.get(),
            position: head.position.get(),
            replaced: report.replaced.map(|path| path.display().to_string()),
        };
        if out.is_json() {
            return Ok(out.json(&shown)?);
        }
        let Shown { store, commit, position, replaced } = shown;
        let checked = counted(report.verification.commits, "commit");
        out.line(format_args!("{store}: up to commit {commit}, position {position}; {checked} checked"))?;
        match replaced {
            Some(replaced) => Ok(out.line(format_args!("what was there is kept as {replaced}"))?),
            None => Ok(()),
        }
    }
}

//! `annals backup`.

use std::path::PathBuf;

use annals_store_sled::{Backup as BackingUp, LogProgress};
use clap::Args;
use indicatif::HumanBytes;
use serde::Serialize;

use crate::{
    error::CliError,
    output::{Output, counted},
    progress::Progress,
};

/// Copy a store's log while it is in use, or bring such a copy up to date
///
/// The backup is a store too, closed: the other commands read it. It ends behind a whole commit, the last one that was there.
/// Files of the log that are full are copied once; later backups into the same folder copy what is new. What is copied is
/// checked where it comes from and where it was put; what is there already is not read again: `annals verify` does that.
///
/// Not in it is what follows from the log: the index, which the next opening builds anew, and with it read models.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Backup {
    /// The store's folder
    store: PathBuf,
    /// The folder of the backup: empty, not there yet, or an earlier backup of the same store
    backup: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  annals backup bank.annals /backup/bank.annals
  annals backup bank.annals /backup/bank.annals && annals verify /backup/bank.annals
  */15 * * * * annals backup /srv/bank.annals /backup/bank.annals     # in a crontab";

#[derive(Debug, Serialize)]
struct Shown {
    backup: String,
    commit: u64,
    position: u64,
    before_commit: u64,
    segments: u64,
    segments_copied: u64,
    bytes_copied: u64,
}

impl Backup {
    pub(super) fn run(self, out: &mut Output) -> Result<(), CliError> {
        let shown = Progress::begin("backing up");
        let tell = move |at: LogProgress| shown.reach(at.bytes, at.of_bytes);
        let mut backup = BackingUp::new(&self.store, &self.backup).progress(tell);
        let report = backup.run();
        drop(backup);
        let report = report.map_err(|error| CliError::backing_up(&self.store, &self.backup, error))?;
        let shown = Shown {
            backup: self.backup.display().to_string(),
            commit: report.through.commit.get(),
            position: report.through.position.get(),
            before_commit: report.behind.commit.get(),
            segments: report.segments,
            segments_copied: report.segments_copied,
            bytes_copied: report.bytes_copied,
        };
        if out.is_json() {
            return Ok(out.json(&shown)?);
        }
        let Shown { backup, commit, position, before_commit, segments, segments_copied, bytes_copied } = shown;
        let held = if before_commit == 0 { String::new() } else { format!(", before up to {before_commit}") };
        out.line(format_args!("{backup}: up to commit {commit}, position {position}{held}"))?;
        let (bytes, segments) = (HumanBytes(bytes_copied), counted(segments, "segment"));
        Ok(out.line(format_args!("{bytes} copied, in {segments_copied} of {segments}"))?)
    }
}

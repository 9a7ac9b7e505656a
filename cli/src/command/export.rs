//! `annals export`.

use std::{
    io,
    path::{Path, PathBuf},
};

use annals_core::CommitNumber;
use annals_store_sled::{Export as Exporting, ExportReport, LogProgress};
use clap::Args;
use indicatif::HumanBytes;
use serde::Serialize;

use crate::{error::CliError, output::Output, progress::Progress};

/// Write all of a store as an archive: one file, or a stream
///
/// An archive holds every commit with ids, numbers, positions, times, metadata, rows and idempotency keys as they are, and
/// the key of unique names. It is checksummed and says where it ends. `annals import` makes the same store of it again.
///
/// The store may be in use; what is written to it later than it is read is not in the archive. A file is called
/// `<archive>.unfinished` until it is complete; after a kill, the same command goes on. Keep an archive as safe as the
/// store: with the key of unique names one can try which names were claimed.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Export {
    /// The store's folder
    store: PathBuf,
    /// The file to write, or `-` for the standard output
    archive: PathBuf,
    /// Only commits up to this one
    #[arg(long, value_name = "COMMIT", value_parser = parse_commit)]
    through: Option<CommitNumber>,
}

const EXAMPLES: &str = "\
Examples:
  annals export bank.annals bank.archive
  annals export bank.annals - | zstd > bank.archive.zst
  annals export bank.annals - | ssh other annals import - bank.annals";

#[derive(Debug, Serialize)]
struct Shown {
    archive: String,
    commits: u64,
    events: u64,
    bytes: u64,
    resumed_behind: Option<u64>,
}

fn parse_commit(text: &str) -> Result<CommitNumber, String> {
    let number = text.parse::<u64>().map_err(|_| "expected a number".to_owned())?;
    CommitNumber::new(number).map_err(|error| error.to_string())
}

impl Export {
    pub(super) fn run(self, out: &mut Output) -> Result<(), CliError> {
        let shown = Progress::begin("exporting");
        let tell = move |at: LogProgress| shown.reach(at.bytes, at.of_bytes);
        let mut export = Exporting::new(&self.store).progress(tell);
        if let Some(through) = self.through {
            export = export.through(through);
        }
        let failed = |error| CliError::exporting(&self.store, error);
        if self.archive == Path::new("-") {
            let mut to = io::BufWriter::with_capacity(1 << 20, io::stdout().lock());
            // What was exported is said by what reads it.
            return export.write(&mut to, Path::new("the standard output")).map(drop).map_err(failed);
        }
        let report = export.to_file(&self.archive).map_err(failed)?;
        drop(export);
        show(out, &self.archive, &report)
    }
}

fn show(out: &mut Output, archive: &Path, report: &ExportReport) -> Result<(), CliError> {
    let shown = Shown {
        archive: archive.display().to_string(),
        commits: report.through.commit.get(),
        events: report.through.position.get(),
        bytes: report.bytes,
        resumed_behind: report.resumed_behind.map(CommitNumber::get),
    };
    if out.is_json() {
        return Ok(out.json(&shown)?);
    }
    let Shown { archive, commits, events, bytes, resumed_behind } = shown;
    out.line(format_args!("{archive}: commits up to {commits}, positions up to {events}, {}", HumanBytes(bytes)))?;
    match resumed_behind {
        Some(commit) => Ok(out.line(format_args!("an earlier export had come to commit {commit}; this one went on"))?),
        None => Ok(()),
    }
}

//! `annals import`.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use annals_core::CommitNumber;
use annals_store_sled::Import as Importing;
use clap::Args;
use serde::Serialize;

use crate::{
    error::CliError,
    output::{Output, counted},
    progress::Progress,
};

/// Make a store of an archive
///
/// The store holds the same commits under the same numbers, positions and times, byte for byte, which is checked in the end.
/// The folder must be empty or not there yet; until all is in, nothing else opens it. After a kill, the same command with
/// the same archive goes on.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Import {
    /// The archive, or `-` for the standard input
    archive: PathBuf,
    /// The folder of the new store
    store: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  annals import bank.archive bank.annals
  zstd -dc bank.archive.zst | annals import - bank.annals";

#[derive(Debug, Serialize)]
struct Shown {
    store: String,
    commits: u64,
    events: u64,
    streams: u64,
    archive_bytes: u64,
    resumed_behind: Option<u64>,
}

impl Import {
    pub(super) fn run(self, out: &mut Output) -> Result<(), CliError> {
        let unreadable = |error| CliError::Archive { archive: self.archive.clone(), error };
        let (from, of_bytes): (Box<dyn Read>, _) = if self.archive == Path::new("-") {
            (Box::new(io::stdin().lock()), 0)
        } else {
            let file = File::open(&self.archive).map_err(unreadable)?;
            let bytes = file.metadata().map_err(unreadable)?.len();
            (Box::new(file), bytes)
        };
        let shown = Progress::begin("importing");
        let mut import = Importing::new(&self.store).progress(move |bytes, _| shown.reach(bytes, of_bytes.max(bytes)));
        let report = import.read(BufReader::with_capacity(1 << 20, from));
        drop(import);
        let report = report.map_err(|error| CliError::importing(&self.store, error))?;
        let shown = Shown {
            store: self.store.display().to_string(),
            commits: report.through.commit.get(),
            events: report.through.position.get(),
            streams: report.streams,
            archive_bytes: report.bytes,
            resumed_behind: report.resumed_behind.map(CommitNumber::get),
        };
        show(out, &shown)
    }
}

fn show(out: &mut Output, shown: &Shown) -> Result<(), CliError> {
    if out.is_json() {
        return Ok(out.json(shown)?);
    }
    let Shown { store, commits, events, streams, resumed_behind, .. } = shown;
    let [commits, events, streams] =
        [(commits, "commit"), (events, "event"), (streams, "stream")].map(|(number, what)| counted(*number, what));
    out.line(format_args!("{store}: {commits}, {events} in {streams}, as the archive has them"))?;
    match resumed_behind {
        Some(commit) => Ok(out.line(format_args!("an earlier import had come to commit {commit}; this one went on"))?),
        None => Ok(()),
    }
}

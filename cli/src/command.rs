//! What the tool can do, a file a command.

mod backup;
mod completions;
mod events;
mod export;
mod import;
mod info;
mod rebuild_index;
mod repair;
mod restore;
mod show;
mod stats;
mod streams;
mod trace;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

use crate::{error::CliError, output::Output};

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Info(info::Info),
    Streams(streams::Streams),
    Events(events::Events),
    Show(show::Show),
    Trace(trace::Trace),
    Stats(stats::Stats),
    Verify(verify::Verify),
    Export(export::Export),
    Import(import::Import),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Repair(repair::Repair),
    RebuildIndex(rebuild_index::RebuildIndex),
    Completions(completions::Completions),
}

impl Command {
    /// Does it, and says with which exit code it ends.
    pub(crate) fn run(self, out: &mut Output) -> Result<ExitCode, CliError> {
        match self {
            Self::Info(info) => info.run(out)?,
            Self::Streams(streams) => streams.run(out)?,
            Self::Events(events) => events.run(out)?,
            Self::Show(show) => show.run(out)?,
            Self::Trace(trace) => trace.run(out)?,
            Self::Stats(stats) => stats.run(out)?,
            Self::Verify(verify) => return verify.run(out),
            Self::Export(export) => export.run(out)?,
            Self::Import(import) => import.run(out)?,
            Self::Backup(backup) => backup.run(out)?,
            Self::Restore(restore) => restore.run(out)?,
            Self::Repair(repair) => return repair.run(out),
            Self::RebuildIndex(rebuild) => rebuild.run(out)?,
            Self::Completions(completions) => completions.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

//! `annals repair`.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use annals_store_sled::{Damage, Loss, Repair as Repairing};
use clap::Args;
use indicatif::HumanBytes;
use serde::Serialize;

use crate::{
    error::CliError,
    output::{Output, Tone, count, counted, table},
    progress::Progress,
};

/// Cut a damaged log off in front of the damage: the last resort, where there is no backup
///
/// Without --accept-loss, nothing is changed: what is damaged and what would be lost is said, and the exit code is 1 if
/// anything is damaged. With it, the files of the log are copied into the folder `repaired` of the store first, then the log
/// is cut, and the index, which has seen more, is removed: the next opening builds it anew. All commits behind the damage are
/// lost, whole ones too, because the hash over all commits ends there.
///
/// The store must not be in use. A restore of a backup (`annals restore`) is always better.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Repair {
    /// The store's folder
    store: PathBuf,
    /// Cut it off, once that is confirmed by typing how many commits are lost
    #[arg(long)]
    accept_loss: bool,
    /// Do not ask
    #[arg(long, requires = "accept_loss")]
    yes: bool,
}

const EXAMPLES: &str = "\
Examples:
  annals repair bank.annals
  annals repair bank.annals --accept-loss
  annals repair bank.annals --accept-loss --yes --output json > lost.json";

/// So many streams are shown in a table; all of them are in JSON.
const STREAMS_SHOWN: usize = 20;

#[derive(Debug, Serialize)]
struct Shown {
    damaged: bool,
    repaired: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<String>,
    last_commit: Option<u64>,
    last_position: Option<u64>,
    lost_commits: u64,
    first_lost_commit: Option<u64>,
    last_lost_commit: Option<u64>,
    lost_events: u64,
    first_lost_position: Option<u64>,
    last_lost_position: Option<u64>,
    lost_bytes: u64,
    readable_lost_events: u64,
    lost_streams: Vec<ShownStream>,
    kept_in: Option<String>,
}

#[derive(Debug, Serialize)]
struct ShownStream {
    stream: String,
    events: u64,
    first_version: u64,
    last_version: u64,
    first_position: u64,
    last_position: u64,
}

impl Repair {
    pub(super) fn run(self, out: &mut Output) -> Result<ExitCode, CliError> {
        let failed = |error| CliError::repairing(&self.store, error);
        let looking = Progress::wait("checking the log");
        let repair = Repairing::look(&self.store).map_err(failed)?;
        drop(looking);
        let Some(repair) = repair else {
            return if out.is_json() {
                out.json(&Shown::of(None)).map(|()| ExitCode::SUCCESS).map_err(Into::into)
            } else {
                out.line("nothing is damaged, so there is nothing to repair")?;
                Ok(ExitCode::SUCCESS)
            };
        };
        let mut shown = Shown::of(Some((repair.damage(), repair.loss())));
        if !out.is_json() {
            show(out, repair.damage(), repair.loss())?;
        }
        if !self.accept_loss {
            if out.is_json() {
                out.json(&shown)?;
            } else {
                out.line("Nothing was changed. `--accept-loss` cuts the log off there.")?;
            }
            return Ok(ExitCode::FAILURE);
        }
        if !self.yes {
            out.flush()?;
            confirm(repair.loss().count_of_commits())?;
        }
        let report = repair.run().map_err(failed)?;
        (shown.repaired, shown.kept_in) = (true, Some(report.kept_in.display().to_string()));
        if out.is_json() {
            out.json(&shown)?;
        } else {
            let head = report.head;
            out.line(format_args!(
                "{}: the store ends with commit {}, position {} now",
                out.paint(Tone::Good, "repaired"),
                head.commit,
                head.position
            ))?;
            out.line(format_args!("what was cut off is kept in {}", report.kept_in.display()))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Asks a person.
fn confirm(commits: u64) -> Result<(), CliError> {
    if !io::stdin().is_terminal() {
        return Err(CliError::NobodyToAsk);
    }
    let mut error = io::stderr();
    write!(error, "Type {commits}, the number of commits that are lost, to go on: ")?;
    error.flush()?;
    let mut typed = String::new();
    io::stdin().lock().read_line(&mut typed)?;
    if typed.trim().parse() == Ok(commits) { Ok(()) } else { Err(CliError::NotConfirmed) }
}

fn show(out: &mut Output, damage: &Damage, loss: &Loss) -> Result<(), CliError> {
    out.line(format_args!("{} {damage}", out.paint(Tone::Bad, "DAMAGED")))?;
    let (commits, events) = (counted(loss.count_of_commits(), "commit"), counted(loss.count_of_events(), "event"));
    let lost = out.paint(Tone::Bad, "would be lost");
    match (loss.commits, loss.positions) {
        (None, _) => out.line("No commit would be lost.")?,
        (Some((first, last)), None) => {
            out.line(format_args!("{commits} ({first} to {last}), without events, {lost}."))?
        }
        (Some((first, last)), Some((from, to))) => out.line(format_args!(
            "{commits} ({first} to {last}) with {events} (positions {from} to {to}), {} of the log, {lost}.",
            HumanBytes(loss.bytes)
        ))?,
    }
    if loss.streams.is_empty() {
        return Ok(());
    }
    let mut streams = table(["stream", "events", "versions", "positions"], &[1, 2, 3]);
    for lost in loss.streams.iter().take(STREAMS_SHOWN) {
        streams.add_row([
            lost.stream.to_string(),
            count(lost.events),
            format!("{} to {}", lost.versions.0, lost.versions.1),
            format!("{} to {}", lost.positions.0, lost.positions.1),
        ]);
    }
    out.table(streams)?;
    let more = loss.streams.len().saturating_sub(STREAMS_SHOWN);
    if more > 0 {
        out.line(format_args!("and {} more streams; `--output json` lists all", count(more)))?;
    }
    let unreadable = loss.count_of_events().saturating_sub(loss.readable_events);
    if unreadable > 0 {
        out.line(format_args!("Of {} it cannot be read to which stream they belong.", counted(unreadable, "event")))?;
    }
    Ok(())
}

impl Shown {
    fn of(found: Option<(&Damage, &Loss)>) -> Self {
        let loss = found.map(|(_, loss)| loss);
        let (commits, positions) = (loss.and_then(|loss| loss.commits), loss.and_then(|loss| loss.positions));
        let streams = loss.map(|loss| loss.streams.as_slice()).unwrap_or_default();
        Self {
            damaged: found.is_some(),
            repaired: false,
            damage: found.map(|(damage, _)| damage.to_string()),
            last_commit: found.map(|(damage, _)| damage.behind.commit.get()),
            last_position: found.map(|(damage, _)| damage.behind.position.get()),
            lost_commits: loss.map_or(0, Loss::count_of_commits),
            first_lost_commit: commits.map(|(first, _)| first.get()),
            last_lost_commit: commits.map(|(_, last)| last.get()),
            lost_events: loss.map_or(0, Loss::count_of_events),
            first_lost_position: positions.map(|(first, _)| first.get()),
            last_lost_position: positions.map(|(_, last)| last.get()),
            lost_bytes: loss.map_or(0, |loss| loss.bytes),
            readable_lost_events: loss.map_or(0, |loss| loss.readable_events),
            lost_streams: streams
                .iter()
                .map(|lost| ShownStream {
                    stream: lost.stream.to_string(),
                    events: lost.events,
                    first_version: lost.versions.0.get(),
                    last_version: lost.versions.1.get(),
                    first_position: lost.positions.0.get(),
                    last_position: lost.positions.1.get(),
                })
                .collect(),
            kept_in: None,
        }
    }
}

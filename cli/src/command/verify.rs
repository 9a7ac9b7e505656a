//! `annals verify`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use annals_store_sled::{Damage, IndexVerification, LogProgress, Verification, Verify as Check, verify_index};
use clap::Args;
use indicatif::HumanBytes;
use serde::Serialize;

use crate::{
    error::CliError,
    output::{Output, Tone, count, counted, table},
    progress::Progress,
};

/// Check every byte of a store's log
///
/// Looks at the header of each file, group and commit, the hash over all commits, the checksum of each event, row and key,
/// and whether numbers, positions and times follow one another. Damage is named with file, byte, commit and positions; the
/// check then goes on with the next file. What is being written by an application meanwhile is no damage.
///
/// With --deep, the index is compared with one that is built anew from the log. For that, the store must not be in use.
///
/// The exit code is 0 only when all is well.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Verify {
    /// The store's folder
    store: PathBuf,
    /// Also compare the index with one that is built anew
    #[arg(long)]
    deep: bool,
    /// Where the two are put for that, each as large as the index [default: a folder for temporary files]
    #[arg(long, value_name = "FOLDER", requires = "deep")]
    scratch: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  annals verify bank.annals
  annals verify bank.annals --deep --scratch /data/tmp
  annals verify bank.annals > /dev/null || echo 'the store is damaged' | mail -s annals ops@example.com";

#[derive(Debug, Serialize)]
struct Shown {
    whole: bool,
    segments: u64,
    bytes: u64,
    groups: u64,
    commits: u64,
    events: u64,
    rows: u64,
    idempotency_keys: u64,
    last_commit: u64,
    last_position: u64,
    confirmed_commit: u64,
    damaged: u64,
    damages: Vec<ShownDamage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<ShownIndex>,
}

#[derive(Debug, Serialize)]
struct ShownDamage {
    segment: String,
    offset: u64,
    log_offset: u64,
    what: String,
    commit: Option<u64>,
    first_position: Option<u64>,
    last_position: Option<u64>,
    whole_through_commit: u64,
    whole_through_position: u64,
    unchecked_through_commit: Option<u64>,
    unchecked_through_position: Option<u64>,
}

#[derive(Debug, Serialize)]
struct ShownIndex {
    whole: bool,
    through_commit: u64,
    entries: u64,
    differing: u64,
    differences: Vec<String>,
}

impl Verify {
    pub(super) fn run(self, out: &mut Output) -> Result<ExitCode, CliError> {
        let begun = Instant::now();
        let found = check(&self.store)?;
        let index = if self.deep && found.is_whole() { Some(self.check_index()?) } else { None };
        let is_whole = found.is_whole() && index.as_ref().is_none_or(IndexVerification::is_whole);
        if out.is_json() {
            out.json(&Shown::of(&found, index.as_ref(), is_whole))?;
        } else {
            show(out, &found)?;
            if let Some(index) = &index {
                show_index(out, index)?;
            }
            let (state, tone) = if is_whole { ("all is well", Tone::Good) } else { ("NOT WELL", Tone::Bad) };
            out.line(format_args!("{}, in {:.1?}", out.paint(tone, state), begun.elapsed()))?;
        }
        Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn check_index(&self) -> Result<IndexVerification, CliError> {
        let _shown = Progress::wait("comparing the index with one that is built anew");
        let name = format!("annals-verify-{}", std::process::id());
        let scratch = self.scratch.clone().unwrap_or_else(std::env::temp_dir).join(name);
        verify_index(&self.store, scratch).map_err(|error| CliError::opening(&self.store, error))
    }
}

/// Checks the log, and shows how far that is.
pub(super) fn check(store: &Path) -> Result<Verification, CliError> {
    let shown = Progress::begin("checking");
    let tell = move |at: LogProgress| shown.reach(at.bytes, at.of_bytes);
    Check::new(store).progress(tell).run().map_err(|error| CliError::opening(store, error))
}

fn show(out: &mut Output, found: &Verification) -> Result<(), CliError> {
    let mut facts = table(["checked", ""], &[1]);
    let bytes = format!("{} in {}", HumanBytes(found.bytes), counted(found.segments, "segment"));
    for (what, value) in [
        ("log", bytes),
        ("groups", count(found.groups)),
        ("commits", count(found.commits)),
        ("events", count(found.events)),
        ("rows", count(found.rows)),
        ("idempotency keys", count(found.keys)),
        ("ends with", format!("commit {}, position {}", found.head.commit, found.head.position)),
        ("known to be on disk", format!("up to commit {}", found.confirmed)),
    ] {
        facts.add_row([what.to_owned(), value]);
    }
    out.table(facts)?;
    show_damages(out, found)
}

/// Names the damaged places.
pub(super) fn show_damages(out: &mut Output, found: &Verification) -> Result<(), CliError> {
    for damage in &found.damages {
        out.line(format_args!("{} {damage}", out.paint(Tone::Bad, "DAMAGED")))?;
    }
    let more = found.damaged - found.damages.len() as u64;
    if more > 0 {
        out.line(format_args!("{} more", counted(more, "damaged place")))?;
    }
    Ok(())
}

fn show_index(out: &mut Output, index: &IndexVerification) -> Result<(), CliError> {
    for difference in &index.differences {
        out.line(format_args!("{} index: {difference}", out.paint(Tone::Bad, "DIFFERS")))?;
    }
    if index.is_whole() {
        let (entries, through) = (counted(index.entries, "entry"), index.through);
        return Ok(out.line(format_args!("index: {entries} up to commit {through} are what follows from the log"))?);
    }
    let help = "It can be lost: `annals rebuild-index` builds it anew from the log.";
    Ok(out
        .line(format_args!("index: not what follows from the log, in {}. {help}", counted(index.differing, "place")))?)
}

impl Shown {
    fn of(found: &Verification, index: Option<&IndexVerification>, whole: bool) -> Self {
        Self {
            whole,
            segments: found.segments,
            bytes: found.bytes,
            groups: found.groups,
            commits: found.commits,
            events: found.events,
            rows: found.rows,
            idempotency_keys: found.keys,
            last_commit: found.head.commit.get(),
            last_position: found.head.position.get(),
            confirmed_commit: found.confirmed.get(),
            damaged: found.damaged,
            damages: found.damages.iter().map(ShownDamage::of).collect(),
            index: index.map(|index| ShownIndex {
                whole: index.is_whole(),
                through_commit: index.through.get(),
                entries: index.entries,
                differing: index.differing,
                differences: index.differences.clone(),
            }),
        }
    }
}

impl ShownDamage {
    fn of(damage: &Damage) -> Self {
        let positions = damage.commit.and_then(|commit| commit.positions);
        Self {
            segment: damage.corruption.file.clone(),
            offset: damage.corruption.offset,
            log_offset: damage.log_offset,
            what: damage.corruption.what.clone(),
            commit: damage.commit.map(|commit| commit.number.get()),
            first_position: positions.map(|(first, _)| first.get()),
            last_position: positions.map(|(_, last)| last.get()),
            whole_through_commit: damage.behind.commit.get(),
            whole_through_position: damage.behind.position.get(),
            unchecked_through_commit: damage.through.map(|through| through.commit.get()),
            unchecked_through_position: damage.through.map(|through| through.position.get()),
        }
    }
}

//! A migration, shown.

use std::{
    io::{self, Write},
    path::Path,
};

use annals::embedded::{CopyReport, CopyVerification};
use indicatif::{HumanBytes, HumanDuration};

use super::{count, table};

/// Shows what was migrated.
pub(in crate::cli) fn migrated(out: &mut impl Write, report: &CopyReport, from: &Path, to: &Path) -> io::Result<()> {
    let counts = &report.counts;
    let mut sizes = table(["", "read", "written"], &[1, 2]);
    let bytes = |bytes| HumanBytes(bytes).to_string();
    sizes.add_row(["commits", &count(counts.commits_read), &count(counts.commits_written)]);
    sizes.add_row(["events", &count(counts.events_read), &count(counts.events_written)]);
    sizes.add_row(["streams", &count(counts.streams_read), &count(report.streams_written)]);
    sizes.add_row(["log", &bytes(report.log_bytes_read), &bytes(report.log_bytes_written)]);
    writeln!(out, "{} -> {}, in {}\n{sizes}", from.display(), to.display(), HumanDuration(report.took))?;
    let mut changes = table(["events", ""], &[1]);
    let rows = [
        ("unchanged", counts.unchanged),
        ("under another name", counts.renamed),
        ("with another content or version", counts.recoded),
        ("with other tags", counts.retagged),
        ("split into several", counts.split),
        ("left out", counts.dropped),
    ];
    for (what, number) in rows {
        changes.add_row([what, &count(number)]);
    }
    writeln!(out, "{changes}")?;
    match report.resumed_behind {
        None => Ok(()),
        Some(commit) => writeln!(out, "An earlier run had come to commit {commit}; this one went on from there."),
    }
}

/// Shows what a verification found.
pub(in crate::cli) fn verification(out: &mut impl Write, found: &CopyVerification) -> io::Result<()> {
    let (commits, records) = (count(found.commits), count(found.records));
    if found.is_equal() {
        return writeln!(out, "Verified: {commits} commits, {records} events are what they should be.");
    }
    for difference in &found.differences {
        writeln!(out, "WRONG: {difference}")?;
    }
    writeln!(out, "{} differences in {commits} commits, {records} events.", count(found.differing))
}

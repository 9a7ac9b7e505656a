//! An import, shown.

use std::{
    io::{self, Write},
    path::Path,
};

use super::{count, table};
use crate::import::{Comparison, Malformed, Outcome, Rejected, Rows};

/// How many of the lines that were left out are shown; the rest is counted.
const LEFT_OUT_SHOWN: usize = 50;

/// Shows what is going to be imported.
pub(in crate::cli) fn import_begins(
    out: &mut impl Write,
    rows: &Rows,
    count_rows: u64,
    store: &Path,
) -> io::Result<()> {
    let (rows, accounts) = (count(count_rows), count(rows.accounts.len()));
    writeln!(out, "{rows} transactions of {accounts} accounts, into {}", store.display())
}

/// Shows what was imported.
pub(in crate::cli) fn import(out: &mut impl Write, outcome: &Outcome, count_rows: u64) -> io::Result<()> {
    let counts = outcome.counts;
    let mut table = table(["recorded balance", "rows"], &[1]);
    table.add_row(["exact: equal to the computed one", &count(counts.exact)]);
    table.add_row(["rounding: off by 0.10, adopted", &count(counts.rounding)]);
    table.add_row(["unresolved: off by anything else, adopted", &count(counts.unresolved)]);
    writeln!(out, "{table}")?;
    if outcome.repeated > 0 {
        let (repeated, all) = (count(outcome.repeated), count(count_rows));
        writeln!(out, "{repeated} of {all} rows had been imported before: answered as then, and not written again.")?;
    }
    Ok(())
}

/// Shows how the table of balances compares with the recorded ones.
pub(in crate::cli) fn comparison(out: &mut impl Write, comparison: &Comparison) -> io::Result<()> {
    let accounts = count(comparison.accounts);
    for wrong in &comparison.wrong {
        let found = wrong.found.map_or_else(|| "nothing".to_owned(), |found| found.to_string());
        writeln!(out, "WRONG: account {} has {found} in its row, recorded was {}", wrong.account, wrong.recorded)?;
    }
    match comparison.wrong.len() {
        0 => writeln!(out, "{accounts} accounts compared: each row of the balances holds what was recorded last."),
        wrong => writeln!(out, "{accounts} accounts compared: {} rows of the balances are wrong.", count(wrong)),
    }
}

/// Shows which lines were left out, and why.
pub(in crate::cli) fn left_out(
    out: &mut impl Write,
    file: &Path,
    malformed: &[Malformed],
    rejected: &[Rejected],
) -> io::Result<()> {
    let bad = malformed.iter().map(|bad| (bad.line, bad.reason.to_string()));
    let refused = rejected.iter().map(|bad| (bad.line, format!("account {}: {}", bad.account, bad.reason)));
    let mut lines: Vec<_> = bad.chain(refused).collect();
    lines.sort();
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nLeft out, {} in all:", count(lines.len()))?;
    for (line, reason) in lines.iter().take(LEFT_OUT_SHOWN) {
        writeln!(out, "{}:{line}: {reason}", file.display())?;
    }
    match lines.len().checked_sub(LEFT_OUT_SHOWN) {
        Some(more @ 1..) => writeln!(out, "and {} more", count(more)),
        _ => Ok(()),
    }
}

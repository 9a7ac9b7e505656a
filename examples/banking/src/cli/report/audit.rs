//! An audit, shown.

use std::io::{self, Write};

use super::{count, table};
use crate::{audit::Audit, domain::Money};

/// Shows what an audit found.
pub(in crate::cli) fn audit(out: &mut impl Write, audit: &Audit) -> io::Result<()> {
    writeln!(out, "{} accounts, {} events folded again", count(audit.accounts), count(audit.events))?;
    let mut table = table(["events", "sum of changes"], &[1]);
    for (kind, change) in audit.changes.iter().filter(|(_, change)| **change != Money::ZERO) {
        table.add_row([(*kind).to_owned(), change.to_string()]);
    }
    table.add_row(["all balances".to_owned(), audit.balance.to_string()]);
    writeln!(out, "{table}")?;
    if audit.transfers > 0 {
        writeln!(out, "{} transfers", count(audit.transfers))?;
    }
    let recorded = [audit.recorded.exact, audit.recorded.rounding, audit.recorded.unresolved];
    let all: u64 = recorded.iter().sum();
    if all > 0 {
        let [exact, rounding, unresolved] = recorded.map(count);
        writeln!(out, "{} recorded balances: {exact} exact, {rounding} rounding, {unresolved} unresolved", count(all))?;
    }
    for finding in &audit.findings {
        writeln!(out, "WRONG: {finding}")?;
    }
    match audit.findings.len() {
        0 => {
            writeln!(out, "The books are right: versions, recorded balances, transfers, sums and loaded states agree.")
        }
        wrong => writeln!(out, "The books are not right: {} findings.", count(wrong)),
    }
}

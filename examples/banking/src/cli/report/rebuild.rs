//! A read model that was computed anew, shown.

use std::io::{self, Write};

use annals::{Position, projections::Difference};

use super::{count, table};
use crate::domain::AccountId;

/// Says that an earlier run had begun it.
pub(in crate::cli) fn goes_on(out: &mut impl Write, position: Position) -> io::Result<()> {
    writeln!(out, "An earlier run had come to position {}; this one goes on from there.", count(position.get()))
}

/// Shows how the rows that are read differ from those beside them.
pub(in crate::cli) fn difference(out: &mut impl Write, projection: &str, difference: &Difference) -> io::Result<()> {
    let columns = ["rows of", "alike", "added", "removed", "changed"];
    let mut shown = table(columns, &[1, 2, 3, 4]);
    for table in &difference.tables {
        let counts = [table.alike, table.added, table.removed, table.changed].map(count);
        shown.add_row(std::iter::once(table.table.clone()).chain(counts));
    }
    writeln!(out, "{projection}, both at position {}\n{shown}", count(difference.position.get()))?;
    for table in &difference.tables {
        for example in &table.examples {
            writeln!(out, "DIFFERENT: {} {example}", table.table)?;
        }
    }
    if difference.is_empty() { writeln!(out, "All rows are alike.") } else { Ok(()) }
}

/// Says what is read from now on, and how what was read before comes back.
pub(in crate::cli) fn swapped(out: &mut impl Write, name: &str, store: &str, is_in_memory: bool) -> io::Result<()> {
    if is_in_memory {
        return writeln!(out, "These rows are in memory: each start computes them anew.");
    }
    writeln!(out, "These rows are read from now on. Until the next swap, those from before can be brought back:")?;
    writeln!(out, "  rebuild {name} --bring-back --reason \"..\"{store}")
}

/// Says that nothing was changed.
pub(in crate::cli) fn kept(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "What is read is what it was.")
}

/// Says of how many events the rows of an account now are.
pub(in crate::cli) fn of_account(
    out: &mut impl Write,
    projection: &str,
    account: &AccountId,
    events: usize,
) -> io::Result<()> {
    writeln!(out, "{projection}: the rows of account {account} follow from its {} events.", count(events))
}

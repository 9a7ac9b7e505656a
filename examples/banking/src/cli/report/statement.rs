//! A statement, shown.

use std::io::{self, Write};

use super::table;
use crate::{domain::Money, statement::Statement};

/// Shows a statement, or the last entries of it.
pub(in crate::cli) fn statement(out: &mut impl Write, statement: &Statement, last: Option<usize>) -> io::Result<()> {
    let owner = statement.owner.as_ref().map(|owner| format!(" of {owner}")).unwrap_or_default();
    let all = statement.entries.len();
    let shown = last.unwrap_or(all).min(all);
    writeln!(out, "\nStatement of account {}{owner}", statement.account)?;
    if shown < all {
        writeln!(out, "(the last {shown} of {all} entries)")?;
    }
    let mut table = table(["version", "day", "what", "change", "balance"], &[0, 3, 4]);
    for entry in statement.entries.iter().skip(all - shown) {
        let day: String = entry.occurred.to_string().chars().take(10).collect();
        let change = if entry.change == Money::ZERO { String::new() } else { entry.change.to_string() };
        table.add_row([&entry.version.to_string(), &day, &entry.text, &change, &entry.balance.to_string()]);
    }
    writeln!(out, "{table}\nBalance {}", statement.balance)
}

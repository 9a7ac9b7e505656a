//! A statement, shown.

use std::io::{self, Write};

use super::{count, table};
use crate::{
    domain::{AccountId, Money},
    read::{Bookings, MonthlyStatement},
    statement::Statement,
};

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

/// Shows what each month brought an account.
pub(in crate::cli) fn months(out: &mut impl Write, account: &AccountId, months: &[MonthlyStatement]) -> io::Result<()> {
    writeln!(out, "\nMonthly statements of account {account}")?;
    let mut table = table(["month", "opening", "bookings", "in", "out", "closing"], &[1, 2, 3, 4, 5]);
    for statement in months {
        let Bookings { count: bookings, incoming, outgoing } = statement.bookings;
        let [opening, incoming, outgoing, closing] =
            [statement.opening, incoming, outgoing, statement.closing()].map(|money| money.to_string());
        table.add_row([statement.month.to_string(), opening, count(bookings), incoming, outgoing, closing]);
    }
    writeln!(out, "{table}")
}

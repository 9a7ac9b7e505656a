//! What is on the accounts, shown.

use std::io::{self, Write};

use super::{count, table};
use crate::read::{AccountBalance, Day};

/// Shows rows of accounts.
pub(in crate::cli) fn accounts(out: &mut impl Write, accounts: &[AccountBalance]) -> io::Result<()> {
    let mut table = table(["account", "owner", "IBAN", "bookings", "last", "balance"], &[3, 5]);
    for row in accounts {
        let owner = row.owner.as_ref().map(ToString::to_string).unwrap_or_default();
        let iban = row.iban.as_ref().map(ToString::to_string).unwrap_or_default();
        let last = row.last_booked.and_then(|time| Day::of(time).ok()).map(|day| day.to_string()).unwrap_or_default();
        let balance = if row.is_closed { "closed".to_owned() } else { row.balance.to_string() };
        table.add_row([row.account.to_string(), owner, iban, count(row.bookings), last, balance]);
    }
    writeln!(out, "{table}\n{} accounts", count(accounts.len()))
}

/// Says that rows are not what they should be because of events that could not be taken in.
pub(in crate::cli) fn set_aside(out: &mut impl Write, accounts: usize) -> io::Result<()> {
    match accounts {
        0 => Ok(()),
        accounts => {
            writeln!(out, "WRONG: the events of {} accounts are set aside; their rows lack them", count(accounts))
        }
    }
}

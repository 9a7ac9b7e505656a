//! The bank at a glance, shown.

use std::{
    io::{self, Write},
    time::Duration,
};

use annals::{
    Timestamp,
    projections::{Status, ViewError},
};
use indicatif::HumanDuration;

use super::{count, table};
use crate::{
    dashboard::{Dashboard, Holdings, Vitals},
    read::{Bookings, DailyTurnover, Day, Watched},
};

/// Shows the bank at a glance.
pub(in crate::cli) fn dashboard(out: &mut impl Write, dashboard: &Dashboard) -> io::Result<()> {
    writeln!(out, "The log ends at position {}", count(dashboard.end.get()))?;
    projections(out, &dashboard.projections)?;
    match &dashboard.holdings {
        Ok(holdings) => accounts(out, holdings)?,
        Err(error) => missing(out, "Accounts", error)?,
    }
    match &dashboard.days {
        Ok(days) => turnover(out, days)?,
        Err(error) => missing(out, "Turnover", error)?,
    }
    match &dashboard.watched {
        Ok(watched) => watch_list(out, watched),
        Err(error) => missing(out, "Watch-list", error),
    }
}

fn missing(out: &mut impl Write, what: &str, error: &ViewError) -> io::Result<()> {
    writeln!(out, "\n{what}: {error}")
}

fn projections(out: &mut impl Write, projections: &[Vitals]) -> io::Result<()> {
    let columns = ["projection", "health", "state", "position", "behind", "since", "events/s", "left", "parked keys"];
    let mut table = table(columns, &[3, 4, 5, 6, 7, 8]);
    for Vitals { status, lag, health } in projections {
        table.add_row([
            status.projection.to_owned(),
            health.level.to_string(),
            status.state.to_string(),
            count(status.position.get()),
            count(lag.positions),
            duration(lag.time),
            format!("{:.0}", status.rate),
            lag.eta.map_or_else(|| "?".to_owned(), duration),
            parked(status),
        ]);
    }
    writeln!(out, "{table}")
}

fn duration(duration: Duration) -> String {
    if duration.is_zero() { String::new() } else { format!("{:#}", HumanDuration(duration)) }
}

fn parked(status: &Status) -> String {
    match (status.parked_keys, status.retrying_keys) {
        (parked, 0) => count(parked),
        (parked, retrying) => format!("{}, {} tried again", count(parked), count(retrying)),
    }
}

fn accounts(out: &mut impl Write, holdings: &Holdings) -> io::Result<()> {
    writeln!(out, "\n{} accounts hold {}; the largest:", count(holdings.accounts), holdings.total)?;
    let mut table = table(["account", "owner", "bookings", "balance"], &[2, 3]);
    for row in &holdings.largest {
        let owner = row.owner.as_ref().map(ToString::to_string).unwrap_or_default();
        table.add_row([row.account.to_string(), owner, count(row.bookings), row.balance.to_string()]);
    }
    writeln!(out, "{table}")
}

fn turnover(out: &mut impl Write, days: &[DailyTurnover]) -> io::Result<()> {
    writeln!(out, "\nTurnover of the latest days")?;
    let mut table = table(["day", "bookings", "in", "out"], &[1, 2, 3]);
    for DailyTurnover { day, bookings: Bookings { count: bookings, incoming, outgoing } } in days {
        table.add_row([day.to_string(), count(*bookings), incoming.to_string(), outgoing.to_string()]);
    }
    writeln!(out, "{table}")
}

fn watch_list(out: &mut impl Write, watched: &[Watched]) -> io::Result<()> {
    if watched.is_empty() {
        return writeln!(out, "\nNo account is conspicuous.");
    }
    writeln!(out, "\nConspicuous withdrawals")?;
    let day = |time: Timestamp| Day::of(time).map(|day| day.to_string()).unwrap_or_default();
    let mut table = table(["account", "from", "to", "withdrawn"], &[3]);
    for Watched { account, from, to, total } in watched {
        table.add_row([account.to_string(), day(*from), day(*to), total.to_string()]);
    }
    writeln!(out, "{table}")
}

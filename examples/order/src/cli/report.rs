//! What commands say.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::Path,
    time::Duration,
};

use annals::Annals;
use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use indicatif::{HumanCount, HumanDuration};

use crate::{
    audit::{Books, Finding, Rows},
    calendar::Calendar,
    domain::Money,
    import,
    read::Stage,
    replay::{Comparison, Produced, RecordedLog, Unrecorded},
    season::Plan,
};

/// How many findings are shown.
const FINDINGS_SHOWN: usize = 20;
/// How many rows a table of the largest shows.
const LARGEST: usize = 5;

pub(super) fn season_begins(out: &mut impl Write, store: &Path, plan: &Plan) -> io::Result<()> {
    let (orders, products) = (HumanCount(plan.orders.len() as u64), plan.stock.len());
    writeln!(out, "A season of {orders} orders for {products} products, into {}", store.display())
}

pub(super) fn season(
    out: &mut impl Write,
    shop: &Annals,
    books: &Books,
    rows: &Rows,
    calendar: &Calendar,
    took: Duration,
) -> io::Result<()> {
    ran(out, shop, calendar, took)?;
    writeln!(out, "{}\n", orders_by_stage(rows))?;
    writeln!(out, "{}\n", counts(books))?;
    writeln!(out, "{}\n", money(books, rows))?;
    writeln!(out, "The best customers:\n{}\n", customers(rows))?;
    writeln!(out, "The scarcest products:\n{}", stock(rows))
}

pub(super) fn findings(out: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    if findings.is_empty() {
        return writeln!(
            out,
            "\nChecked: nothing was oversold, stock and money add up, the read models say what the events say, and nothing is left to do."
        );
    }
    writeln!(out, "\n{} things are wrong:", HumanCount(findings.len() as u64))?;
    findings.iter().take(FINDINGS_SHOWN).try_for_each(|finding| writeln!(out, "  {finding}"))
}

pub(super) fn import_begins(out: &mut impl Write, books: &import::Books, store: &Path) -> io::Result<()> {
    let [lines, invoices] = [books.size.lines, books.size.invoices()].map(HumanCount);
    writeln!(out, "{lines} lines of {invoices} invoices, into {}", store.display())
}

pub(super) fn replay_begins(out: &mut impl Write, log: &RecordedLog, store: &Path) -> io::Result<()> {
    let (rows, items) = (HumanCount(log.rows.len() as u64), HumanCount(log.orders.len() as u64));
    writeln!(out, "{rows} rows about {items} items, into {}", store.display())
}

pub(super) fn replay(
    out: &mut impl Write,
    shop: &Annals,
    comparison: &Comparison,
    calendar: &Calendar,
    took: Duration,
) -> io::Result<()> {
    ran(out, shop, calendar, took)?;
    let Comparison { reorders, reminders, .. } = comparison;
    let mut table = table(["produced by sagas", "recorded", "produced", "both", "only recorded", "only produced"], 1);
    let mut add = |what: &str, figures: [usize; 5]| {
        table.add_row([what.to_owned()].into_iter().chain(figures.map(|figure| HumanCount(figure as u64).to_string())));
    };
    add("reorders, by item", figures(reorders));
    add("reminders, by order and time", figures(reminders));
    writeln!(out, "{table}\n")?;
    let (median, most) = comparison.sooner;
    let (median, most) = (HumanDuration(median), HumanDuration(most));
    writeln!(
        out,
        "People reordered later than the saga, which does so at once: by {median} in the median, {most} at most."
    )?;
    unrecorded(out, comparison)?;
    writeln!(out, "{} orders were delivered.", HumanCount(comparison.delivered as u64))?;
    comparison.undelivered.iter().try_for_each(|order| writeln!(out, "  order {order} was not"))
}

fn figures<T>(of: &Produced<T>) -> [usize; 5] {
    [of.recorded, of.produced, of.both, of.only_recorded.len(), of.only_produced.len()]
}

/// Why reminders were produced that nobody recorded.
fn unrecorded(out: &mut impl Write, comparison: &Comparison) -> io::Result<()> {
    let unrecorded = &comparison.unrecorded;
    let dues = || unrecorded.iter().map(|reminder| reminder.due);
    let (Some(first), Some(last)) = (dues().min(), dues().max()) else { return Ok(()) };
    let (missing, there) = (unrecorded.len(), comparison.recorded_meanwhile);
    writeln!(
        out,
        "{missing} reminders were not recorded although the order was unpaid. They were due from {first} to {last}, when the log \
         has {there} of {}:",
        there + missing
    )?;
    unrecorded.iter().try_for_each(|Unrecorded { order, due, unpaid_for }| match unpaid_for {
        Some(unpaid_for) => writeln!(out, "  order {order}, due {due}: paid {} later", HumanDuration(*unpaid_for)),
        None => writeln!(out, "  order {order}, due {due}: WRONG, it was paid before"),
    })
}

pub(super) fn malformed(out: &mut impl Write, log: &RecordedLog) -> io::Result<()> {
    if log.malformed.is_empty() {
        return Ok(());
    }
    writeln!(out, "{} rows were not understood:", HumanCount(log.malformed.len() as u64))?;
    log.malformed.iter().take(FINDINGS_SHOWN).try_for_each(|row| writeln!(out, "  {row}"))
}

/// How much was done, and how fast.
fn ran(out: &mut impl Write, shop: &Annals, calendar: &Calendar, took: Duration) -> io::Result<()> {
    let head = *shop.store().head().borrow();
    let (events, commits) = (HumanCount(head.position.get()), HumanCount(head.commit.get()));
    let (seconds, stops) = (took.as_secs_f64(), HumanCount(calendar.stops()));
    writeln!(
        out,
        "Done in {seconds:.1} s: {events} events in {commits} commits; time stopped {stops} times for what was due\n"
    )
}

/// A table with figures to the right.
pub(super) fn table<const N: usize>(header: [&str; N], figures_from: usize) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    for column in table.column_iter_mut().skip(figures_from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn orders_by_stage(rows: &Rows) -> Table {
    let mut stages: BTreeMap<String, (u64, Money)> = BTreeMap::new();
    for order in &rows.orders {
        let stage = match (order.stage, order.cause) {
            (Stage::Cancelled, Some(cause)) => format!("cancelled: {cause:?}"),
            (stage, _) => format!("{stage:?}").to_lowercase(),
        };
        let (count, total) = stages.entry(stage).or_default();
        *count += 1;
        *total += order.total;
    }
    let mut table = table(["orders", "count", "ordered"], 1);
    for (stage, (count, total)) in stages {
        table.add_row([stage, HumanCount(count).to_string(), total.to_string()]);
    }
    table
}

fn counts(books: &Books) -> Table {
    let shown = [
        ("order.reserved", "put aside at once for an order"),
        ("stock.reordered", "products reordered"),
        ("payment.captured", "cards charged"),
        ("payment.received", "invoices paid"),
        ("order.reminded", "reminders"),
        ("payment.refunded", "refunds"),
        ("stock.released", "products released"),
        ("stock.put_back", "products put back on the shelf"),
        ("shipment.failed", "deliveries with nobody at home"),
        ("shipment.taken_back", "shipments taken back"),
        ("saga.stepped", "steps of sagas and reactions"),
    ];
    let mut table = table(["what happened", "times"], 1);
    for (name, what) in shown {
        let count = books.events.get(name).copied().unwrap_or_default();
        table.add_row([what.to_owned(), HumanCount(count).to_string()]);
    }
    table
}

fn money(books: &Books, rows: &Rows) -> Table {
    let mut table = table(["money", "amount"], 1);
    let received: Money = rows.revenue.iter().map(|day| day.received).sum();
    let refunded: Money = rows.revenue.iter().map(|day| day.refunded).sum();
    let kept: Money = books.payments.values().map(crate::domain::Payment::kept).sum();
    for (what, amount) in [("came in", received), ("went back", refunded), ("was kept", kept)] {
        table.add_row([what.to_owned(), amount.to_string()]);
    }
    table
}

fn customers(rows: &Rows) -> Table {
    let mut best: Vec<_> = rows.customers.iter().collect();
    best.sort_by_key(|row| std::cmp::Reverse(row.paid));
    let mut table = table(["customer", "orders", "cancelled", "returned", "paid"], 1);
    for row in best.into_iter().take(LARGEST) {
        let [orders, cancelled, returned] = [row.orders, row.cancelled, row.returned].map(|count| count.to_string());
        table.add_row([row.customer.to_string(), orders, cancelled, returned, row.paid.to_string()]);
    }
    table
}

fn stock(rows: &Rows) -> Table {
    let mut scarce: Vec<_> = rows.stock.iter().collect();
    scarce.sort_by_key(|row| row.available);
    let mut table = table(["product", "available", "put aside", "picked", "reordered"], 1);
    for row in scarce.into_iter().take(LARGEST) {
        let figures =
            [row.available.to_string(), row.reserved.to_string(), row.picked.to_string(), row.reorders.to_string()];
        let [available, reserved, picked, reorders] = figures;
        table.add_row([row.product.to_string(), available, reserved, picked, reorders]);
    }
    table
}

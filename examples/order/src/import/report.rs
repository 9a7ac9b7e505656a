//! An import, shown.

use std::io::{self, Write};

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use indicatif::HumanCount;

use super::{Books, Comparison, Figures, Matched, Odd, Outcome, Size, Sums};

/// How many of what is wrong or left out are shown, each; the rest is counted.
const SHOWN: usize = 50;

/// All that is known at the end of an import.
#[derive(Debug)]
pub struct Report {
    /// What was read. Its invoices may have been taken out.
    pub books: Books,
    /// What came of sending it.
    pub outcome: Outcome,
    /// What the file sums up to.
    pub sums: Sums,
    /// How the read models compare with that.
    pub comparison: Comparison,
}

impl Report {
    /// Whether all of the file is in the books, and the read models say the same as the file.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.books.malformed.is_empty() && self.outcome.rejected.is_empty() && self.comparison.wrong.is_empty()
    }
}

/// Shows what was imported, how it is matched, what is odd about it, whether the read models are right, and what was left out.
///
/// # Errors
/// When `out` cannot be written to.
pub fn report(out: &mut impl Write, report: &Report) -> io::Result<()> {
    recorded(out, &report.books.size, &report.outcome)?;
    matched(out, &report.books.matched)?;
    odd(out, &report.books.odd)?;
    comparison(out, &report.sums, &report.comparison)?;
    left_out(out, &report.books, &report.outcome)
}

fn recorded(out: &mut impl Write, size: &Size, outcome: &Outcome) -> io::Result<()> {
    let mut table = table(["in the file", ""]);
    table.add_row(["invoices about sales", &count(size.sales)]);
    table.add_row(["cancellations", &count(size.cancellations)]);
    table.add_row(["adjustments", &count(size.adjustments)]);
    table.add_row(["lines", &count(size.lines)]);
    table.add_row(["lines of the longest invoice", &count(size.lines_max)]);
    writeln!(out, "{table}")?;
    let (events, commits, seconds) = (outcome.events, outcome.recorded, outcome.took.as_secs_f64());
    writeln!(out, "{} events in {} commits, on disk in {seconds:.1} s", count(events), count(commits))?;
    if outcome.repeated > 0 {
        let (repeated, all) = (count(outcome.repeated), count(size.invoices()));
        writeln!(
            out,
            "{repeated} of {all} invoices had been imported before: answered as then, and not written again."
        )?;
    }
    Ok(())
}

fn matched(out: &mut impl Write, matched: &Matched) -> io::Result<()> {
    let Matched { lines, invoices, pieces, pieces_matched, pieces_at_another_price } = matched;
    let mut table = table(["given back", "lines", "cancellations"]);
    let mut row = |what: &str, lines: u64, invoices: u64| {
        table.add_row([what, count(lines).as_str(), count(invoices).as_str()]);
    };
    row("matched fully with earlier invoices", lines.fully, invoices.fully);
    row("matched partly", lines.partly, invoices.partly);
    row("not matched: not sold to this customer before", lines.not, invoices.not);
    row("not matched: without a customer", lines.without_customer, invoices.without_customer);
    row("all", lines.all(), invoices.all());
    writeln!(out, "\n{table}")?;
    let [pieces, matched, other] = [pieces, pieces_matched, pieces_at_another_price].map(|pieces| count(*pieces));
    writeln!(out, "{matched} of {pieces} pieces are matched, {other} of these with a line at another price.")
}

fn odd(out: &mut impl Write, odd: &Odd) -> io::Result<()> {
    let mut table = table(["odd, and taken over as it is", ""]);
    let rows = [
        ("lines that say the same as another one of their invoice", odd.duplicates),
        ("lines with a price of zero", odd.free),
        ("lines with a price below zero", odd.negative_prices),
        ("lines with a quantity below zero on no cancellation", odd.negative_counts),
        ("lines with a quantity above zero on a cancellation", odd.positive_cancellations),
        ("lines with a quantity of zero", odd.zero_counts),
        ("lines without a customer", odd.without_customer),
        ("lines without a description", odd.without_description),
        ("invoices with lines of several times: the first counts", odd.several_times),
    ];
    for (what, number) in rows {
        table.add_row([what, &count(number)]);
    }
    writeln!(out, "\n{table}")
}

fn comparison(out: &mut impl Write, sums: &Sums, comparison: &Comparison) -> io::Result<()> {
    let total = sums.total();
    let known = sums.customers.values().copied().fold(Figures::default(), Figures::and);
    let mut table = table(["summed up from the file", "bought", "given back"]);
    table.add_row(["by known customers", &known.bought(), &known.given_back()]);
    table.add_row(["by all, adjustments included", &total.bought(), &total.given_back()]);
    writeln!(out, "\n{table}")?;
    for wrong in comparison.wrong.iter().take(SHOWN) {
        writeln!(out, "WRONG: {}: expected {}; found {}", wrong.subject, wrong.expected, wrong.found)?;
    }
    let (customers, days) = (count(comparison.customers), count(comparison.days));
    match comparison.wrong.len() {
        0 => writeln!(out, "{customers} customers and {days} days compared: each row holds what the file sums up to."),
        wrong => writeln!(out, "{customers} customers and {days} days compared: {} rows are wrong.", count(wrong)),
    }
}

fn left_out(out: &mut impl Write, books: &Books, outcome: &Outcome) -> io::Result<()> {
    let bad = books.malformed.iter().map(|bad| (bad.line, bad.reason.to_string()));
    let refused = outcome.rejected.iter().map(|bad| (bad.line, format!("invoice {}: {}", bad.invoice, bad.reason)));
    let mut lines: Vec<_> = bad.chain(refused).collect();
    lines.sort();
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nLeft out, {} in all:", count(lines.len()))?;
    for (line, reason) in lines.iter().take(SHOWN) {
        writeln!(out, "{}:{line}: {reason}", books.file.display())?;
    }
    match lines.len().checked_sub(SHOWN) {
        Some(more @ 1..) => writeln!(out, "and {} more", count(more)),
        _ => Ok(()),
    }
}

/// An empty table; all columns but the first hold numbers.
fn table<const N: usize>(columns: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(columns);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A number with thousands.
fn count(number: impl TryInto<u64>) -> String {
    HumanCount(number.try_into().unwrap_or(u64::MAX)).to_string()
}

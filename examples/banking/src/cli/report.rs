//! What is shown.
#![allow(clippy::print_stdout, reason = "the command line's output")]

use std::path::Path;

use comfy_table::{CellAlignment, Table, presets::UTF8_HORIZONTAL_ONLY};
use indicatif::HumanCount;

use crate::{
    audit::Audit,
    domain::Money,
    import::{Malformed, Outcome as Imported, Rejected, Rows},
    quarter::{Answer, Apart, Balance, Disk, Outcome, Plan},
    statement::Statement,
};

/// How many lines of what was left out are shown; the rest is counted.
const LEFT_OUT_SHOWN: usize = 50;
/// How many accounts are shown of all.
const BALANCES_SHOWN: usize = 5;

pub(super) fn begin(store: &Path, plan: &Plan, transactions: u64, callers: usize, disk: Disk) {
    let (customers, accounts) = (HumanCount(plan.customers.len() as u64), HumanCount(plan.accounts.len() as u64));
    println!("A quarter of a bank in {}: {customers} customers, {accounts} accounts,", store.display());
    println!("{} transactions by {callers} callers at once, each durable before it is answered.", count(transactions));
    println!("This disk makes a write durable in {:.2} ms.", milliseconds(disk));
}

pub(super) fn slow_disk(transactions: u64, callers: usize, disk: Disk) {
    let least = disk.least(transactions, callers).as_secs_f64();
    println!("That is slow: {callers} callers share each such wait, and still it takes {least:.0} s at least.");
    println!("A local disk would be faster than a network or memory card; more --callers share better.");
}

pub(super) fn outcome(outcome: Outcome) {
    let Outcome { opened, made, repeated, took } = outcome;
    let per_second = (made + repeated) as f64 / took.as_secs_f64().max(f64::EPSILON);
    println!("\n{} transactions made, {} repeated, in {:.1} s", count(made), count(repeated), took.as_secs_f64());
    println!("{per_second:.0} a second; {} customers and accounts are new", count(opened));
    if repeated > 0 {
        println!("A repetition is answered with the first answer and changes nothing.");
    }
}

pub(super) fn slow_run(outcome: Outcome, callers: usize, disk: Disk) {
    let least = disk.least(outcome.made, callers).as_secs_f64();
    let took = outcome.took.as_secs_f64();
    println!("Of these {took:.0} s the disk accounts for {least:.0} s and more: {:.2} ms a write,", milliseconds(disk));
    println!("shared by at most {callers} callers. The rest is this machine's processor, or other work on it.");
}

pub(super) fn statement(statement: &Statement, last: Option<usize>) {
    let owner = statement.owner.as_ref().map(|owner| format!(" of {owner}")).unwrap_or_default();
    let hidden = last.map_or(0, |last| statement.entries.len().saturating_sub(last));
    println!("\nStatement of account {}{owner}", statement.account);
    if hidden > 0 {
        println!("(the last {} of {} entries)", statement.entries.len() - hidden, statement.entries.len());
    }
    let mut table = table(["version", "day", "what", "change", "balance"], &[0, 3, 4]);
    for entry in statement.entries.iter().skip(hidden) {
        let day: String = entry.occurred.to_string().chars().take(10).collect();
        let change = if entry.change == Money::ZERO { String::new() } else { entry.change.to_string() };
        table.add_row([&entry.version.to_string(), &day, &entry.text, &change, &entry.balance.to_string()]);
    }
    println!("{table}\nBalance {}", statement.balance);
}

pub(super) fn balances(balances: &[Balance]) {
    println!("\nThe largest of all balances");
    let mut largest: Vec<_> = balances.iter().collect();
    largest.sort_by_key(|balance| std::cmp::Reverse(balance.found));
    let mut table = table(["account", "owner", "balance"], &[2]);
    for balance in largest.iter().take(BALANCES_SHOWN) {
        let owner = balance.owner.as_ref().map(ToString::to_string).unwrap_or_default();
        table.add_row([balance.account.to_string(), owner, balance.found.to_string()]);
    }
    let sum: Money = balances.iter().map(|balance| balance.found).sum();
    let planned = balances.iter().filter(|balance| balance.is_planned()).count();
    println!("{table}\nSum of all {}: {sum}; {} are as planned", count(balances.len()), count(planned));
    for wrong in balances.iter().filter(|balance| !balance.is_planned()) {
        println!("account {} holds {}, planned was {}", wrong.account, wrong.found, wrong.planned);
    }
}

pub(super) fn apart(apart: &Apart) {
    println!("\nWhat does not go through writes nothing. Shown with account {}:", apart.account);
    answer("A withdrawal of more than there is", &apart.refused);
    answer("A deposit by someone who expects an older version of the account", &apart.conflict);
    answer("Another deposit under the idempotency key of a first request", &apart.key_reused);
}

fn answer(what: &str, answer: &Answer) {
    match answer {
        Ok(executed) => println!("* {what}: went through, new balance {}", executed.reply),
        Err(error) => println!("* {what}:\n  {error}"),
    }
}

pub(super) fn next_steps(store: &Path) {
    let flag = if store == Path::new(super::BANK) { String::new() } else { format!(" --store {}", store.display()) };
    println!("\nNext: run it again (nothing happens twice), or add to `cargo run --release -p banking --`");
    println!("  statement A-0001 --at 2026-01-31{flag}\n  verify{flag}\n  import examples/banking/data");
}

pub(super) fn import_begins(rows: &Rows, transactions: u64, store: &Path) {
    let (rows, accounts) = (count(transactions), count(rows.accounts.len()));
    println!("{rows} transactions of {accounts} accounts, into {}", store.display());
}

pub(super) fn import(outcome: &Imported, transactions: u64) {
    let counts = outcome.counts;
    let mut table = table(["recorded balance", "rows"], &[1]);
    table.add_row(["exact: equal to the computed one", &count(counts.exact)]);
    table.add_row(["rounding: off by 0.10, adopted", &count(counts.rounding)]);
    table.add_row(["unresolved: off by anything else, adopted", &count(counts.unresolved)]);
    println!("{table}");
    if outcome.repeated > 0 {
        let (repeated, all) = (count(outcome.repeated), count(transactions));
        println!("{repeated} of {all} rows had been imported before: answered as then, and nothing was written.");
    }
}

pub(super) fn left_out(file: &Path, malformed: &[Malformed], rejected: &[Rejected]) {
    let bad = malformed.iter().map(|bad| (bad.line, bad.reason.to_string()));
    let refused = rejected.iter().map(|bad| (bad.line, format!("account {}: {}", bad.account, bad.reason)));
    let mut lines: Vec<_> = bad.chain(refused).collect();
    lines.sort();
    if lines.is_empty() {
        return;
    }
    println!("\n{} lines were left out:", count(lines.len()));
    for (line, reason) in lines.iter().take(LEFT_OUT_SHOWN) {
        println!("{}:{line}: {reason}", file.display());
    }
    if lines.len() > LEFT_OUT_SHOWN {
        println!("and {} more", count(lines.len() - LEFT_OUT_SHOWN));
    }
}

pub(super) fn audit(audit: &Audit) {
    let mut table = table(["events", "sum of changes"], &[1]);
    for (kind, change) in audit.changes.iter().filter(|(_, change)| **change != Money::ZERO) {
        table.add_row([(*kind).to_owned(), change.to_string()]);
    }
    table.add_row(["all balances".to_owned(), audit.balance.to_string()]);
    println!("\n{} accounts, {} events folded again", count(audit.accounts), count(audit.events));
    println!("{table}\n{} transfers, both sides of each in one commit", count(audit.transfers));
    let recorded = audit.recorded;
    let all = recorded.exact + recorded.rounding + recorded.unresolved;
    if all > 0 {
        let [exact, rounding, unresolved] = [recorded.exact, recorded.rounding, recorded.unresolved].map(count);
        println!("{} recorded balances: {exact} exact, {rounding} rounding, {unresolved} unresolved", count(all));
    }
    if audit.findings.is_empty() {
        println!("The books are right.");
    }
    for finding in &audit.findings {
        println!("WRONG: {finding}");
    }
}

fn table<const N: usize>(columns: [&str; N], numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_header(columns);
    for column in numbers {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn count(number: impl TryInto<u64>) -> String {
    HumanCount(number.try_into().unwrap_or(u64::MAX)).to_string()
}

fn milliseconds(disk: Disk) -> f64 {
    disk.fsync.as_secs_f64() * 1_000.0
}

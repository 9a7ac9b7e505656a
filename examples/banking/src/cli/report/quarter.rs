//! A run of the generated quarter, shown.

use std::{
    cmp::Reverse,
    io::{self, Write},
    path::Path,
};

use super::{count, table};
use crate::{
    domain::Money,
    quarter::{Answer, Apart, Balance, Disk, Outcome, Plan},
};

/// How many accounts are shown of all.
const BALANCES_SHOWN: usize = 5;

/// Shows what is going to be run.
pub(in crate::cli) fn begins(out: &mut impl Write, store: &Path, plan: &Plan, callers: usize) -> io::Result<()> {
    let (customers, accounts) = (count(plan.customers.len()), count(plan.accounts.len()));
    writeln!(out, "A quarter of a bank in {}: {customers} customers, {accounts} accounts,", store.display())?;
    let transactions = count(plan.transactions());
    writeln!(out, "{transactions} transactions by {callers} callers at once, each durable before it is answered.")
}

/// Says before a run that it will take long, and why.
pub(in crate::cli) fn slow_disk(out: &mut impl Write, commits: u64, callers: usize, disk: Disk) -> io::Result<()> {
    let least = disk.least(commits, callers).as_secs_f64();
    writeln!(out, "This will take {least:.0} s or more: to make a write durable, this disk takes {}.", fsync(disk))?;
    writeln!(out, "{callers} callers share each such wait; --callers 1000 share better, a local SSD is quicker.")
}

/// Shows what came of a run.
pub(in crate::cli) fn outcome(out: &mut impl Write, outcome: Outcome, disk: Disk) -> io::Result<()> {
    let Outcome { opened, made, repeated, took } = outcome;
    let per_second = (made + repeated) as f64 / took.as_secs_f64().max(f64::EPSILON);
    let (opened, took) = (count(opened), took.as_secs_f64());
    writeln!(out, "\n{} transactions made, {} repetitions, in {took:.1} s:", count(made), count(repeated))?;
    writeln!(out, "{} a second, where one durable write takes {}.", count(per_second as u64), fsync(disk))?;
    writeln!(out, "{opened} customers and accounts are new.")?;
    if repeated > 0 {
        writeln!(out, "A repetition gets the first answer, and nothing is written.")?;
    }
    Ok(())
}

/// Says after a run why it took long.
pub(in crate::cli) fn slow_run(out: &mut impl Write, outcome: Outcome, callers: usize, disk: Disk) -> io::Result<()> {
    let least = disk.least(outcome.made, callers).as_secs_f64();
    let took = outcome.took.as_secs_f64();
    writeln!(out, "It took long: of {took:.0} s the disk accounts for {least:.0} s or more, {} a write,", fsync(disk))?;
    writeln!(out, "shared by at most {callers} callers. The rest is this machine's processor, or other work on it.")
}

/// Shows the largest balances, and how all compare with the plan.
pub(in crate::cli) fn balances(out: &mut impl Write, balances: &[Balance]) -> io::Result<()> {
    let mut largest: Vec<_> = balances.iter().collect();
    largest.sort_by_key(|balance| Reverse(balance.found));
    let mut table = table(["account", "owner", "balance"], &[2]);
    for balance in largest.iter().take(BALANCES_SHOWN) {
        let owner = balance.owner.as_ref().map(ToString::to_string).unwrap_or_default();
        table.add_row([balance.account.to_string(), owner, balance.found.to_string()]);
    }
    let sum: Money = balances.iter().map(|balance| balance.found).sum();
    let planned = balances.iter().filter(|balance| balance.is_planned()).count();
    writeln!(out, "\nThe largest balances\n{table}")?;
    writeln!(out, "The sum of all {} is {sum}; {} are as planned.", count(balances.len()), count(planned))?;
    for wrong in balances.iter().filter(|balance| !balance.is_planned()) {
        writeln!(out, "WRONG: account {} holds {}, planned was {}", wrong.account, wrong.found, wrong.planned)?;
    }
    Ok(())
}

/// Shows what does not go through.
pub(in crate::cli) fn apart(out: &mut impl Write, apart: &Apart) -> io::Result<()> {
    writeln!(out, "\nWhat does not go through, with account {}; nothing is written:", apart.account)?;
    answer(out, "a withdrawal of more than there is", &apart.refused)?;
    answer(out, "a deposit that expects an older version of the account", &apart.conflict)?;
    answer(out, "another request with the idempotency key of a first one", &apart.key_reused)?;
    answer(out, "another account under the IBAN of this one", &apart.iban_taken)
}

fn answer(out: &mut impl Write, what: &str, answer: &Answer) -> io::Result<()> {
    match answer {
        Ok(executed) => writeln!(out, "* {what}\n  WRONG: went through, new balance {}", executed.reply),
        Err(error) => writeln!(out, "* {what}\n  {error}"),
    }
}

/// Says what to try next. `flag` names the store where that is needed.
pub(in crate::cli) fn next_steps(out: &mut impl Write, flag: &str) -> io::Result<()> {
    writeln!(out, "\nNext: run it again, and nothing happens twice; or add to `cargo run --release -p banking --`")?;
    writeln!(out, "  dashboard{flag}\n  accounts --largest 10{flag}\n  statement A-0001 --at 2026-01-31{flag}")?;
    writeln!(out, "  verify{flag}\n  import examples/banking/data")
}

fn fsync(disk: Disk) -> String {
    format!("{:.2} ms", disk.fsync.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SLOW: Disk = Disk { fsync: Duration::from_millis(50) };

    #[test]
    fn a_slow_disk_is_named_as_the_reason_before_and_after() {
        let mut out = Vec::new();
        slow_disk(&mut out, 50_000, 64, SLOW).unwrap();
        let outcome = Outcome { made: 50_000, took: Duration::from_secs(60), ..Outcome::default() };
        slow_run(&mut out, outcome, 64, SLOW).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("This will take 39 s or more: to make a write durable, this disk takes 50.00 ms."));
        assert!(text.contains("of 60 s the disk accounts for 39 s or more, 50.00 ms a write,"));
    }
}

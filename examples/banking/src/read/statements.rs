//! What each month brought each account.

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Bookings, Month};
use crate::domain::{AccountId, Money, account::AccountEvent};

/// What a month brought an account, by the time at which it occurred. There is none for a month without a booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "monthly_statements", keyed_by_lane)]
pub struct MonthlyStatement {
    /// The account.
    #[row(key)]
    pub account: AccountId,
    /// The month.
    #[row(key)]
    pub month: Month,
    /// What was on the account before it.
    pub opening: Money,
    /// What came and went in it.
    pub bookings: Bookings,
}

/// Keeps a row for each account and month: [`MonthlyStatement`].
#[derive(Debug, Clone, Copy)]
pub struct Statements;

#[projection(
    name = "statements",
    version = 1,
    tables(MonthlyStatement),
    ignore(AccountEvent::Opened, AccountEvent::Imported, AccountEvent::Closed)
)]
impl Statements {
    #[on(AccountEvent::Deposited { amount })]
    #[on(AccountEvent::TransferReceived { amount, .. })]
    #[on(AccountEvent::InterestCredited { amount })]
    async fn paid_in(&self, amount: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        book(*amount, cx, rows).await
    }

    #[on(AccountEvent::Withdrawn { amount })]
    #[on(AccountEvent::TransferSent { amount, .. })]
    async fn paid_out(&self, amount: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        book(-*amount, cx, rows).await
    }

    #[on(AccountEvent::TransactionRecorded { change, .. })]
    #[on(AccountEvent::BalanceCorrected { difference: change, .. })]
    async fn recorded(&self, change: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        book(*change, cx, rows).await
    }
}

/// Events stand in the log in the order in which they were recorded. One that occurred in an earlier month than the latest of
/// its account also moves what every later month began with.
async fn book(change: Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
    let (account, month): (AccountId, _) = (cx.id()?, Month::of(cx.record().occurred())?);
    let from_here = (account.clone(), month)..=(account.clone(), Month::MAX);
    let mut statements: Vec<MonthlyStatement> = rows.range(from_here, usize::MAX).await?;
    if statements.first().is_none_or(|first| first.month != month) {
        let opening = closing_before(&account, month, rows).await?;
        statements.insert(0, MonthlyStatement { account, month, opening, bookings: Bookings::default() });
    }
    for mut statement in statements {
        if statement.month == month {
            statement.bookings += Bookings::one(change);
        } else {
            statement.opening += change;
        }
        rows.put(statement)?;
    }
    Ok(())
}

async fn closing_before(account: &AccountId, month: Month, rows: &mut Rows<'_>) -> Result<Money, BoxError> {
    let statements: Vec<MonthlyStatement> = rows.prefix(account, usize::MAX).await?;
    let before = statements.iter().rfind(|statement| statement.month < month);
    Ok(before.map_or(Money::ZERO, MonthlyStatement::closing))
}

impl MonthlyStatement {
    /// What was on the account after it.
    #[must_use]
    pub fn closing(&self) -> Money {
        self.opening + self.bookings.change()
    }
}

#[cfg(test)]
mod tests {
    use annals::{
        projections::testing::{Projected, ProjectionTest},
        testing::commit_of,
    };

    use super::*;
    use crate::domain::Account;

    fn changed(minor: i64) -> AccountEvent {
        let amount = Money::from_minor(minor.abs());
        if minor > 0 { AccountEvent::Deposited { amount } } else { AccountEvent::Withdrawn { amount } }
    }

    /// Month, opening, in, out, closing.
    fn shown(rows: &Projected<Statements>) -> Vec<String> {
        let show = |row: MonthlyStatement| {
            let Bookings { count, incoming, outgoing } = row.bookings;
            let (account, month, opening, closing) = (&row.account, row.month, row.opening, row.closing());
            format!("{account} {month}: {opening} +{incoming} -{outgoing} = {closing} ({count})")
        };
        rows.all().into_iter().map(show).collect()
    }

    fn test(occurred: &[(&str, &str, i64)]) -> ProjectionTest<Statements> {
        occurred.iter().fold(ProjectionTest::new(Statements), |test, (account, day, minor)| {
            let mut commit = commit_of::<Account>(*account, [changed(*minor)]);
            for event in &mut commit.events {
                event.occurred = Some(format!("{day}T12:00:00Z").parse().unwrap());
            }
            test.commit(commit)
        })
    }

    #[tokio::test]
    async fn a_month_begins_with_what_the_one_before_ended_with() {
        let occurred = [
            ("a", "2025-11-30", 500),
            ("b", "2025-12-01", 70),
            ("a", "2026-01-01", 200),
            ("a", "2026-01-31", -300),
            ("a", "2026-02-01", -1),
        ];
        let expected = [
            "a 2025-11: 0.00 +5.00 -0.00 = 5.00 (1)",
            "a 2026-01: 5.00 +2.00 -3.00 = 4.00 (2)",
            "a 2026-02: 4.00 +0.00 -0.01 = 3.99 (1)",
            "b 2025-12: 0.00 +0.70 -0.00 = 0.70 (1)",
        ];
        assert_eq!(shown(&test(&occurred).rows().await), expected);
    }

    #[tokio::test]
    async fn the_order_in_which_bookings_are_recorded_makes_no_difference() {
        let mut occurred =
            [("a", "2026-03-05", 500), ("a", "2026-01-01", 200), ("a", "2026-02-09", -300), ("a", "2026-01-02", 7)];
        let found = shown(&test(&occurred).rows().await);
        occurred.sort_by_key(|(_, day, _)| *day);
        assert_eq!(found, shown(&test(&occurred).rows().await));
        assert_eq!(found.last().map(String::as_str), Some("a 2026-03: -0.93 +5.00 -0.00 = 4.07 (1)"));
    }
}

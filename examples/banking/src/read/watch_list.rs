//! Accounts that somebody should look at.

use std::{num::NonZeroUsize, time::Duration};

use annals::{Position, prelude::*};
use serde::{Deserialize, Serialize};

use crate::domain::{
    AccountId, Money,
    account::{AccountEvent, TransactionKind},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What makes an account conspicuous: so many withdrawals, each of at least so much, within so short a time.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// A withdrawal of at least so much is a large one.
    pub large: Money,
    /// So many of them are conspicuous.
    pub times: NonZeroUsize,
    /// When they occur within so short a time.
    pub within: Duration,
}

/// An account that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "watched")]
pub struct Watched {
    /// The account.
    #[row(key)]
    pub account: AccountId,
    /// When the first of the conspicuous withdrawals occurred. Of several times that they were conspicuous, the latest counts.
    pub from: Timestamp,
    /// When the last of them occurred.
    #[row(index)]
    pub to: Timestamp,
    /// How much was withdrawn with them.
    pub total: Money,
}

/// A large withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "large_withdrawals")]
pub struct LargeWithdrawal {
    /// From which account.
    #[row(key)]
    pub account: AccountId,
    /// When it occurred.
    #[row(key)]
    pub occurred: Timestamp,
    /// Where it stands in the log.
    #[row(key)]
    pub position: Position,
    /// How much.
    pub amount: Money,
}

/// Watches for withdrawals that are conspicuous by a rule, and keeps a row for each account that had some: [`Watched`].
///
/// It is meant to be run in memory. Then its rows are computed at each start, and the rule may be another one each time; with
/// rows that are stored, another rule would need another version.
#[derive(Debug, Clone, Copy, Default)]
pub struct WatchList {
    /// What makes an account conspicuous.
    pub rule: Rule,
}

impl Default for Rule {
    /// Three withdrawals of at least 1,000.00 each within three days.
    fn default() -> Self {
        let times = NonZeroUsize::MIN.saturating_add(2);
        Self { large: Money::from_minor(100_000), times, within: 3 * DAY }
    }
}

#[projection(
    name = "watch_list",
    version = 1,
    tables(Watched, LargeWithdrawal),
    ignore(AccountEvent::*)
)]
impl WatchList {
    #[on(AccountEvent::Withdrawn { amount })]
    async fn withdrawn(&self, amount: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        self.judge(*amount, cx, rows).await
    }

    #[on(AccountEvent::TransactionRecorded { kind, change, .. })]
    async fn recorded(
        &self,
        kind: &TransactionKind,
        change: &Money,
        cx: &EventContext<'_>,
        rows: &mut Rows<'_>,
    ) -> Result<(), BoxError> {
        match kind {
            TransactionKind::CashWithdrawal | TransactionKind::CardWithdrawal => self.judge(-*change, cx, rows).await,
            _ => Ok(()),
        }
    }

    async fn judge(&self, amount: Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        let Rule { large, times, within } = self.rule;
        if amount < large {
            return Ok(());
        }
        let (account, occurred, position): (AccountId, _, _) =
            (cx.id()?, cx.record().occurred(), cx.record().position());
        rows.put(LargeWithdrawal { account: account.clone(), occurred, position, amount })?;
        // Also what occurred behind it: withdrawals may be recorded in another order.
        let begin = (account.clone(), occurred.saturating_sub(within), Position::ZERO);
        let end = (account.clone(), occurred.saturating_add(within), Position::MAX);
        let near: Vec<LargeWithdrawal> = rows.range(begin..=end, usize::MAX).await?;
        let conspicuous = near.windows(times.get()).rev().find_map(|withdrawals| {
            let (from, to) = (withdrawals.first()?.occurred, withdrawals.last()?.occurred);
            let total = withdrawals.iter().map(|withdrawal| withdrawal.amount).sum();
            (to <= from.saturating_add(within)).then(|| Watched { account: account.clone(), from, to, total })
        });
        if let Some(watched) = conspicuous {
            let is_latest = |before: Watched| before.to <= watched.to;
            if rows.get(&account).await?.is_none_or(is_latest) {
                rows.put(watched)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use annals::{projections::testing::ProjectionTest, testing::commit_of};

    use super::*;
    use crate::domain::Account;

    fn withdrawn(minor: i64) -> AccountEvent {
        AccountEvent::Withdrawn { amount: Money::from_minor(minor) }
    }

    fn recorded(kind: TransactionKind, minor: i64) -> AccountEvent {
        let (change, balance) = (Money::from_minor(-minor), Money::ZERO);
        AccountEvent::TransactionRecorded { reference: String::new(), kind, change, balance }
    }

    fn midnight(day: &str) -> Timestamp {
        format!("{day}T00:00:00Z").parse().unwrap()
    }

    async fn watched(events: impl IntoIterator<Item = (&'static str, AccountEvent)>) -> Vec<Watched> {
        let test = events.into_iter().fold(ProjectionTest::new(WatchList::default()), |test, (day, event)| {
            let mut commit = commit_of::<Account>("a", [event]);
            for event in &mut commit.events {
                event.occurred = Some(midnight(day));
            }
            test.commit(commit)
        });
        test.rows().await.all()
    }

    #[tokio::test]
    async fn three_large_withdrawals_within_three_days_are_conspicuous_in_any_order() {
        let mut days = ["2026-01-02", "2026-01-05", "2026-01-04"];
        let (account, total) = (AccountId::from("a"), Money::from_minor(300_000));
        let expected = [Watched { account, from: midnight("2026-01-02"), to: midnight("2026-01-05"), total }];
        for _ in 0..3 {
            days.rotate_left(1);
            assert_eq!(watched(days.map(|day| (day, withdrawn(100_000)))).await, expected);
        }
    }

    #[tokio::test]
    async fn fewer_or_smaller_ones_or_over_a_longer_time_are_not() {
        let days = ["2026-01-02", "2026-01-04", "2026-01-05"];
        assert_eq!(watched(days[..2].iter().map(|day| (*day, withdrawn(900_000)))).await, []);
        assert_eq!(watched(days.map(|day| (day, withdrawn(99_999)))).await, []);
        let longer = ["2026-01-01", "2026-01-04", "2026-01-05"];
        assert_eq!(watched(longer.map(|day| (day, withdrawn(900_000)))).await, []);
    }

    #[tokio::test]
    async fn of_recorded_transactions_only_withdrawals_count() {
        let days = ["2026-01-02", "2026-01-04", "2026-01-05"];
        let of = |kind| days.map(|day| (day, recorded(kind, 200_000)));
        assert_eq!(watched(of(TransactionKind::CashWithdrawal)).await.len(), 1);
        assert_eq!(watched(of(TransactionKind::CardWithdrawal)).await.len(), 1);
        assert_eq!(watched(of(TransactionKind::TransferOut)).await, []);
    }
}

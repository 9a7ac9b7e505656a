//! What is on the accounts.

use annals::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::{AccountId, CustomerId, Iban, Money, account::AccountEvent};

/// What is on an account, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "balances", keyed_by_lane)]
pub struct AccountBalance {
    /// The account.
    #[row(key)]
    pub account: AccountId,
    /// Whose it is; unknown for accounts of which only the transactions were imported.
    #[row(index)]
    pub owner: Option<CustomerId>,
    /// How other banks call it, if it was opened with that.
    pub iban: Option<Iban>,
    /// What is on it.
    #[row(index)]
    pub balance: Money,
    /// How many bookings it has had.
    pub bookings: u64,
    /// When the latest of them occurred.
    pub last_booked: Option<Timestamp>,
    /// Whether it is no longer in use.
    pub is_closed: bool,
}

/// Keeps a row for each account: [`AccountBalance`].
#[derive(Debug, Clone, Copy)]
pub struct Balances;

/// Something happened on an account that was never opened. No version of this program writes that.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("something happened on account {account}, which was never opened")]
pub struct NeverOpened {
    /// The account.
    pub account: AccountId,
}

#[projection(name = "balances", version = 1, tables(AccountBalance))]
impl Balances {
    #[on(AccountEvent::Opened { owner, iban, .. })]
    fn opened(
        &self,
        owner: &CustomerId,
        iban: &Option<Iban>,
        cx: &EventContext<'_>,
        rows: &mut Rows<'_>,
    ) -> Result<(), BoxError> {
        let empty = AccountBalance::empty(cx.id()?);
        rows.put(AccountBalance { owner: Some(owner.clone()), iban: iban.clone(), ..empty })?;
        Ok(())
    }

    #[on(AccountEvent::Imported {})]
    fn imported(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        rows.put(AccountBalance::empty(cx.id()?))?;
        Ok(())
    }

    #[on(AccountEvent::Deposited { amount })]
    #[on(AccountEvent::TransferReceived { amount, .. })]
    #[on(AccountEvent::InterestCredited { amount })]
    async fn paid_in(&self, amount: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |account| account.book(*amount, cx)).await
    }

    #[on(AccountEvent::Withdrawn { amount })]
    #[on(AccountEvent::TransferSent { amount, .. })]
    async fn paid_out(&self, amount: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |account| account.book(-*amount, cx)).await
    }

    #[on(AccountEvent::TransactionRecorded { change: by, .. })]
    #[on(AccountEvent::BalanceCorrected { difference: by, .. })]
    async fn recorded(&self, by: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |account| account.book(*by, cx)).await
    }

    #[on(AccountEvent::Closed {})]
    async fn closed(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |account| account.is_closed = true).await
    }
}

async fn change(
    cx: &EventContext<'_>,
    rows: &mut Rows<'_>,
    change: impl FnOnce(&mut AccountBalance),
) -> Result<(), BoxError> {
    let account: AccountId = cx.id()?;
    let Some(mut balance) = rows.get::<AccountBalance>(&account).await? else {
        return Err(NeverOpened { account }.into());
    };
    change(&mut balance);
    rows.put(balance)?;
    Ok(())
}

impl AccountBalance {
    const fn empty(account: AccountId) -> Self {
        let (owner, iban, balance, last_booked) = (None, None, Money::ZERO, None);
        Self { account, owner, iban, balance, bookings: 0, last_booked, is_closed: false }
    }

    fn book(&mut self, change: Money, cx: &EventContext<'_>) {
        self.balance += change;
        self.bookings += 1;
        self.last_booked = self.last_booked.max(Some(cx.record().occurred()));
    }
}

#[cfg(test)]
mod tests {
    use annals::projections::testing::ProjectionTest;

    use super::*;
    use crate::domain::{
        Account,
        account::{Product, TransactionKind},
    };

    fn money(minor: i64) -> Money {
        Money::from_minor(minor)
    }

    fn opened(owner: &str, iban: Option<Iban>) -> AccountEvent {
        AccountEvent::Opened { owner: owner.into(), iban, product: Product::Savings }
    }

    fn deposited(minor: i64) -> AccountEvent {
        AccountEvent::Deposited { amount: money(minor) }
    }

    #[tokio::test]
    async fn an_account_has_its_owner_its_balance_and_its_bookings() {
        let (day, next) = ("2026-01-01T09:00:00Z".parse().unwrap(), "2026-01-02T09:00:00Z".parse().unwrap());
        let rows = ProjectionTest::new(Balances)
            .at(day)
            .given::<Account>("a1", [opened("ada", Iban::of_number(1)), deposited(100)])
            .given::<Account>("a2", [opened("bob", None)])
            .at(next)
            .given::<Account>("a1", [AccountEvent::Withdrawn { amount: money(30) }])
            .given::<Account>("a2", [AccountEvent::Closed {}])
            .rows()
            .await;
        let empty = |account: &str, owner: &str| AccountBalance {
            owner: Some(owner.into()),
            ..AccountBalance::empty(account.into())
        };
        let a1 = AccountBalance {
            iban: Iban::of_number(1),
            balance: money(70),
            bookings: 2,
            last_booked: Some(next),
            ..empty("a1", "ada")
        };
        let a2 = AccountBalance { is_closed: true, ..empty("a2", "bob") };
        assert_eq!(rows.all::<AccountBalance>(), [a1, a2]);
    }

    #[tokio::test]
    async fn accounts_are_in_the_order_of_their_balances_and_of_their_owners() {
        let rows = ProjectionTest::new(Balances)
            .given::<Account>("a1", [opened("bob", None), deposited(7)])
            .given::<Account>("a2", [opened("ada", None), AccountEvent::Withdrawn { amount: money(1) }])
            .given::<Account>("a3", [opened("ada", None), deposited(300)])
            .given::<Account>("a1", [deposited(3)])
            .rows()
            .await;
        let ids = |rows: Vec<AccountBalance>| rows.into_iter().map(|row| row.account.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(rows.by(AccountBalance::BY_BALANCE)), ["a2", "a1", "a3"]);
        assert_eq!(ids(rows.by(AccountBalance::BY_OWNER)), ["a2", "a3", "a1"]);
    }

    #[tokio::test]
    async fn an_imported_account_ends_on_the_balance_that_was_recorded() {
        let (reference, kind) = ("1".to_owned(), TransactionKind::Interest);
        let recorded = AccountEvent::TransactionRecorded { reference, kind, change: money(500), balance: money(510) };
        let corrected = AccountEvent::BalanceCorrected { difference: money(10), balance: money(510) };
        let rows = ProjectionTest::new(Balances)
            .given::<Account>("1", [AccountEvent::Imported {}, recorded, corrected])
            .rows()
            .await;
        let row = rows.row::<AccountBalance>(AccountId::from("1")).unwrap();
        assert_eq!((row.owner, row.balance, row.bookings), (None, money(510), 2));
    }

    #[tokio::test]
    async fn what_happens_on_an_account_that_was_never_opened_is_an_error() {
        let error = ProjectionTest::new(Balances).given::<Account>("a1", [deposited(1)]).fails().await;
        assert_eq!(error.downcast_ref(), Some(&NeverOpened { account: "a1".into() }));
    }
}

//! What every day moved.

use std::ops;

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Bookings, Day};
use crate::domain::{Money, account::AccountEvent};

/// What was moved on all accounts on a day, by the time at which it occurred. There is none for a day without a booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "daily_turnover")]
pub struct DailyTurnover {
    /// The day.
    #[row(key)]
    pub day: Day,
    /// What came and went on it. A transfer comes and goes.
    pub bookings: Bookings,
}

/// Keeps a row for each day: [`DailyTurnover`].
///
/// A booking is added to its day, whose row need not be read for that.
#[derive(Debug, Clone, Copy)]
pub struct Turnover;

#[projection(
    name = "turnover",
    version = 1,
    tables(DailyTurnover),
    ignore(AccountEvent::Opened, AccountEvent::Imported, AccountEvent::Closed)
)]
impl Turnover {
    #[on(AccountEvent::Deposited { amount })]
    #[on(AccountEvent::TransferReceived { amount, .. })]
    #[on(AccountEvent::InterestCredited { amount })]
    fn paid_in(&self, amount: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        add(*amount, cx, rows)
    }

    #[on(AccountEvent::Withdrawn { amount })]
    #[on(AccountEvent::TransferSent { amount, .. })]
    fn paid_out(&self, amount: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        add(-*amount, cx, rows)
    }

    #[on(AccountEvent::TransactionRecorded { change, .. })]
    #[on(AccountEvent::BalanceCorrected { difference: change, .. })]
    fn recorded(&self, change: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        add(*change, cx, rows)
    }
}

fn add(change: Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
    rows.add(DailyTurnover { day: Day::of(cx.record().occurred())?, bookings: Bookings::one(change) })?;
    Ok(())
}

/// Of one day.
impl ops::AddAssign for DailyTurnover {
    fn add_assign(&mut self, other: Self) {
        self.bookings += other.bookings;
    }
}

#[cfg(test)]
mod tests {
    use annals::projections::testing::ProjectionTest;

    use super::*;
    use crate::domain::{Account, transfer::TransferId};

    #[tokio::test]
    async fn all_accounts_of_a_day_are_summed_and_a_transfer_comes_and_goes() {
        let amount = Money::from_minor(100);
        let transfer = TransferId::new("t");
        let rows = ProjectionTest::new(Turnover)
            .at("2026-01-01T00:00:00Z".parse().unwrap())
            .given::<Account>("a", [AccountEvent::Deposited { amount }])
            .at("2026-01-01T23:59:59Z".parse().unwrap())
            .given::<Account>("b", [AccountEvent::Withdrawn { amount }])
            .at("2026-01-02T00:00:00Z".parse().unwrap())
            .given::<Account>("a", [AccountEvent::TransferSent { transfer: transfer.clone(), to: "b".into(), amount }])
            .given::<Account>("b", [AccountEvent::TransferReceived { transfer, from: "a".into(), amount }])
            .given::<Account>("b", [AccountEvent::InterestCredited { amount }])
            .rows()
            .await;
        let days: Vec<_> = rows.all::<DailyTurnover>().iter().map(|row| (row.day.to_string(), row.bookings)).collect();
        let bookings = |count, incoming, outgoing| Bookings {
            count,
            incoming: Money::from_minor(incoming),
            outgoing: Money::from_minor(outgoing),
        };
        let expected = [("2026-01-01", bookings(2, 100, 100)), ("2026-01-02", bookings(3, 200, 100))];
        assert_eq!(days, expected.map(|(day, bookings)| (day.to_owned(), bookings)));
    }
}

//! What came in on every day.

use std::ops;

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use super::Day;
use crate::domain::{Money, payment::PaymentEvent};

/// What came in on a day, and what went back. There is none for a day without either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "daily_revenue")]
pub struct DailyRevenue {
    /// The day.
    #[row(key)]
    pub day: Day,
    /// How many payments came in.
    pub payments: u64,
    /// What came in.
    pub received: Money,
    /// What went back.
    pub refunded: Money,
}

/// Keeps a row for each day: [`DailyRevenue`].
///
/// A payment is added to its day, whose row need not be read for that.
#[derive(Debug, Clone, Copy)]
pub struct Revenue;

#[projection(name = "revenue", version = 1, tables(DailyRevenue), ignore(PaymentEvent::Voided))]
impl Revenue {
    #[on(PaymentEvent::Captured { amount, .. })]
    #[on(PaymentEvent::Received { amount })]
    fn received(&self, amount: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        add(1, *amount, Money::ZERO, cx, rows)
    }

    #[on(PaymentEvent::Refunded { amount })]
    fn refunded(&self, amount: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        add(0, Money::ZERO, *amount, cx, rows)
    }
}

fn add(
    payments: u64,
    received: Money,
    refunded: Money,
    cx: &EventContext<'_>,
    rows: &mut Rows<'_>,
) -> Result<(), BoxError> {
    rows.add(DailyRevenue { day: Day::of(cx.record().occurred)?, payments, received, refunded })?;
    Ok(())
}

/// Of one day.
impl ops::AddAssign for DailyRevenue {
    fn add_assign(&mut self, other: Self) {
        self.payments += other.payments;
        self.received += other.received;
        self.refunded += other.refunded;
    }
}

#[cfg(test)]
mod tests {
    use annals::projections::testing::ProjectionTest;

    use super::*;
    use crate::domain::Payment;

    #[tokio::test]
    async fn what_comes_in_and_what_goes_back_is_summed_by_day() {
        let amount = Money::of_cents(100);
        let rows = ProjectionTest::new(Revenue)
            .at("2026-01-01T23:59:59Z".parse().unwrap())
            .given::<Payment>("o-1", [PaymentEvent::Received { amount }])
            .given::<Payment>("o-2", [PaymentEvent::Received { amount }])
            .at("2026-01-02T00:00:00Z".parse().unwrap())
            .given::<Payment>("o-1", [PaymentEvent::Refunded { amount }])
            .rows()
            .await;
        let days: Vec<_> =
            rows.all().into_iter().map(|row: DailyRevenue| (row.day.to_string(), row.received, row.refunded)).collect();
        let cents = Money::of_cents;
        let expected = [("2026-01-01", cents(200), cents(0)), ("2026-01-02", cents(0), cents(100))];
        assert_eq!(days, expected.map(|(day, received, refunded)| (day.to_owned(), received, refunded)));
    }
}

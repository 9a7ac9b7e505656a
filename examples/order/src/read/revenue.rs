//! What came in on every day.

use std::ops;

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use super::Day;
use crate::domain::{
    Money,
    invoice::{Amount, InvoiceEvent, InvoiceKind},
    payment::PaymentEvent,
};

/// What came in on a day, and what went back; and what was invoiced on it, by the invoices that were taken over. There is none for
/// a day without any of it.
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
    /// How many invoices about a sale were written.
    pub invoices: u64,
    /// How many cancellations there were of such.
    pub cancellations: u64,
    /// What was invoiced, adjustments included.
    pub invoiced: Amount,
    /// What was given back with cancellations.
    pub given_back: Amount,
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
        add(cx, rows, |day| {
            day.payments = 1;
            day.received = *amount;
        })
    }

    #[on(PaymentEvent::Refunded { amount })]
    fn refunded(&self, amount: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        add(cx, rows, |day| day.refunded = *amount)
    }

    #[on(InvoiceEvent::Recorded { kind, .. })]
    fn recorded(&self, kind: &InvoiceKind, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        add(cx, rows, |day| match kind {
            InvoiceKind::Sale => day.invoices = 1,
            InvoiceKind::Cancellation => day.cancellations = 1,
            InvoiceKind::Adjustment => {}
        })
    }

    #[on(InvoiceEvent::LineRecorded { count, price, .. })]
    fn invoiced(
        &self,
        count: &i64,
        price: &Amount,
        cx: &EventContext<'_>,
        rows: &mut Rows<'_>,
    ) -> Result<(), BoxError> {
        add(cx, rows, |day| day.invoiced = price.times(*count))
    }

    #[on(InvoiceEvent::LineCancelled { count, price, .. })]
    fn given_back(
        &self,
        count: &u32,
        price: &Amount,
        cx: &EventContext<'_>,
        rows: &mut Rows<'_>,
    ) -> Result<(), BoxError> {
        add(cx, rows, |day| day.given_back = price.times((*count).into()))
    }
}

/// Adds to the day of an event what `change` makes of a day without anything.
fn add(cx: &EventContext<'_>, rows: &mut Rows<'_>, change: impl FnOnce(&mut DailyRevenue)) -> Result<(), BoxError> {
    let mut day = DailyRevenue::none_on(Day::of(cx.record().occurred())?);
    change(&mut day);
    rows.add(day)?;
    Ok(())
}

impl DailyRevenue {
    const fn none_on(day: Day) -> Self {
        Self {
            day,
            payments: 0,
            received: Money::ZERO,
            refunded: Money::ZERO,
            invoices: 0,
            cancellations: 0,
            invoiced: Amount::ZERO,
            given_back: Amount::ZERO,
        }
    }
}

/// Of one day.
impl ops::AddAssign for DailyRevenue {
    fn add_assign(&mut self, other: Self) {
        self.payments += other.payments;
        self.received += other.received;
        self.refunded += other.refunded;
        self.invoices += other.invoices;
        self.cancellations += other.cancellations;
        self.invoiced += other.invoiced;
        self.given_back += other.given_back;
    }
}

#[cfg(test)]
mod tests {
    use annals::projections::testing::ProjectionTest;

    use super::*;
    use crate::domain::{Invoice, Payment};

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
    #[tokio::test]
    async fn what_was_invoiced_and_given_back_is_summed_by_the_day_of_the_invoice() {
        let recorded = |kind| InvoiceEvent::Recorded { customer: None, country: "Atlantis".to_owned(), kind };
        let (product, description, price) = (|| "lamp".into(), None, Amount::of_thousandths(55));
        let line = |count| InvoiceEvent::LineRecorded { product: product(), description: None, count, price };
        let back = InvoiceEvent::LineCancelled { product: product(), description, count: 2, price, cancels: vec![] };
        let rows = ProjectionTest::new(Revenue)
            .at("2026-01-01T12:00:00Z".parse().unwrap())
            .given::<Invoice>("1", [recorded(InvoiceKind::Sale), line(3), line(1)])
            .given::<Invoice>("A2", [recorded(InvoiceKind::Adjustment), line(-1)])
            .given::<Invoice>("C3", [recorded(InvoiceKind::Cancellation), back])
            .rows()
            .await;
        let days = rows.all::<DailyRevenue>();
        let [day] = days.as_slice() else { panic!("all of it was on one day, found {days:?}") };
        assert_eq!((day.invoices, day.cancellations, day.payments), (1, 1, 0));
        assert_eq!((day.invoiced.thousandths(), day.given_back.thousandths()), (165, 110));
    }
}

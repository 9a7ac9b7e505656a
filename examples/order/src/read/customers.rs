//! What each customer has done.

use annals::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Day, orders::NeverPlaced};
use crate::domain::{
    CustomerId, InvoiceNo, Line, Money, OrderId,
    invoice::{Amount, InvoiceEvent, InvoiceKind},
    order::{OrderEvent, total},
    payment::PaymentEvent,
};

/// What a customer ordered, paid and sent back; and what the invoices say that were taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "customers")]
pub struct CustomerHistory {
    /// Who.
    #[row(key)]
    pub customer: CustomerId,
    /// How many orders were placed.
    pub orders: u64,
    /// What was ordered with them.
    pub ordered: Money,
    /// How many of them were cancelled.
    pub cancelled: u64,
    /// How many of them came back.
    pub returned: u64,
    /// What was paid, less what went back.
    #[row(index)]
    pub paid: Money,
    /// How many invoices about a sale there are.
    pub invoices: u64,
    /// How many cancellations there are of such.
    pub cancellations: u64,
    /// What was bought with these invoices.
    pub bought: Amount,
    /// What was given back with these cancellations.
    pub given_back: Amount,
    /// The day of the latest order or invoice.
    pub latest: Day,
}

/// Whose an order is, for what happens to it later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "order_owners")]
pub struct OrderOwner {
    /// The order.
    #[row(key)]
    pub order: OrderId,
    /// Whose it is.
    pub customer: CustomerId,
}

/// To whom an invoice was written, for its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "invoice_owners")]
pub struct InvoiceOwner {
    /// The invoice.
    #[row(key)]
    pub invoice: InvoiceNo,
    /// To whom it was written, if that is known.
    pub customer: Option<CustomerId>,
}

/// There is a line of an invoice that was never recorded. No version of this program writes that.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is a line of invoice {invoice}, which was never recorded")]
pub struct NeverRecorded {
    /// The invoice.
    pub invoice: InvoiceNo,
}

/// Keeps a row for each customer: [`CustomerHistory`].
#[derive(Debug, Clone, Copy)]
pub struct Customers;

#[projection(
    name = "customers",
    version = 1,
    tables(CustomerHistory, OrderOwner, InvoiceOwner),
    ignore(OrderEvent::*, PaymentEvent::Voided)
)]
impl Customers {
    #[on(OrderEvent::Placed { customer, lines, .. })]
    async fn placed(
        &self,
        customer: &CustomerId,
        lines: &[Line],
        cx: &EventContext<'_>,
        rows: &mut Rows<'_>,
    ) -> Result<(), BoxError> {
        let (customer, latest) = (customer.clone(), Day::of(cx.record().occurred())?);
        rows.put(OrderOwner { order: cx.id()?, customer: customer.clone() })?;
        note(rows, customer, latest, |history| {
            history.orders += 1;
            history.ordered += total(lines);
        })
        .await
    }

    #[on(OrderEvent::Cancelled { .. })]
    async fn cancelled(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |history| history.cancelled += 1).await
    }

    #[on(OrderEvent::Returned { .. })]
    async fn returned(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |history| history.returned += 1).await
    }

    #[on(PaymentEvent::Captured { amount, .. })]
    #[on(PaymentEvent::Received { amount })]
    async fn paid(&self, amount: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |history| history.paid += *amount).await
    }

    #[on(PaymentEvent::Refunded { amount })]
    async fn refunded(&self, amount: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |history| history.paid = history.paid - *amount).await
    }

    #[on(InvoiceEvent::Recorded { customer, kind, .. })]
    async fn recorded(
        &self,
        customer: &Option<CustomerId>,
        kind: &InvoiceKind,
        cx: &EventContext<'_>,
        rows: &mut Rows<'_>,
    ) -> Result<(), BoxError> {
        rows.put(InvoiceOwner { invoice: cx.id()?, customer: customer.clone() })?;
        let Some(customer) = customer.clone() else { return Ok(()) };
        note(rows, customer, Day::of(cx.record().occurred())?, |history| match kind {
            InvoiceKind::Sale => history.invoices += 1,
            InvoiceKind::Cancellation => history.cancellations += 1,
            InvoiceKind::Adjustment => {}
        })
        .await
    }

    #[on(InvoiceEvent::LineRecorded { count, price, .. })]
    async fn bought(
        &self,
        count: &i64,
        price: &Amount,
        cx: &EventContext<'_>,
        rows: &mut Rows<'_>,
    ) -> Result<(), BoxError> {
        change_invoiced(cx, rows, |history| history.bought += price.times(*count)).await
    }

    #[on(InvoiceEvent::LineCancelled { count, price, .. })]
    async fn given_back(
        &self,
        count: &u32,
        price: &Amount,
        cx: &EventContext<'_>,
        rows: &mut Rows<'_>,
    ) -> Result<(), BoxError> {
        change_invoiced(cx, rows, |history| history.given_back += price.times((*count).into())).await
    }
}

/// Of a customer who may be a new one. Invoices do not come in the order of their days.
async fn note(
    rows: &mut Rows<'_>,
    customer: CustomerId,
    day: Day,
    change: impl FnOnce(&mut CustomerHistory),
) -> Result<(), BoxError> {
    let known = rows.get::<CustomerHistory>(&customer).await?;
    let mut history = known.unwrap_or_else(|| CustomerHistory::new(customer, day.clone()));
    change(&mut history);
    history.latest = history.latest.max(day);
    rows.put(history)?;
    Ok(())
}

/// Of an order and of its payment, which are called the same.
async fn change(
    cx: &EventContext<'_>,
    rows: &mut Rows<'_>,
    change: impl FnOnce(&mut CustomerHistory),
) -> Result<(), BoxError> {
    let order: OrderId = cx.id()?;
    let Some(owner) = rows.get::<OrderOwner>(&order).await? else { return Err(NeverPlaced { order }.into()) };
    let Some(mut history) = rows.get::<CustomerHistory>(&owner.customer).await? else {
        return Err(NeverPlaced { order }.into());
    };
    change(&mut history);
    rows.put(history)?;
    Ok(())
}

/// Of whoever an invoice was written to, if that is known.
async fn change_invoiced(
    cx: &EventContext<'_>,
    rows: &mut Rows<'_>,
    change: impl FnOnce(&mut CustomerHistory),
) -> Result<(), BoxError> {
    let invoice: InvoiceNo = cx.id()?;
    let Some(owner) = rows.get::<InvoiceOwner>(&invoice).await? else { return Err(NeverRecorded { invoice }.into()) };
    let Some(customer) = owner.customer else { return Ok(()) };
    let Some(mut history) = rows.get::<CustomerHistory>(&customer).await? else {
        return Err(NeverRecorded { invoice }.into());
    };
    change(&mut history);
    rows.put(history)?;
    Ok(())
}

impl CustomerHistory {
    const fn new(customer: CustomerId, latest: Day) -> Self {
        Self {
            customer,
            orders: 0,
            ordered: Money::ZERO,
            cancelled: 0,
            returned: 0,
            paid: Money::ZERO,
            invoices: 0,
            cancellations: 0,
            bought: Amount::ZERO,
            given_back: Amount::ZERO,
            latest,
        }
    }
}

#[cfg(test)]
mod tests {
    use annals::projections::testing::ProjectionTest;

    use super::*;
    use crate::domain::{Invoice, Order, Payment, Terms, order::Cause};

    #[tokio::test]
    async fn what_was_paid_counts_for_whoever_placed_the_order() {
        let placed = |customer: &str, cents| OrderEvent::Placed {
            customer: customer.into(),
            lines: vec![Line { product: "lamp".into(), count: 1, price: Money::of_cents(cents) }],
            terms: Terms::Invoice { remind_after_days: 20, reminders_max: None },
        };
        let amount = Money::of_cents(100);
        let rows = ProjectionTest::new(Customers)
            .given::<Order>("o-1", [placed("ada", 100)])
            .given::<Order>("o-2", [placed("ada", 30), OrderEvent::Cancelled { cause: Cause::Customer }])
            .given::<Payment>("o-1", [PaymentEvent::Received { amount }, PaymentEvent::Received { amount }])
            .given::<Payment>("o-1", [PaymentEvent::Refunded { amount }])
            .rows()
            .await;
        let ada = rows.row::<CustomerHistory>(CustomerId::from("ada")).unwrap();
        assert_eq!((ada.orders, ada.cancelled, ada.ordered, ada.paid), (2, 1, Money::of_cents(130), amount));
    }
    #[tokio::test]
    async fn what_was_bought_and_given_back_counts_for_whoever_is_on_the_invoice() {
        let thousandths = Amount::of_thousandths;
        let recorded = |customer: Option<&str>, kind| InvoiceEvent::Recorded {
            customer: customer.map(CustomerId::from),
            country: "Atlantis".to_owned(),
            kind,
        };
        let (product, description) = (|| "lamp".into(), None);
        let bought = |count| InvoiceEvent::LineRecorded {
            product: product(),
            description: None,
            count,
            price: thousandths(125),
        };
        let returned = InvoiceEvent::LineCancelled {
            product: product(),
            description,
            count: 1,
            price: thousandths(125),
            cancels: vec![],
        };
        let (sale, cancellation) = (InvoiceKind::Sale, InvoiceKind::Cancellation);
        let rows = ProjectionTest::new(Customers)
            .at("2026-01-02T10:00:00Z".parse().unwrap())
            .given::<Invoice>("2", [recorded(Some("ada"), sale), bought(6), bought(2)])
            .given::<Invoice>("C3", [recorded(Some("ada"), cancellation), returned])
            .given::<Invoice>("4", [recorded(None, sale), bought(9)])
            .rows()
            .await;
        let all = rows.all::<CustomerHistory>();
        let [ada] = all.as_slice() else { panic!("one customer is known, found {all:?}") };
        assert_eq!((ada.invoices, ada.cancellations, ada.orders), (1, 1, 0));
        assert_eq!((ada.bought, ada.given_back), (thousandths(1000), thousandths(125)));
        assert_eq!(ada.latest.to_string(), "2026-01-02");
    }

    #[tokio::test]
    async fn a_line_of_an_invoice_that_was_never_recorded_is_an_error() {
        let price = Amount::ZERO;
        let line = InvoiceEvent::LineRecorded { product: "lamp".into(), description: None, count: 1, price };
        let error = ProjectionTest::new(Customers).given::<Invoice>("1", [line]).fails().await;
        assert_eq!(error.downcast_ref(), Some(&NeverRecorded { invoice: "1".into() }));
    }
}

//! What each customer has done.

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Day, orders::NeverPlaced};
use crate::domain::{
    CustomerId, Line, Money, OrderId,
    order::{OrderEvent, total},
    payment::PaymentEvent,
};

/// What a customer ordered, paid and sent back.
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
    /// The day of the latest order.
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

/// Keeps a row for each customer: [`CustomerHistory`].
#[derive(Debug, Clone, Copy)]
pub struct Customers;

#[projection(
    name = "customers",
    version = 1,
    tables(CustomerHistory, OrderOwner),
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
        let (customer, latest) = (customer.clone(), Day::of(cx.record().occurred)?);
        rows.put(OrderOwner { order: cx.id()?, customer: customer.clone() })?;
        let known = rows.get::<CustomerHistory>(&customer).await?;
        let mut history = known.unwrap_or_else(|| CustomerHistory::new(customer, latest.clone()));
        history.orders += 1;
        history.ordered += total(lines);
        history.latest = latest;
        rows.put(history)?;
        Ok(())
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

impl CustomerHistory {
    const fn new(customer: CustomerId, latest: Day) -> Self {
        let (ordered, paid) = (Money::ZERO, Money::ZERO);
        Self { customer, orders: 0, ordered, cancelled: 0, returned: 0, paid, latest }
    }
}

#[cfg(test)]
mod tests {
    use annals::projections::testing::ProjectionTest;

    use super::*;
    use crate::domain::{Order, Payment, Terms, order::Cause};

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
}

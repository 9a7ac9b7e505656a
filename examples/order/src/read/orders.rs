//! How far each order is.

use annals::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Day;
use crate::domain::{
    CustomerId, Line, Money, OrderId,
    order::{Cause, OrderEvent, total},
};

/// An order, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "orders", keyed_by_lane)]
pub struct OrderOverview {
    /// The order.
    #[row(key)]
    pub order: OrderId,
    /// Whose it is.
    #[row(index)]
    pub customer: CustomerId,
    /// How far it is.
    #[row(index)]
    pub stage: Stage,
    /// Why it was cancelled, if it was.
    pub cause: Option<Cause>,
    /// What it costs.
    pub total: Money,
    /// Whether it is paid.
    pub is_paid: bool,
    /// How often the customer was reminded to pay.
    pub reminders: u32,
    /// How often nobody took a package of it.
    pub failed_deliveries: u32,
    /// The day on which it was placed.
    pub placed: Day,
}

/// How far an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, RowKey)]
pub enum Stage {
    /// Placed by the customer.
    Placed,
    /// The shop will deliver it.
    Confirmed,
    /// Some of it, or all, is packed.
    Packed,
    /// Some of it, or all, is on its way.
    Sent,
    /// All of it was delivered.
    Delivered,
    /// It came back.
    Returned,
    /// Nothing will come of it.
    Cancelled,
}

/// Keeps a row for each order: [`OrderOverview`].
#[derive(Debug, Clone, Copy)]
pub struct Orders;

/// Something happened to an order that was never placed. No version of this program writes that.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("something happened to order {order}, which was never placed")]
pub struct NeverPlaced {
    /// The order.
    pub order: OrderId,
}

#[projection(
    name = "orders",
    version = 1,
    tables(OrderOverview),
    ignore(OrderEvent::Reserved, OrderEvent::Invoiced, OrderEvent::Arrived)
)]
impl Orders {
    #[on(OrderEvent::Placed { customer, lines, .. })]
    fn placed(
        &self,
        customer: &CustomerId,
        lines: &[Line],
        cx: &EventContext<'_>,
        rows: &mut Rows<'_>,
    ) -> Result<(), BoxError> {
        rows.put(OrderOverview {
            order: cx.id()?,
            customer: customer.clone(),
            stage: Stage::Placed,
            cause: None,
            total: total(lines),
            is_paid: false,
            reminders: 0,
            failed_deliveries: 0,
            placed: Day::of(cx.record().occurred())?,
        })?;
        Ok(())
    }

    #[on(OrderEvent::Confirmed {})]
    async fn confirmed(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |order| order.reach(Stage::Confirmed)).await
    }

    #[on(OrderEvent::Paid {})]
    async fn paid(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |order| order.is_paid = true).await
    }

    #[on(OrderEvent::Reminded { number })]
    async fn reminded(&self, number: &u32, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |order| order.reminders = *number).await
    }

    #[on(OrderEvent::Packed { .. })]
    async fn packed(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |order| order.reach(Stage::Packed)).await
    }

    #[on(OrderEvent::Sent { .. })]
    async fn sent(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |order| order.reach(Stage::Sent)).await
    }

    #[on(OrderEvent::DeliveryFailed { .. })]
    async fn not_delivered(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |order| order.failed_deliveries += 1).await
    }

    #[on(OrderEvent::Delivered {})]
    async fn delivered(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |order| order.reach(Stage::Delivered)).await
    }

    #[on(OrderEvent::Returned { .. })]
    async fn returned(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |order| order.reach(Stage::Returned)).await
    }

    #[on(OrderEvent::Cancelled { cause })]
    async fn cancelled(&self, cause: &Cause, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |order| {
            order.cause = Some(*cause);
            order.reach(Stage::Cancelled);
        })
        .await
    }
}

async fn change(
    cx: &EventContext<'_>,
    rows: &mut Rows<'_>,
    change: impl FnOnce(&mut OrderOverview),
) -> Result<(), BoxError> {
    let order: OrderId = cx.id()?;
    let Some(mut overview) = rows.get::<OrderOverview>(&order).await? else {
        return Err(NeverPlaced { order }.into());
    };
    change(&mut overview);
    rows.put(overview)?;
    Ok(())
}

impl OrderOverview {
    /// A package may be on its way while another one is packed, and an order was cancelled before its package was noted.
    fn reach(&mut self, stage: Stage) {
        self.stage = self.stage.max(stage);
    }
}

#[cfg(test)]
mod tests {
    use annals::projections::testing::ProjectionTest;

    use super::*;
    use crate::domain::{Order, Terms};

    fn placed() -> OrderEvent {
        let lines = vec![Line { product: "lamp".into(), count: 2, price: Money::of_cents(250) }];
        OrderEvent::Placed { customer: "ada".into(), lines, terms: Terms::Card { card: "4242".into() } }
    }

    #[tokio::test]
    async fn an_order_is_as_far_as_the_farthest_of_it_and_found_by_that() {
        let packed = |package: &str| OrderEvent::Packed { package: package.into(), goods: vec![("lamp".into(), 1)] };
        let rows = ProjectionTest::new(Orders)
            .given::<Order>("o-1", [placed(), OrderEvent::Confirmed {}, packed("p-1")])
            .given::<Order>("o-1", [OrderEvent::Sent { package: "p-1".into() }, packed("p-2"), OrderEvent::Paid {}])
            .given::<Order>("o-2", [placed(), OrderEvent::Cancelled { cause: Cause::Customer }, packed("p-3")])
            .rows()
            .await;
        let stages = |rows: Vec<OrderOverview>| rows.into_iter().map(|row| row.stage).collect::<Vec<_>>();
        assert_eq!(stages(rows.by(OrderOverview::BY_STAGE)), [Stage::Sent, Stage::Cancelled]);
        let first = rows.row::<OrderOverview>(OrderId::from("o-1")).unwrap();
        assert_eq!((first.total, first.is_paid, first.reminders), (Money::of_cents(500), true, 0));
    }

    #[tokio::test]
    async fn what_happens_to_an_order_that_was_never_placed_is_an_error() {
        let error = ProjectionTest::new(Orders).given::<Order>("o-1", [OrderEvent::Paid {}]).fails().await;
        assert_eq!(error.downcast_ref(), Some(&NeverPlaced { order: "o-1".into() }));
    }
}

//! What is there of each product.

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::{ProductId, stock::StockEvent};

/// What is there of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "stock_levels", keyed_by_lane)]
pub struct StockLevel {
    /// The product.
    #[row(key)]
    pub product: ProductId,
    /// How many are neither put aside nor picked. What is not counted goes below zero.
    #[row(index)]
    pub available: i64,
    /// How many are put aside for orders.
    pub reserved: i64,
    /// How many were picked, and not put back.
    pub picked: u64,
    /// How often more were ordered.
    pub reorders: u64,
    /// How often somebody found none.
    pub ran_out: u64,
}

/// Keeps a row for each product: [`StockLevel`].
#[derive(Debug, Clone, Copy)]
pub struct Stock;

#[projection(name = "stock", version = 1, tables(StockLevel), ignore(StockEvent::RanLow))]
impl Stock {
    #[on(StockEvent::Received { count, .. })]
    async fn received(&self, count: &u32, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |level| level.available += i64::from(*count)).await
    }

    #[on(StockEvent::Reserved { count, .. })]
    async fn reserved(&self, count: &u32, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |level| level.put_aside((*count).into())).await
    }

    #[on(StockEvent::Released { count, .. })]
    async fn released(&self, count: &u32, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |level| level.put_aside(-i64::from(*count))).await
    }

    #[on(StockEvent::Picked { count, .. })]
    async fn picked(&self, count: &u32, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |level| level.pick(*count)).await
    }

    #[on(StockEvent::PutBack { count, .. })]
    async fn put_back(&self, count: &u32, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |level| {
            level.picked = level.picked.saturating_sub((*count).into());
            level.available += i64::from(*count);
        })
        .await
    }

    #[on(StockEvent::Reordered { .. })]
    async fn reordered(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |level| level.reorders += 1).await
    }

    #[on(StockEvent::RanOut {})]
    async fn ran_out(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        change(cx, rows, |level| level.ran_out += 1).await
    }
}

async fn change(
    cx: &EventContext<'_>,
    rows: &mut Rows<'_>,
    change: impl FnOnce(&mut StockLevel),
) -> Result<(), BoxError> {
    let product: ProductId = cx.id()?;
    let known = rows.get::<StockLevel>(&product).await?;
    let mut level = known.unwrap_or_else(|| StockLevel::none_of(product));
    change(&mut level);
    rows.put(level)?;
    Ok(())
}

impl StockLevel {
    const fn none_of(product: ProductId) -> Self {
        Self { product, available: 0, reserved: 0, picked: 0, reorders: 0, ran_out: 0 }
    }

    fn put_aside(&mut self, count: i64) {
        self.available -= count;
        self.reserved += count;
    }

    /// What was put aside, and of what is not counted, just so many.
    fn pick(&mut self, count: u32) {
        let put_aside = self.reserved.min(count.into());
        self.reserved -= put_aside;
        self.available -= i64::from(count) - put_aside;
        self.picked += u64::from(count);
    }
}

#[cfg(test)]
mod tests {
    use annals::projections::testing::ProjectionTest;

    use super::*;
    use crate::domain::StockItem;

    #[tokio::test]
    async fn what_is_put_aside_is_picked_or_available_again() {
        let (product, order) = (ProductId::from("lamp"), crate::domain::OrderId::from("o-1"));
        let rows = ProjectionTest::new(Stock)
            .given::<StockItem>(
                "lamp",
                [
                    StockEvent::Received { product: product.clone(), count: 9 },
                    StockEvent::Reserved { product: product.clone(), order: order.clone(), count: 4 },
                    StockEvent::Picked { order: order.clone(), count: 4 },
                    StockEvent::Reserved { product: product.clone(), order: order.clone(), count: 3 },
                    StockEvent::Released { product: product.clone(), order: order.clone(), count: 3 },
                    StockEvent::PutBack { product, order, count: 1 },
                ],
            )
            .rows()
            .await;
        let level = rows.row::<StockLevel>(ProductId::from("lamp")).unwrap();
        assert_eq!((level.available, level.reserved, level.picked), (6, 0, 3));
    }
}

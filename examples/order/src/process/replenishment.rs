//! Stock that runs low.

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use super::days;
use crate::domain::{
    ProductId, StockItem,
    stock::{Receive, Reorder, StockEvent},
};

/// How many are ordered at once of what is counted.
const BATCH: u32 = 40;
/// How many days the supplier takes.
const SUPPLY_DAYS: u64 = 8;

/// The supply of one product. It never ends, as the product does not.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replenishment {
    is_awaited: bool,
}

#[saga(
    name = "replenishment",
    sends(StockItem: Reorder, Receive),
    ignore(
        StockEvent::Received, StockEvent::Reserved, StockEvent::Released, StockEvent::Picked, StockEvent::PutBack,
        StockEvent::Reordered
    )
)]
impl Replenishment {
    /// What is counted is ordered before it runs out, by the batch.
    #[on(StockEvent::RanLow { .. }, starts, continues)]
    fn ran_low(&mut self, step: &mut Step<'_, Self>) {
        if !self.is_awaited {
            self.is_awaited = true;
            step.send::<StockItem, _>(product(step), Reorder { count: BATCH });
            step.schedule("supplier", days(SUPPLY_DAYS));
        }
    }

    #[timeout("supplier")]
    fn supplier_is_there(&mut self, step: &mut Step<'_, Self>) {
        self.is_awaited = false;
        step.send::<StockItem, _>(product(step), Receive { count: BATCH });
    }

    /// What is not counted is ordered when somebody misses it. When it is there, somebody will find it.
    #[on(StockEvent::RanOut {}, starts, continues)]
    fn ran_out(&mut self, step: &mut Step<'_, Self>) {
        step.send::<StockItem, _>(product(step), Reorder { count: 1 });
    }
}

fn product(step: &Step<'_, Replenishment>) -> ProductId {
    step.key().into()
}

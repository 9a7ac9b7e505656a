//! Stock: received, put aside for orders, picked; and reordered when it runs low.

mod command;
mod event;
mod reserve;

use std::collections::BTreeMap;

use annals::prelude::*;
use serde::{Deserialize, Serialize};

pub use command::{Pick, PutBack, Receive, Reorder, RunOut, StockError};
pub use event::StockEvent;
pub use reserve::{Availability, Release, Reserve};

use super::OrderId;

/// Names a product.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Shape, AggregateId, RowKey)]
pub struct ProductId(String);

/// What is there of one product, folded from its events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Aggregate)]
#[aggregate(name = "stock", id = ProductId, event = StockEvent)]
pub struct StockItem {
    /// Whether it is counted: some of it was received once. What is not counted can be picked whenever it is at hand.
    pub is_counted: bool,
    /// How many are neither put aside nor picked.
    pub available: u32,
    /// How many are put aside, and for which orders.
    pub reserved: BTreeMap<OrderId, u32>,
    /// How many left the shelf for good: picked, and not put back.
    pub picked: u64,
    /// How many were received, or put back from outside.
    pub received: u64,
}

impl Evolve<StockEvent> for StockItem {
    fn evolve(&mut self, event: &StockEvent) {
        match event {
            StockEvent::Received { count, .. } => {
                self.is_counted = true;
                self.received += u64::from(*count);
                self.available += count;
            }
            StockEvent::Reserved { order, count, .. } => {
                self.available = self.available.saturating_sub(*count);
                *self.reserved.entry(order.clone()).or_default() += count;
            }
            StockEvent::Released { order, count, .. } => {
                self.available += count;
                self.reserved.remove(order);
            }
            StockEvent::Picked { order, count, .. } => {
                self.picked += u64::from(*count);
                self.reserved.remove(order);
            }
            StockEvent::PutBack { count, .. } => {
                self.picked = self.picked.saturating_sub(u64::from(*count));
                self.available += count;
            }
            StockEvent::RanLow { .. } | StockEvent::RanOut {} | StockEvent::Reordered { .. } => {}
        }
    }
}

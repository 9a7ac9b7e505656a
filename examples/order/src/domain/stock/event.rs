//! What happens to the stock of a product.

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use super::ProductId;
use crate::domain::OrderId;

/// What happens to the stock of a product. What changes how much is available names the product as a tag, so that a decision
/// about several products can rest on exactly that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(prefix = "stock")]
pub enum StockEvent {
    /// Some came in.
    Received {
        /// Of what.
        #[tag]
        product: ProductId,
        /// How many.
        count: u32,
    },
    /// Some were put aside for an order.
    Reserved {
        /// Of what.
        #[tag]
        product: ProductId,
        /// For which.
        order: OrderId,
        /// How many.
        count: u32,
    },
    /// What was put aside for an order is available again.
    Released {
        /// Of what.
        #[tag]
        product: ProductId,
        /// For which.
        order: OrderId,
        /// How many.
        count: u32,
    },
    /// Some were taken from the shelf for an order.
    Picked {
        /// For which.
        order: OrderId,
        /// How many.
        count: u32,
    },
    /// What was picked for an order is on the shelf again.
    PutBack {
        /// Of what.
        #[tag]
        product: ProductId,
        /// For which.
        order: OrderId,
        /// How many.
        count: u32,
    },
    /// Few are left.
    RanLow {
        /// Of what.
        #[tag]
        product: ProductId,
        /// How many.
        left: u32,
    },
    /// Somebody who came to pick found none.
    RanOut {},
    /// More are ordered from the supplier.
    Reordered {
        /// How many.
        count: u32,
    },
}

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
    #[event(example = Self::Received { product: "lamp".into(), count: 40 })]
    Received {
        /// Of what.
        #[tag]
        product: ProductId,
        /// How many.
        count: u32,
    },
    /// Some were put aside for an order.
    #[event(example = Self::Reserved { product: "lamp".into(), order: "o-1".into(), count: 2 })]
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
    #[event(example = Self::Released { product: "lamp".into(), order: "o-1".into(), count: 2 })]
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
    #[event(example = Self::Picked { order: "o-1".into(), count: 2 })]
    Picked {
        /// For which.
        order: OrderId,
        /// How many.
        count: u32,
    },
    /// What was picked for an order is on the shelf again.
    #[event(example = Self::PutBack { product: "lamp".into(), order: "o-1".into(), count: 2 })]
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
    #[event(example = Self::RanLow { product: "lamp".into(), left: 3 })]
    RanLow {
        /// Of what.
        #[tag]
        product: ProductId,
        /// How many.
        left: u32,
    },
    /// Somebody who came to pick found none.
    #[event(example = Self::RanOut {})]
    RanOut {},
    /// More are ordered from the supplier.
    #[event(example = Self::Reordered { count: 40 })]
    Reordered {
        /// How many.
        count: u32,
    },
}

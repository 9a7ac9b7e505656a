//! One row of a recorded log.

use annals::prelude::*;

use crate::domain::{Money, OrderId, PackageId, ProductId};

/// Something that was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its number in the log.
    pub number: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub activity: Activity,
}

/// What happened. The shop of the log counts nothing: each item is an article of its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Activity {
    /// An order was placed.
    Place {
        /// Which.
        order: OrderId,
        /// What was ordered.
        items: Vec<ProductId>,
    },
    /// An order was confirmed.
    Confirm(OrderId),
    /// An order was paid.
    Pay(OrderId),
    /// An item was taken from the shelf.
    Pick {
        /// Which.
        item: ProductId,
        /// What it costs.
        price: Money,
    },
    /// Somebody came to take an item, and there was none.
    OutOfStock(ProductId),
    /// The item was ordered again. A saga sees to that here.
    Reorder(ProductId),
    /// A package was packed.
    Pack {
        /// Which.
        package: PackageId,
        /// What is in it.
        items: Vec<ProductId>,
    },
    /// A package was sent.
    Send(PackageId),
    /// Nobody took a package.
    Fail(PackageId),
    /// Somebody took a package.
    Deliver(PackageId),
    /// The customer was reminded to pay. A saga sees to that here.
    Remind(OrderId),
}

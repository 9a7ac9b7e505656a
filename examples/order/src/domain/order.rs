//! Orders: placed, confirmed, paid, packed, sent, delivered; cancelled and returned.

mod command;
mod error;
mod event;

use std::collections::BTreeMap;

use annals::prelude::*;
use serde::{Deserialize, Serialize};

pub use command::{Cancel, Confirm, NoteDelivered, NoteFailed, NotePacked, NoteSent, Pay, Place, Remind, Return};
pub use error::OrderError;
pub use event::{Cause, OrderEvent};

use super::{Money, PackageId, ProductId};

/// Names an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Shape, AggregateId, RowKey)]
pub struct OrderId(String);

/// Names a customer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Shape, AggregateId, RowKey)]
pub struct CustomerId(String);

/// So many of a product, at a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Shape)]
pub struct Line {
    /// Of what.
    pub product: ProductId,
    /// How many: at least one.
    pub count: u32,
    /// What one of them costs.
    pub price: Money,
}

/// How an order is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Shape)]
pub enum Terms {
    /// A card is charged once the order is confirmed.
    Card {
        /// Its number.
        card: String,
    },
    /// The customer pays on an invoice.
    Invoice {
        /// After how many days without a payment the customer is reminded, and again after as many.
        remind_after_days: u32,
        /// After how many reminders the order is cancelled when nothing is paid until the next would be due; never when not
        /// said.
        reminders_max: Option<u32>,
    },
}

/// How far an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Phase {
    /// Not placed yet.
    #[default]
    New,
    /// Placed by the customer.
    Placed,
    /// All of it was delivered.
    Delivered,
    /// It came back.
    Returned,
    /// Nothing will come of it.
    Cancelled,
}

/// One order, folded from its events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Aggregate)]
#[aggregate(name = "order", id = OrderId, event = OrderEvent)]
pub struct Order {
    /// How far it is.
    pub phase: Phase,
    /// What was ordered.
    pub lines: Vec<Line>,
    /// How it is paid.
    pub terms: Option<Terms>,
    /// Whether its goods are put aside.
    pub is_reserved: bool,
    /// Whether the shop has said that it will deliver it.
    pub is_confirmed: bool,
    /// Whether it is paid.
    pub is_paid: bool,
    /// How often the customer was reminded.
    pub reminders: u32,
    /// What of it is in which package.
    pub packages: BTreeMap<PackageId, Vec<(ProductId, u32)>>,
    /// Which packages were delivered.
    pub delivered: Vec<PackageId>,
    /// How often nobody was at home.
    pub failed_deliveries: u32,
}

impl Evolve<OrderEvent> for Order {
    fn evolve(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::Placed { lines, terms, .. } => {
                self.phase = Phase::Placed;
                self.lines.clone_from(lines);
                self.terms = Some(terms.clone());
            }
            OrderEvent::Reserved {} => self.is_reserved = true,
            OrderEvent::Confirmed {} => self.is_confirmed = true,
            OrderEvent::Invoiced { .. } | OrderEvent::Sent { .. } => {}
            OrderEvent::Paid {} => self.is_paid = true,
            OrderEvent::Reminded { number } => self.reminders = *number,
            OrderEvent::Packed { package, goods } => {
                self.packages.insert(package.clone(), goods.clone());
            }
            OrderEvent::DeliveryFailed { .. } => self.failed_deliveries += 1,
            OrderEvent::Arrived { package } => self.delivered.push(package.clone()),
            OrderEvent::Delivered {} => self.phase = Phase::Delivered,
            OrderEvent::Returned { .. } => self.phase = Phase::Returned,
            OrderEvent::Cancelled { .. } => self.phase = Phase::Cancelled,
        }
    }
}

impl Order {
    /// What it costs.
    #[must_use]
    pub fn total(&self) -> Money {
        total(&self.lines)
    }

    /// Whether everything that was ordered is in packages that were delivered.
    fn is_complete(&self) -> bool {
        let packages = self.delivered.iter().filter_map(|package| self.packages.get(package));
        let mut there: BTreeMap<&ProductId, u32> = BTreeMap::new();
        for (product, count) in packages.flatten() {
            *there.entry(product).or_default() += count;
        }
        goods(&self.lines).iter().all(|(product, count)| there.get(product) >= Some(count))
    }

    /// Whether it was placed, and what is to be done for it still has a meaning.
    pub(super) fn check_open(&self) -> Result<(), OrderError> {
        match self.phase {
            Phase::New => Err(OrderError::Unknown),
            Phase::Cancelled => Err(OrderError::Cancelled),
            Phase::Placed | Phase::Delivered | Phase::Returned => Ok(()),
        }
    }
}

/// What lines cost together.
#[must_use]
pub fn total(lines: &[Line]) -> Money {
    lines.iter().map(|line| line.price.times(i64::from(line.count))).sum()
}

/// How many of each product lines are about; one may stand in several.
#[must_use]
pub fn goods(lines: &[Line]) -> BTreeMap<ProductId, u32> {
    lines.iter().fold(BTreeMap::new(), |mut goods, line| {
        *goods.entry(line.product.clone()).or_default() += line.count;
        goods
    })
}

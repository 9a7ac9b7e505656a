//! Stock of several products that is put aside for an order at once, or not at all.

use std::collections::BTreeMap;

use annals::{At, Boundary, JointCommand, Selection, Targets, Within, at, boundary, kinds, prelude::*};
use serde::{Deserialize, Serialize};

use super::{ProductId, StockError, StockEvent, StockItem};
use crate::domain::{
    Line, Order, OrderId,
    order::{OrderError, OrderEvent, goods},
};

/// With so many left or fewer, more are ordered.
const LOW: u32 = 5;

/// How many of some products are available: exactly what a reservation rests on. Two orders that have no product in common do not
/// meet, and of what is in common never more is promised than there is, under any number of callers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Availability(BTreeMap<ProductId, Level>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Level {
    available: u32,
    is_low: bool,
}

impl Evolve<StockEvent> for Availability {
    fn evolve(&mut self, event: &StockEvent) {
        match event {
            StockEvent::Received { product, count } => {
                let level = self.level(product);
                level.available += count;
                level.is_low &= level.available <= LOW;
            }
            StockEvent::Released { product, count, .. } | StockEvent::PutBack { product, count, .. } => {
                self.level(product).available += count;
            }
            StockEvent::Reserved { product, count, .. } => {
                let level = self.level(product);
                level.available = level.available.saturating_sub(*count);
            }
            StockEvent::RanLow { product, .. } => self.level(product).is_low = true,
            StockEvent::Picked { .. } | StockEvent::RanOut {} | StockEvent::Reordered { .. } => {}
        }
    }
}

impl Boundary for Availability {
    type Id = Vec<ProductId>;

    fn select(products: &Vec<ProductId>) -> Selection<Self> {
        let changes = || {
            kinds![
                StockEvent::Received,
                StockEvent::Reserved,
                StockEvent::Released,
                StockEvent::PutBack,
                StockEvent::RanLow
            ]
        };
        products.iter().fold(Selection::nothing(), |all, product| all.or(changes()).tag("product", product))
    }
}

impl Availability {
    fn level(&mut self, product: &ProductId) -> &mut Level {
        self.0.entry(product.clone()).or_default()
    }

    fn of(&self, product: &ProductId) -> Level {
        self.0.get(product).copied().unwrap_or_default()
    }
}

/// Puts aside everything that an order needs, or nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct Reserve {
    /// For which.
    pub order: OrderId,
    /// What it needs.
    pub lines: Vec<Line>,
}

impl JointCommand for Reserve {
    type Targets = (At<Order>, Within<Availability>);
    type Reply = ();
    type Error = OrderError;

    fn targets(&self) -> Self::Targets {
        let products: Vec<_> = goods(&self.lines).into_keys().collect();
        (at::<Order>(self.order.clone()), boundary::<Availability>(products))
    }

    fn decide(&self, (order, stock): <Self::Targets as Targets>::In<'_>) -> Result<(), OrderError> {
        order.check_open()?;
        if order.is_confirmed || order.is_reserved {
            return Err(OrderError::AlreadyConfirmed);
        }
        for (product, count) in goods(&self.lines) {
            let level = stock.of(&product);
            let Some(left) = level.available.checked_sub(count) else {
                return Err(OrderError::Short { missing: count - level.available, product });
            };
            let home = at::<StockItem>(product.clone());
            let reserved = StockEvent::Reserved { product: product.clone(), order: self.order.clone(), count };
            stock.emit(home.clone(), reserved);
            if left <= LOW && !level.is_low {
                stock.emit(home, StockEvent::RanLow { product, left });
            }
        }
        order.emit(OrderEvent::Reserved {});
        Ok(())
    }
}

/// Makes available again what is still put aside for an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct Release {
    /// For which.
    pub order: OrderId,
    /// Of which products.
    pub products: Vec<ProductId>,
}

impl Release {
    /// What was put aside for these lines.
    #[must_use]
    pub fn all(order: OrderId, lines: &[Line]) -> Self {
        Self { order, products: goods(lines).into_keys().collect() }
    }
}

impl JointCommand for Release {
    type Targets = Vec<At<StockItem>>;
    type Reply = ();
    type Error = StockError;

    fn targets(&self) -> Self::Targets {
        self.products.iter().map(|product| at::<StockItem>(product.clone())).collect()
    }

    fn decide(&self, items: <Self::Targets as Targets>::In<'_>) -> Result<(), StockError> {
        for item in items {
            if let Some(count) = item.reserved.get(&self.order).copied() {
                let (product, order) = (item.id().clone(), self.order.clone());
                item.emit(StockEvent::Released { product, order, count });
            }
        }
        Ok(())
    }
}

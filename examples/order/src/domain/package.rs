//! Packages: goods of one order, or of several that go to the same place.

use std::collections::BTreeMap;

use annals::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{OrderId, ProductId};

/// Names a package, and its shipment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Shape, AggregateId, RowKey)]
pub struct PackageId(String);

/// What is in a package, for which order, and how many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Shape)]
pub struct Content {
    /// For which order.
    pub order: OrderId,
    /// What.
    pub product: ProductId,
    /// How many.
    pub count: u32,
}

/// One package, folded from its events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Aggregate)]
#[aggregate(name = "package", id = PackageId, event = PackageEvent)]
pub struct Package {
    /// What is in it.
    pub contents: Vec<Content>,
}

/// What happens to a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(prefix = "package")]
pub enum PackageEvent {
    /// It was packed.
    #[event(example = Self::Packed { contents: vec![Content { order: "o-1".into(), product: "lamp".into(), count: 2 }] })]
    Packed {
        /// What is in it.
        contents: Vec<Content>,
    },
    /// What was in it was taken out.
    #[event(example = Self::Unpacked {})]
    Unpacked {},
}

/// Why a command about a package is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PackageError {
    /// There is something in it already. Take another one.
    #[error("the package is packed already")]
    AlreadyPacked,
    /// A package with nothing in it is none.
    #[error("nothing is to be packed")]
    Empty,
}

/// Packs a package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct Pack {
    /// What goes into it.
    pub contents: Vec<Content>,
}

/// Takes out what is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct Unpack {}

impl Evolve<PackageEvent> for Package {
    fn evolve(&mut self, event: &PackageEvent) {
        match event {
            PackageEvent::Packed { contents } => self.contents.clone_from(contents),
            PackageEvent::Unpacked {} => self.contents.clear(),
        }
    }
}

impl Handle<Pack> for Package {
    type Reply = ();
    type Error = PackageError;
    fn handle(package: &mut Decision<Self>, Pack { contents }: Pack) -> Result<(), PackageError> {
        if !package.contents.is_empty() {
            return Err(PackageError::AlreadyPacked);
        }
        if contents.is_empty() {
            return Err(PackageError::Empty);
        }
        package.emit(PackageEvent::Packed { contents });
        Ok(())
    }
}

impl Handle<Unpack> for Package {
    type Reply = ();
    type Error = PackageError;
    fn handle(package: &mut Decision<Self>, _: Unpack) -> Result<(), PackageError> {
        if !package.contents.is_empty() {
            package.emit(PackageEvent::Unpacked {});
        }
        Ok(())
    }
}

/// What of which order is in a package.
#[must_use]
pub fn by_order(contents: &[Content]) -> BTreeMap<OrderId, Vec<(ProductId, u32)>> {
    let mut orders: BTreeMap<OrderId, Vec<_>> = BTreeMap::new();
    for Content { order, product, count } in contents {
        orders.entry(order.clone()).or_default().push((product.clone(), *count));
    }
    orders
}

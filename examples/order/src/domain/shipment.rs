//! Shipments: a package on its way to the customer.

use std::sync::Arc;

use annals::{Preparation, Prepare, async_trait, prelude::*};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{OrderId, PackageId};

/// The way of one package, folded from its events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Aggregate)]
#[aggregate(name = "shipment", id = PackageId, event = ShipmentEvent)]
pub struct Shipment {
    /// Of which orders something is in it; none before it is sent.
    pub orders: Vec<OrderId>,
    /// How often nobody was at home.
    pub failures: u32,
    /// Whether it is no longer on its way: delivered, or taken back.
    pub has_ended: bool,
}

/// What happens to a shipment. Each says of which orders something is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(prefix = "shipment")]
pub enum ShipmentEvent {
    /// It left.
    #[event(example = Self::Sent { orders: vec!["o-1".into()] })]
    Sent {
        /// Of which orders something is in it.
        orders: Vec<OrderId>,
    },
    /// Nobody was at home.
    #[event(example = Self::Failed { orders: vec!["o-1".into()] })]
    Failed {
        /// Of which orders something is in it.
        orders: Vec<OrderId>,
    },
    /// Somebody took it.
    #[event(example = Self::Delivered { orders: vec!["o-1".into()] })]
    Delivered {
        /// Of which orders something is in it.
        orders: Vec<OrderId>,
    },
    /// It came back.
    #[event(example = Self::TakenBack {})]
    TakenBack {},
}

/// Why a command about a shipment is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ShipmentError {
    /// It was sent before.
    #[error("the package was sent already")]
    AlreadySent,
    /// It is not on its way: not sent yet, or not any more.
    #[error("the package is not on its way")]
    NotOnItsWay,
}

/// Sends the package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct Send {
    /// Of which orders something is in it.
    pub orders: Vec<OrderId>,
}

/// The carrier tries to deliver it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct TryToDeliver {
    /// For the how manieth time, from 1.
    pub attempt: u32,
}

/// Somebody took it, or nobody was at home.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct ReportDelivery {
    /// What it was.
    pub outcome: Outcome,
}

/// It comes back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct TakeBack {}

/// What came of trying to deliver a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Shape)]
pub enum Outcome {
    /// Somebody took it.
    Delivered,
    /// Nobody was at home.
    NobodyHome,
}

/// A carrier, by what is wanted of it.
#[async_trait]
pub trait Carrier: std::marker::Send + Sync {
    /// Tries to deliver a package, for the so manieth time.
    async fn deliver(&self, package: &PackageId, attempt: u32) -> Outcome;
}

impl Evolve<ShipmentEvent> for Shipment {
    fn evolve(&mut self, event: &ShipmentEvent) {
        match event {
            ShipmentEvent::Sent { orders } => self.orders.clone_from(orders),
            ShipmentEvent::Failed { .. } => self.failures += 1,
            ShipmentEvent::Delivered { .. } | ShipmentEvent::TakenBack {} => self.has_ended = true,
        }
    }
}

impl Shipment {
    fn check_on_its_way(&self) -> Result<(), ShipmentError> {
        if self.orders.is_empty() || self.has_ended { Err(ShipmentError::NotOnItsWay) } else { Ok(()) }
    }
}

impl Handle<Send> for Shipment {
    type Reply = ();
    type Error = ShipmentError;
    fn handle(shipment: &mut Decision<Self>, Send { orders }: Send) -> Result<(), ShipmentError> {
        if !shipment.orders.is_empty() {
            return Err(ShipmentError::AlreadySent);
        }
        shipment.emit(ShipmentEvent::Sent { orders });
        Ok(())
    }
}

impl Prepare<TryToDeliver> for Shipment {
    type Service = Arc<dyn Carrier>;
    type Prepared = ReportDelivery;
    type Error = ShipmentError;

    async fn prepare(
        shipment: Preparation<'_, Shipment>,
        TryToDeliver { attempt }: TryToDeliver,
        carrier: &Arc<dyn Carrier>,
    ) -> Result<ReportDelivery, ShipmentError> {
        shipment.check_on_its_way()?;
        Ok(ReportDelivery { outcome: carrier.deliver(shipment.id(), attempt).await })
    }
}

impl Handle<ReportDelivery> for Shipment {
    type Reply = ();
    type Error = ShipmentError;
    fn handle(shipment: &mut Decision<Self>, ReportDelivery { outcome }: ReportDelivery) -> Result<(), ShipmentError> {
        shipment.check_on_its_way()?;
        let orders = shipment.orders.clone();
        shipment.emit(match outcome {
            Outcome::Delivered => ShipmentEvent::Delivered { orders },
            Outcome::NobodyHome => ShipmentEvent::Failed { orders },
        });
        Ok(())
    }
}

impl Handle<TakeBack> for Shipment {
    type Reply = ();
    type Error = ShipmentError;
    fn handle(shipment: &mut Decision<Self>, _: TakeBack) -> Result<(), ShipmentError> {
        shipment.check_on_its_way()?;
        shipment.emit(ShipmentEvent::TakenBack {});
        Ok(())
    }
}

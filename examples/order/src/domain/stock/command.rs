//! What can be asked of the stock of one product.

use annals::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{StockEvent, StockItem};
use crate::domain::OrderId;

/// Some came in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct Receive {
    /// How many.
    pub count: u32,
}

/// Some are taken from the shelf for an order: of what is counted, what was put aside for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct Pick {
    /// For which.
    pub order: OrderId,
    /// How many.
    pub count: u32,
}

/// What was picked for an order comes back to the shelf.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct PutBack {
    /// For which.
    pub order: OrderId,
    /// How many.
    pub count: u32,
}

/// Somebody who came to pick found none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct RunOut {}

/// More are ordered from the supplier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct Reorder {
    /// How many.
    pub count: u32,
}

/// Why a command about stock is refused. Nothing happened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StockError {
    /// Not so many are put aside for the order. Reserve them first.
    #[error("{reserved} are put aside for order {order}, not {count}")]
    NotReserved {
        /// Which.
        order: OrderId,
        /// How many are put aside.
        reserved: u32,
        /// How many were to be picked.
        count: u32,
    },
}

impl Handle<Receive> for StockItem {
    type Reply = ();
    type Error = StockError;
    fn handle(stock: &mut Decision<Self>, Receive { count }: Receive) -> Result<(), StockError> {
        let product = stock.id().clone();
        stock.emit(StockEvent::Received { product, count });
        Ok(())
    }
}

impl Handle<Pick> for StockItem {
    type Reply = ();
    type Error = StockError;
    fn handle(stock: &mut Decision<Self>, Pick { order, count }: Pick) -> Result<(), StockError> {
        let reserved = stock.reserved.get(&order).copied().unwrap_or_default();
        if stock.is_counted && reserved != count {
            return Err(StockError::NotReserved { order, reserved, count });
        }
        stock.emit(StockEvent::Picked { order, count });
        Ok(())
    }
}

impl Handle<PutBack> for StockItem {
    type Reply = ();
    type Error = StockError;
    fn handle(stock: &mut Decision<Self>, PutBack { order, count }: PutBack) -> Result<(), StockError> {
        let product = stock.id().clone();
        stock.emit(StockEvent::PutBack { product, order, count });
        Ok(())
    }
}

impl Handle<RunOut> for StockItem {
    type Reply = ();
    type Error = StockError;
    fn handle(stock: &mut Decision<Self>, _: RunOut) -> Result<(), StockError> {
        stock.emit(StockEvent::RanOut {});
        Ok(())
    }
}

impl Handle<Reorder> for StockItem {
    type Reply = ();
    type Error = StockError;
    fn handle(stock: &mut Decision<Self>, Reorder { count }: Reorder) -> Result<(), StockError> {
        stock.emit(StockEvent::Reordered { count });
        Ok(())
    }
}

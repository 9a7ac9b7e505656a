//! What can be asked of an order.

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Cause, CustomerId, Line, Order, OrderError, OrderEvent, Phase, Terms};
use crate::domain::{PackageId, ProductId};

/// A customer orders something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct Place {
    /// Who.
    pub customer: CustomerId,
    /// What.
    pub lines: Vec<Line>,
    /// How it is paid.
    pub terms: Terms,
}

/// The shop will deliver it, or has already. An order on invoice is invoiced with that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct Confirm {}

/// It is paid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct Pay {}

/// The customer is reminded to pay. One who has paid meanwhile is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct Remind {
    /// For the how manieth time.
    pub number: u32,
}

/// Nothing shall come of it. A customer can cancel it until it is packed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct Cancel {
    /// Why.
    pub cause: Cause,
}

/// The customer sends everything back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct Return {}

/// Some of it, or all, was put into a package: a fact, which is noted also of an order that was cancelled meanwhile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct NotePacked {
    /// Into which.
    pub package: PackageId,
    /// How many of what.
    pub goods: Vec<(ProductId, u32)>,
}

/// A package with some of it left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct NoteSent {
    /// Which.
    pub package: PackageId,
}

/// Nobody took a package with some of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct NoteFailed {
    /// Which.
    pub package: PackageId,
}

/// A package with some of it was delivered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct NoteDelivered {
    /// Which.
    pub package: PackageId,
}

impl Handle<Place> for Order {
    type Reply = ();
    type Error = OrderError;
    fn handle(order: &mut Decision<Self>, Place { customer, lines, terms }: Place) -> Result<(), OrderError> {
        if order.phase != Phase::New {
            return Err(OrderError::AlreadyPlaced);
        }
        if lines.is_empty() || lines.iter().any(|line| line.count == 0) {
            return Err(OrderError::Empty);
        }
        order.emit(OrderEvent::Placed { customer, lines, terms });
        Ok(())
    }
}

impl Handle<Confirm> for Order {
    type Reply = ();
    type Error = OrderError;
    fn handle(order: &mut Decision<Self>, _: Confirm) -> Result<(), OrderError> {
        order.check_open()?;
        if order.is_confirmed {
            return Err(OrderError::AlreadyConfirmed);
        }
        order.emit(OrderEvent::Confirmed {});
        if let Some(Terms::Invoice { remind_after_days, reminders_max }) = order.terms {
            let amount = order.total();
            order.emit(OrderEvent::Invoiced { amount, remind_after_days, reminders_max });
        }
        Ok(())
    }
}

impl Handle<Pay> for Order {
    type Reply = ();
    type Error = OrderError;
    fn handle(order: &mut Decision<Self>, _: Pay) -> Result<(), OrderError> {
        order.check_open()?;
        if order.is_paid {
            return Err(OrderError::AlreadyPaid);
        }
        order.emit(OrderEvent::Paid {});
        Ok(())
    }
}

impl Handle<Remind> for Order {
    type Reply = ();
    type Error = OrderError;
    fn handle(order: &mut Decision<Self>, Remind { number }: Remind) -> Result<(), OrderError> {
        order.check_open()?;
        if !order.is_paid {
            order.emit(OrderEvent::Reminded { number });
        }
        Ok(())
    }
}

impl Handle<Cancel> for Order {
    type Reply = ();
    type Error = OrderError;
    fn handle(order: &mut Decision<Self>, Cancel { cause }: Cancel) -> Result<(), OrderError> {
        order.check_open()?;
        let is_packed = order.phase >= Phase::Delivered || !order.packages.is_empty();
        if is_packed && !matches!(cause, Cause::Undeliverable | Cause::Shop) {
            return Err(OrderError::TooLate);
        }
        order.emit(OrderEvent::Cancelled { cause });
        Ok(())
    }
}

impl Handle<Return> for Order {
    type Reply = ();
    type Error = OrderError;
    fn handle(order: &mut Decision<Self>, _: Return) -> Result<(), OrderError> {
        order.check_open()?;
        if order.phase != Phase::Delivered {
            return Err(OrderError::NotDelivered);
        }
        let lines = order.lines.clone();
        order.emit(OrderEvent::Returned { lines });
        Ok(())
    }
}

impl Handle<NotePacked> for Order {
    type Reply = ();
    type Error = OrderError;
    fn handle(order: &mut Decision<Self>, NotePacked { package, goods }: NotePacked) -> Result<(), OrderError> {
        order.emit(OrderEvent::Packed { package, goods });
        Ok(())
    }
}

impl Handle<NoteSent> for Order {
    type Reply = ();
    type Error = OrderError;
    fn handle(order: &mut Decision<Self>, NoteSent { package }: NoteSent) -> Result<(), OrderError> {
        order.emit(OrderEvent::Sent { package });
        Ok(())
    }
}

impl Handle<NoteFailed> for Order {
    type Reply = ();
    type Error = OrderError;
    fn handle(order: &mut Decision<Self>, NoteFailed { package }: NoteFailed) -> Result<(), OrderError> {
        order.emit(OrderEvent::DeliveryFailed { package });
        Ok(())
    }
}

impl Handle<NoteDelivered> for Order {
    type Reply = ();
    type Error = OrderError;
    fn handle(order: &mut Decision<Self>, NoteDelivered { package }: NoteDelivered) -> Result<(), OrderError> {
        order.emit(OrderEvent::Arrived { package });
        if order.is_complete() {
            order.emit(OrderEvent::Delivered {});
        }
        Ok(())
    }
}

//! Payments: a card that is charged through the bank, or money that comes in on an invoice; and what goes back.

mod bank;
mod charge;

use annals::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use bank::{Bank, Denial, Reference};
pub use charge::{Charge, Charged};

use super::{Money, OrderId};

/// What is paid for one order, folded from its events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Aggregate)]
#[aggregate(name = "payment", id = OrderId, event = PaymentEvent)]
pub struct Payment {
    /// What came in.
    pub received: Money,
    /// What went back.
    pub refunded: Money,
    /// Whether nothing is expected any more: what comes in goes back.
    pub is_void: bool,
}

/// What happens to the payment of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(prefix = "payment")]
pub enum PaymentEvent {
    /// The bank charged the customer's card.
    #[event(example = Self::Captured { amount: Money::of_cents(500), reference: Reference::new("bank/o-1") })]
    Captured {
        /// How much.
        amount: Money,
        /// How the bank calls it.
        reference: Reference,
    },
    /// The customer paid an invoice.
    #[event(example = Self::Received { amount: Money::of_cents(500) })]
    Received {
        /// How much.
        amount: Money,
    },
    /// The customer got money back.
    #[event(example = Self::Refunded { amount: Money::of_cents(500) })]
    Refunded {
        /// How much.
        amount: Money,
    },
    /// Nothing is expected any more.
    #[event(example = Self::Voided {})]
    Voided {},
}

/// Why a command about a payment is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PaymentError {
    /// It was paid before.
    #[error("it is paid already")]
    AlreadyPaid,
    /// Nothing is expected any more.
    #[error("no payment is expected any more")]
    Void,
    /// The bank will not.
    #[error("the bank says no: {0}")]
    Denied(Denial),
}

/// The customer paid an invoice. What is too much, or too late, goes back at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct ReceivePayment {
    /// How much.
    pub amount: Money,
}

/// The customer gets back whatever came in, and nothing is expected any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct Refund {}

/// Nothing is expected any more; refused when it was paid meanwhile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct VoidPayment {}

impl Evolve<PaymentEvent> for Payment {
    fn evolve(&mut self, event: &PaymentEvent) {
        match event {
            PaymentEvent::Captured { amount, .. } | PaymentEvent::Received { amount } => self.received += *amount,
            PaymentEvent::Refunded { amount } => self.refunded += *amount,
            PaymentEvent::Voided {} => self.is_void = true,
        }
    }
}

impl Payment {
    /// What came in and did not go back.
    #[must_use]
    pub fn kept(&self) -> Money {
        self.received - self.refunded
    }
}

impl Handle<ReceivePayment> for Payment {
    type Reply = ();
    type Error = PaymentError;
    fn handle(payment: &mut Decision<Self>, ReceivePayment { amount }: ReceivePayment) -> Result<(), PaymentError> {
        let is_wanted = !payment.is_void && payment.kept() == Money::ZERO;
        payment.emit(PaymentEvent::Received { amount });
        if !is_wanted {
            payment.emit(PaymentEvent::Refunded { amount });
        }
        Ok(())
    }
}

impl Handle<Refund> for Payment {
    type Reply = ();
    type Error = PaymentError;
    fn handle(payment: &mut Decision<Self>, _: Refund) -> Result<(), PaymentError> {
        let amount = payment.kept();
        if amount != Money::ZERO {
            payment.emit(PaymentEvent::Refunded { amount });
        }
        if !payment.is_void {
            payment.emit(PaymentEvent::Voided {});
        }
        Ok(())
    }
}

impl Handle<VoidPayment> for Payment {
    type Reply = ();
    type Error = PaymentError;
    fn handle(payment: &mut Decision<Self>, _: VoidPayment) -> Result<(), PaymentError> {
        if payment.kept() != Money::ZERO {
            return Err(PaymentError::AlreadyPaid);
        }
        if !payment.is_void {
            payment.emit(PaymentEvent::Voided {});
        }
        Ok(())
    }
}

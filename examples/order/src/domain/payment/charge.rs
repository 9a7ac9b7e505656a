//! A card that is charged.

use std::sync::Arc;

use annals::{Preparation, Prepare, prelude::*};
use serde::{Deserialize, Serialize};

use super::{Bank, Payment, PaymentError, PaymentEvent, Reference};
use crate::domain::Money;

/// Charges the customer's card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub struct Charge {
    /// Which card.
    pub card: String,
    /// How much.
    pub amount: Money,
    /// For the how manieth time it is tried, from 1.
    pub attempt: u32,
}

/// The bank charged it.
#[derive(Debug, Clone, PartialEq)]
pub struct Charged {
    /// How much.
    pub amount: Money,
    /// How the bank calls it.
    pub reference: Reference,
}

impl Prepare<Charge> for Payment {
    type Service = Arc<dyn Bank>;
    type Prepared = Charged;
    type Error = PaymentError;

    async fn prepare(
        payment: Preparation<'_, Payment>,
        Charge { card, amount, attempt }: Charge,
        bank: &Arc<dyn Bank>,
    ) -> Result<Charged, PaymentError> {
        check(&payment)?; // the bank is not asked in vain
        let reference = bank.charge(payment.id(), attempt, &card, amount).await.map_err(PaymentError::Denied)?;
        Ok(Charged { amount, reference })
    }
}

impl Handle<Charged> for Payment {
    type Reply = ();
    type Error = PaymentError;
    fn handle(payment: &mut Decision<Self>, Charged { amount, reference }: Charged) -> Result<(), PaymentError> {
        check(payment)?;
        payment.emit(PaymentEvent::Captured { amount, reference });
        Ok(())
    }
}

fn check(payment: &Payment) -> Result<(), PaymentError> {
    if payment.is_void {
        Err(PaymentError::Void)
    } else if payment.kept() != Money::ZERO {
        Err(PaymentError::AlreadyPaid)
    } else {
        Ok(())
    }
}

//! The bank, by what is wanted of it.

use annals::{async_trait, prelude::*};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::{Money, OrderId};

/// How the bank calls a charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Shape)]
#[serde(transparent)]
pub struct Reference(String);

impl Reference {
    /// The charge called so.
    pub fn new(reference: impl Into<String>) -> Self {
        Self(reference.into())
    }
}

/// Why a card is not charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Denial {
    /// The card is declined, today and tomorrow.
    #[error("the card is declined")]
    Declined,
    /// The bank did not answer. Whether it has charged the card is not known; asked again for the same order, it says so.
    #[error("the bank does not answer")]
    Unreachable,
}

/// A bank that charges cards. It charges a card at most once for an order: asked again, it answers with the first charge.
#[async_trait]
pub trait Bank: Send + Sync {
    /// Charges a card, for the so manieth time that this order is tried.
    ///
    /// # Errors
    /// [`Denial`].
    async fn charge(&self, order: &OrderId, attempt: u32, card: &str, amount: Money) -> Result<Reference, Denial>;
}

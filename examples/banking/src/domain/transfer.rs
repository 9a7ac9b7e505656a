//! Money that goes from one account to another.

use std::fmt;

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Account, AccountId, Money, account::AccountError, account::AccountEvent};

/// Names a transfer, on both of its sides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TransferId(String);

impl TransferId {
    /// The transfer called `id`.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Sends money from one account to another: both sides in one commit, or neither.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
pub struct Transfer {
    /// Its name, chosen by the sender.
    pub id: TransferId,
    /// Where the money comes from.
    pub from: AccountId,
    /// Where it goes.
    pub to: AccountId,
    /// How much.
    pub amount: Money,
}

impl Transfer {
    /// Decides about both accounts. The reply is the sender's new balance.
    ///
    /// # Errors
    /// [`AccountError`] when either account refuses.
    pub fn decide(&self, from: &mut Decision<Account>, to: &mut Decision<Account>) -> Result<Money, AccountError> {
        if from.id() == to.id() {
            return Err(AccountError::SameAccount);
        }
        from.check_open()?;
        to.check_open()?;
        if !self.amount.is_amount() {
            return Err(AccountError::BadAmount { amount: self.amount });
        }
        from.check_covered(self.amount)?;
        let (transfer, amount) = (self.id.clone(), self.amount);
        from.emit(AccountEvent::TransferSent { transfer: transfer.clone(), to: to.id().clone(), amount });
        to.emit(AccountEvent::TransferReceived { transfer, from: from.id().clone(), amount });
        Ok(from.balance)
    }
}

//! What happened to an account.

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use super::{AccountId, Product, TransactionKind, past};
use crate::domain::{CustomerId, Iban, Money, transfer::TransferId};

/// What happened to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
pub enum AccountEvent {
    /// A customer opened it.
    #[event(version = 3, from(1 = past::OpenedV1, 2 = past::OpenedV2))]
    Opened {
        /// Whose it is.
        #[tag]
        owner: CustomerId,
        /// How other banks call it; no other account is ever called so. Accounts that were opened before have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        iban: Option<Iban>,
        /// What kind of account it is.
        product: Product,
    },
    /// Money was paid in.
    Deposited {
        /// How much.
        amount: Money,
    },
    /// Money was paid out.
    Withdrawn {
        /// How much.
        amount: Money,
    },
    /// Money went to another account; that one received it in the same commit.
    TransferSent {
        /// Which transfer.
        #[tag]
        transfer: TransferId,
        /// Where it went.
        to: AccountId,
        /// How much.
        amount: Money,
    },
    /// Money came from another account; that one sent it in the same commit.
    TransferReceived {
        /// Which transfer.
        #[tag]
        transfer: TransferId,
        /// Where it came from.
        from: AccountId,
        /// How much.
        amount: Money,
    },
    /// The bank paid interest to the owner. It was stored as paid, which did not say by whom.
    #[event(alias = "account.interest_paid")]
    InterestCredited {
        /// How much.
        amount: Money,
    },
    /// The account's history at another bank is taken over from here on.
    Imported {},
    /// Another bank recorded a transaction, to which no rule of this bank applies: it happened.
    TransactionRecorded {
        /// What the other bank calls it.
        reference: String,
        /// What kind of transaction it was.
        kind: TransactionKind,
        /// By how much it changed the balance.
        change: Money,
        /// The balance that was recorded with it.
        balance: Money,
    },
    /// The recorded balance differs from the computed one and is adopted.
    BalanceCorrected {
        /// By how much it differs.
        difference: Money,
        /// The recorded balance, the account's from here on.
        balance: Money,
    },
    /// It was closed.
    Closed {},
}

impl AccountEvent {
    /// By how much it changes the balance.
    #[must_use]
    pub fn change(&self) -> Money {
        match *self {
            Self::Deposited { amount } | Self::TransferReceived { amount, .. } | Self::InterestCredited { amount } => {
                amount
            }
            Self::Withdrawn { amount } | Self::TransferSent { amount, .. } => -amount,
            Self::TransactionRecorded { change, .. } => change,
            Self::BalanceCorrected { difference, .. } => difference,
            Self::Opened { .. } | Self::Imported {} | Self::Closed {} => Money::ZERO,
        }
    }
}

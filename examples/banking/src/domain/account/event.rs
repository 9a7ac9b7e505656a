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
    #[event(
        version = 3,
        from(1 = past::OpenedV1, 2 = past::OpenedV2),
        example = Self::Opened {
            owner: "ada".into(),
            iban: Iban::of_number(7),
            product: Product::Current { overdraft_limit: Money::from_minor(5_000) },
        },
        example = Self::Opened { owner: "ada".into(), iban: None, product: Product::Savings }
    )]
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
    #[event(example = Self::Deposited { amount: Money::from_minor(100) })]
    Deposited {
        /// How much.
        amount: Money,
    },
    /// Money was paid out.
    #[event(example = Self::Withdrawn { amount: Money::from_minor(100) })]
    Withdrawn {
        /// How much.
        amount: Money,
    },
    /// Money went to another account; that one received it in the same commit.
    #[event(example = Self::TransferSent {
        transfer: TransferId::new("rent"),
        to: "bob".into(),
        amount: Money::from_minor(100),
    })]
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
    #[event(example = Self::TransferReceived {
        transfer: TransferId::new("rent"),
        from: "ada".into(),
        amount: Money::from_minor(100),
    })]
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
    #[event(alias = "account.interest_paid", example = Self::InterestCredited { amount: Money::from_minor(2) })]
    InterestCredited {
        /// How much.
        amount: Money,
    },
    /// The account's history at another bank is taken over from here on.
    #[event(example = Self::Imported {})]
    Imported {},
    /// Another bank recorded a transaction, to which no rule of this bank applies: it happened.
    #[event(example = Self::TransactionRecorded {
        reference: "A-17".to_owned(),
        kind: TransactionKind::Pension,
        change: Money::from_minor(110_000),
        balance: Money::from_minor(-50_000),
    })]
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
    #[event(example = Self::BalanceCorrected { difference: Money::from_minor(-10), balance: Money::from_minor(60_010) })]
    BalanceCorrected {
        /// By how much it differs.
        difference: Money,
        /// The recorded balance, the account's from here on.
        balance: Money,
    },
    /// It was closed.
    #[event(example = Self::Closed {})]
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

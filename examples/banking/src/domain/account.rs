//! Accounts: opened, paid into and out of, given interest, closed; and what other banks recorded about theirs.

mod command;
mod error;
mod event;
mod imported;
mod interest;
mod past;
mod product;

use annals::prelude::*;
use serde::{Deserialize, Serialize};

pub use command::{Close, Deposit, IBAN, Open, OpenSavings, Withdraw};
pub use error::AccountError;
pub use event::AccountEvent;
pub use imported::{ImportTransaction, Match, TransactionKind};
pub use interest::{PayInterest, Rate};
pub use product::Product;

use crate::domain::{CustomerId, Iban, Money};

/// Names an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Shape, AggregateId, RowKey)]
pub struct AccountId(String);

impl AccountId {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an account can do at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Phase {
    /// Not opened yet.
    #[default]
    New,
    /// In use.
    Open,
    /// No longer in use.
    Closed,
}

/// One account, folded from its events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Aggregate)]
#[aggregate(name = "account", id = AccountId, event = AccountEvent, snapshot(every = 100))]
pub struct Account {
    /// Whether it can be used.
    pub phase: Phase,
    /// Whose it is; unknown for accounts of which only the transactions were imported.
    pub owner: Option<CustomerId>,
    /// How other banks call it, if it was opened with that.
    pub iban: Option<Iban>,
    /// What is on it.
    pub balance: Money,
    /// How far below zero its owner may withdraw.
    pub overdraft_limit: Money,
}

impl Evolve<AccountEvent> for Account {
    fn evolve(&mut self, event: &AccountEvent) {
        self.balance += event.change();
        match event {
            AccountEvent::Opened { owner, iban, product } => {
                self.phase = Phase::Open;
                self.owner = Some(owner.clone());
                self.iban.clone_from(iban);
                self.overdraft_limit = product.overdraft_limit();
            }
            AccountEvent::Imported { .. } => self.phase = Phase::Open,
            AccountEvent::Closed {} => self.phase = Phase::Closed,
            AccountEvent::Deposited { .. }
            | AccountEvent::Withdrawn { .. }
            | AccountEvent::TransferSent { .. }
            | AccountEvent::TransferReceived { .. }
            | AccountEvent::InterestCredited { .. }
            | AccountEvent::TransactionRecorded { .. }
            | AccountEvent::BalanceCorrected { .. } => {}
        }
    }
}

impl Account {
    /// Whether the account is in use.
    pub(crate) fn check_open(&self) -> Result<(), AccountError> {
        match self.phase {
            Phase::New => Err(AccountError::NotOpen),
            Phase::Open => Ok(()),
            Phase::Closed => Err(AccountError::Closed),
        }
    }

    /// Whether `amount` can be taken from the account.
    pub(crate) fn check_covered(&self, amount: Money) -> Result<(), AccountError> {
        let available = self.balance + self.overdraft_limit;
        if amount > available { Err(AccountError::Short { missing: amount - available }) } else { Ok(()) }
    }
}

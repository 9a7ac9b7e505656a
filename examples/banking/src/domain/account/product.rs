//! What kinds of accounts the bank offers.

use std::fmt;

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::Money;

/// What kind of account it is, with what only that kind has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Shape)]
pub enum Product {
    /// For everyday payments.
    Current {
        /// How far below zero its owner may withdraw.
        overdraft_limit: Money,
    },
    /// For savings: it never goes below zero.
    Savings,
}

impl Product {
    /// How far below zero the owner of such an account may withdraw.
    #[must_use]
    pub const fn overdraft_limit(self) -> Money {
        match self {
            Self::Current { overdraft_limit } => overdraft_limit,
            Self::Savings => Money::ZERO,
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current { overdraft_limit } => write!(f, "overdraft limit {overdraft_limit}"),
            Self::Savings => f.write_str("savings"),
        }
    }
}

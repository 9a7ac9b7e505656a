//! Why a command about an account is refused.

use std::fmt;

use crate::domain::Money;

/// Why a command about an account is refused. Nothing happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountError {
    /// There is such an account already. Choose another id.
    AlreadyOpen,
    /// There is no such account. Open it first.
    NotOpen,
    /// The account is closed for ever. Use another one.
    Closed,
    /// No transaction can be about this amount: it must be positive, and at most 100 billion.
    BadAmount {
        /// The amount.
        amount: Money,
    },
    /// The balance and the overdraft limit do not cover the amount. Pay in first, or take less.
    Short {
        /// How much is missing.
        missing: Money,
    },
    /// Only an account with a balance of zero can be closed. Pay out or in what is left.
    BalanceNotZero {
        /// What is left.
        balance: Money,
    },
    /// A transfer needs two different accounts.
    SameAccount,
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyOpen => write!(f, "the account is open already"),
            Self::NotOpen => write!(f, "the account was never opened"),
            Self::Closed => write!(f, "the account is closed"),
            Self::BadAmount { amount } => write!(f, "no transaction can be about {amount}"),
            Self::Short { missing } => write!(f, "{missing} is missing"),
            Self::BalanceNotZero { balance } => write!(f, "the balance is {balance}, not zero"),
            Self::SameAccount => write!(f, "a transfer needs two different accounts"),
        }
    }
}

impl std::error::Error for AccountError {}

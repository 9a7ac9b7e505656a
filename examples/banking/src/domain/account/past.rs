//! Forms in which accounts' events were stored by earlier versions of this program, and the steps from each to the next.
//!
//! Nothing here is ever changed: stores hold what was written in these forms, for ever.

use serde::Deserialize;
use thiserror::Error;

use super::{AccountEvent, Product};
use crate::domain::{CustomerId, Iban, Money};

/// `account.opened`, version 1: there were current accounts only. The first ones had no IBAN; it was added as an
/// optional field, which needs no version.
#[derive(Debug, Deserialize)]
pub(super) struct OpenedV1 {
    owner: CustomerId,
    iban: Option<Iban>,
    overdraft_limit: Money,
}

/// `account.opened`, version 2: savings accounts came, and with them the kind.
#[derive(Debug, Deserialize)]
pub(super) struct OpenedV2 {
    owner: CustomerId,
    iban: Option<Iban>,
    kind: KindV2,
    overdraft_limit: Money,
}

#[derive(Debug, Deserialize)]
enum KindV2 {
    Current,
    Savings,
}

/// An event of version 2 that says what the bank never allowed: version 3 cannot say it.
#[derive(Debug, Error)]
#[error("a savings account has an overdraft limit of {found}, expected none")]
pub(super) struct OverdraftOnSavings {
    found: Money,
}

/// What was opened before there was a choice is a current account.
impl From<OpenedV1> for OpenedV2 {
    fn from(OpenedV1 { owner, iban, overdraft_limit }: OpenedV1) -> Self {
        Self { owner, iban, kind: KindV2::Current, overdraft_limit }
    }
}

/// The limit moves into the one kind that has one.
impl TryFrom<OpenedV2> for AccountEvent {
    type Error = OverdraftOnSavings;
    fn try_from(OpenedV2 { owner, iban, kind, overdraft_limit }: OpenedV2) -> Result<Self, OverdraftOnSavings> {
        let product = match kind {
            KindV2::Current => Product::Current { overdraft_limit },
            KindV2::Savings if overdraft_limit == Money::ZERO => Product::Savings,
            KindV2::Savings => return Err(OverdraftOnSavings { found: overdraft_limit }),
        };
        Ok(Self::Opened { owner, iban, product })
    }
}

//! The balances that were recorded, held against the table of balances.

use std::collections::BTreeMap;

use annals::{Annals, prelude::ReadModels, projections::ViewError};

use crate::{
    domain::{AccountId, Money},
    read::AccountBalance,
};

/// What came of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// How many accounts were compared.
    pub accounts: u64,
    /// Those whose row holds another balance than was recorded last.
    pub wrong: Vec<Wrong>,
}

/// An account whose row holds another balance than was recorded last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The account.
    pub account: AccountId,
    /// What was recorded.
    pub recorded: Money,
    /// What its row holds, if there is one.
    pub found: Option<Money>,
}

/// Compares what was `recorded` last of each account with its row. The projection has to be current.
///
/// # Errors
/// [`ViewError`] when the rows cannot be read.
pub async fn compare(bank: &Annals, recorded: &BTreeMap<AccountId, Money>) -> Result<Comparison, ViewError> {
    let rows = bank.view::<AccountBalance>()?.get_many(recorded.keys()).await?;
    let found = rows.into_iter().map(|row| row.map(|row| row.balance));
    let pairs = recorded.iter().zip(found).map(|((account, recorded), found)| (account, *recorded, found));
    let wrong = pairs.filter(|(_, recorded, found)| *found != Some(*recorded));
    let wrong = wrong.map(|(account, recorded, found)| Wrong { account: account.clone(), recorded, found });
    Ok(Comparison { accounts: recorded.len() as u64, wrong: wrong.collect() })
}

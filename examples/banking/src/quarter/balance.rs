//! What is on the accounts, beside what the plan says should be.

use std::collections::BTreeMap;

use annals::{Annals, LoadError};

use crate::domain::{Account, AccountId, CustomerId, Money};

/// What is on one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// The account.
    pub account: AccountId,
    /// Whose it is.
    pub owner: Option<CustomerId>,
    /// What is on it.
    pub found: Money,
    /// What the plan leaves on it.
    pub planned: Money,
}

impl Balance {
    /// Whether what was planned is there: nothing is missing, nothing came twice.
    #[must_use]
    pub fn is_planned(&self) -> bool {
        self.found == self.planned
    }
}

/// The balances of all accounts in `planned`.
///
/// # Errors
/// [`LoadError`].
pub async fn balances(bank: &Annals, planned: &BTreeMap<AccountId, Money>) -> Result<Vec<Balance>, LoadError> {
    let mut balances = Vec::with_capacity(planned.len());
    for (account, planned) in planned {
        let state = bank.on::<Account>(account.clone()).load().await?.state;
        let (owner, found) = (state.owner, state.balance);
        balances.push(Balance { account: account.clone(), owner, found, planned: *planned });
    }
    Ok(balances)
}

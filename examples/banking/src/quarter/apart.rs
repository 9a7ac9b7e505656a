//! What does not go through, shown apart from the plan.

use annals::{Annals, ExecuteError, Executed, LoadError};

use crate::domain::{
    Account, AccountId, Money,
    account::{AccountError, Deposit, Withdraw},
};

/// What a refused and a conflicting command look like, and a key that is used for two requests.
#[derive(Debug)]
pub struct Apart {
    /// The account.
    pub account: AccountId,
    /// The answer to a withdrawal of more than there is.
    pub refused: Answer,
    /// The answer to a deposit by someone who knows an older version of the account.
    pub conflict: Answer,
    /// The answer to another deposit with the key of a first one.
    pub key_reused: Answer,
}

/// The answer to a deposit or a withdrawal.
pub type Answer = Result<Executed<Money>, ExecuteError<AccountError>>;

/// Sends three commands to `account` that must not go through; nothing is written. `used` is the key of another
/// request.
///
/// # Errors
/// [`LoadError`] when the account cannot be loaded.
pub async fn refuse_and_conflict(bank: &Annals, account: AccountId, used: &str) -> Result<Apart, LoadError> {
    let on = || bank.on::<Account>(account.clone());
    let loaded = on().load().await?;
    let too_much = loaded.state.balance + loaded.state.overdraft_limit + Money::from_minor(1);
    let amount = Money::from_minor(100);
    let refused = on().send(Withdraw { amount: too_much }).await;
    let conflict = on().send(Deposit { amount }).expect_version(loaded.version.previous()).await;
    let key_reused = on().send(Deposit { amount }).idempotency_key(used).await;
    Ok(Apart { account, refused, conflict, key_reused })
}

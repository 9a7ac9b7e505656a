//! What does not go through, shown apart from the plan.

use annals::{Annals, ExecuteError, Executed, LoadError};

use crate::domain::{
    Account, AccountId, CustomerId, Money,
    account::{AccountError, Deposit, Open, Withdraw},
};

/// What a refused and a conflicting command look like, a key that is used for two requests, and a name that is taken.
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
    /// The answer to opening another account under its IBAN.
    pub iban_taken: Answer,
}

/// The answer to a deposit or a withdrawal.
pub type Answer = Result<Executed<Money>, ExecuteError<AccountError>>;

/// Sends commands to `account` that must not go through, and opens another one under its IBAN; nothing is written. `used`
/// is the key of another request.
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
    let (owner, iban) = (CustomerId::from("C-0001"), loaded.state.iban);
    let open = Open { owner, iban, overdraft_limit: Money::ZERO, deposit: Money::ZERO };
    let iban_taken = bank.on::<Account>(format!("{account}-again")).send(open).await;
    Ok(Apart { account, refused, conflict, key_reused, iban_taken })
}

//! Sending the plan.

use std::time::{Duration, Instant};

use annals::{Annals, ExecuteError, Executed};
use thiserror::Error;

use super::{Action, Plan, Step};
use crate::{
    callers::call_all,
    domain::{
        Account, Customer, Money,
        account::{AccountError, Deposit, Open, Withdraw},
        customer::{CustomerError, Register},
    },
    progress::Progress,
};

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Customers and accounts that are new.
    pub opened: u64,
    /// Transactions that were made now.
    pub made: u64,
    /// Transactions that were made before, and only answered again.
    pub repeated: u64,
    /// How long the transactions took, without customers and accounts.
    pub took: Duration,
}

/// Why a run ended before its end. Started again it goes on where it ended.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// A customer could not be registered.
    #[error("a customer could not be registered")]
    Customer(#[from] ExecuteError<CustomerError>),
    /// An account could not be opened, or a transaction not be made.
    #[error("{key} could not be executed")]
    Account {
        /// The idempotency key of the command.
        key: String,
        /// What went wrong.
        source: ExecuteError<AccountError>,
    },
}

/// Executes `plan` by as many `callers` at once. What was executed before is answered again and changes nothing.
///
/// # Errors
/// [`RunError`].
pub async fn run(bank: &Annals, plan: &Plan, callers: usize, progress: Progress) -> Result<Outcome, RunError> {
    let opened = register(bank, plan, callers).await? + open(bank, plan, callers).await?;
    let begin = Instant::now();
    let mut repeated = 0;
    let mut made = 0;
    for steps in [&plan.movements, &plan.interest] {
        let (bank, progress) = (bank.clone(), progress.clone());
        let call = move |step| {
            let (bank, progress) = (bank.clone(), progress.clone());
            async move {
                let was_repeated = execute(&bank, step).await?;
                progress.advance();
                Ok::<_, RunError>(was_repeated)
            }
        };
        for was_repeated in call_all(callers, steps.clone(), call).await? {
            *(if was_repeated { &mut repeated } else { &mut made }) += 1;
        }
    }
    Ok(Outcome { opened, made, repeated, took: begin.elapsed() })
}

/// Returns how many customers are new.
async fn register(bank: &Annals, plan: &Plan, callers: usize) -> Result<u64, RunError> {
    let bank = bank.clone();
    let call = move |new: super::NewCustomer| {
        let bank = bank.clone();
        async move {
            let key = format!("quarter-register-{}", new.id);
            let executed = bank.on::<Customer>(new.id).send(Register { name: new.name }).idempotency_key(key).await?;
            Ok::<_, RunError>(!executed.receipt.repeated)
        }
    };
    Ok(count(call_all(callers, plan.customers.clone(), call).await?))
}

/// Returns how many accounts are new.
async fn open(bank: &Annals, plan: &Plan, callers: usize) -> Result<u64, RunError> {
    let (bank, begins) = (bank.clone(), plan.begins());
    let call = move |new: super::NewAccount| {
        let bank = bank.clone();
        async move {
            let key = format!("quarter-open-{}", new.id);
            let super::NewAccount { id, owner, iban, overdraft_limit, deposit } = new;
            let command = Open { owner, iban, overdraft_limit, deposit };
            let sending = bank.on::<Account>(id).send(command).idempotency_key(&key).occurred(begins);
            let executed = sending.await.map_err(|source| RunError::Account { key, source })?;
            Ok::<_, RunError>(!executed.receipt.repeated)
        }
    };
    Ok(count(call_all(callers, plan.accounts.clone(), call).await?))
}

fn count(news: Vec<bool>) -> u64 {
    news.into_iter().map(u64::from).sum()
}

/// Returns whether the step was executed before.
async fn execute(bank: &Annals, step: Step) -> Result<bool, RunError> {
    let Step { key, occurred, action } = step;
    let executed: Result<Executed<Money>, _> = match action {
        Action::Deposit(account, amount) => {
            bank.on::<Account>(account).send(Deposit { amount }).idempotency_key(&key).occurred(occurred).await
        }
        Action::Withdraw(account, amount) => {
            bank.on::<Account>(account).send(Withdraw { amount }).idempotency_key(&key).occurred(occurred).await
        }
        Action::PayInterest(account, command) => {
            bank.on::<Account>(account).send(command).idempotency_key(&key).occurred(occurred).await
        }
        Action::Transfer(transfer) => bank.send(transfer).idempotency_key(&key).occurred(occurred).await,
    };
    match executed {
        Ok(executed) => Ok(executed.receipt.repeated),
        Err(source) => Err(RunError::Account { key, source }),
    }
}

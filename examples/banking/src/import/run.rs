//! Sending the rows.

use std::collections::BTreeMap;

use annals::{Annals, ExecuteError};
use thiserror::Error;

use super::Row;
use crate::{
    callers::call_all,
    domain::{
        Account, AccountId, Money,
        account::{AccountError, Match},
    },
    progress::Progress,
};

/// How many rows compared how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// The recorded balance equals the computed one.
    pub exact: u64,
    /// It is off by 0.10.
    pub rounding: u64,
    /// It is off by anything else.
    pub unresolved: u64,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, found: Match) {
        match found {
            Match::Exact => self.exact += 1,
            Match::Rounding => self.rounding += 1,
            Match::Unresolved => self.unresolved += 1,
        }
    }
}

/// What came of an import.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What the accounts answered, now or when the row was imported before.
    pub counts: Counts,
    /// How many rows were imported before, and only answered again.
    pub repeated: u64,
    /// Which balance was recorded last of each account, by the rows that were not refused.
    pub recorded: BTreeMap<AccountId, Money>,
    /// The rows that were refused.
    pub rejected: Vec<Rejected>,
}

/// A row that was refused. It is left out, and the rest goes on.
#[derive(Debug)]
pub struct Rejected {
    /// The line.
    pub line: u64,
    /// The account.
    pub account: AccountId,
    /// Why it was refused.
    pub reason: String,
}

/// Why an import ended before its end. Started again it goes on: what was imported is answered, not imported twice.
#[derive(Debug, Error)]
#[error("line {line}, account {account}")]
pub struct ImportError {
    /// The line.
    pub line: u64,
    /// The account.
    pub account: AccountId,
    /// What went wrong.
    pub source: ExecuteError<AccountError>,
}

/// Sends one command for each row of `accounts`, those of an account one after the other, those of different accounts by as many
/// `callers` at once.
///
/// # Errors
/// [`ImportError`] when the store fails; a refused row is no error but one of [`Outcome::rejected`].
pub async fn import(
    bank: &Annals,
    accounts: Vec<Vec<Row>>,
    callers: usize,
    progress: Progress,
) -> Result<Outcome, ImportError> {
    let bank = bank.clone();
    let import_account = move |rows: Vec<Row>| {
        let (bank, progress) = (bank.clone(), progress.clone());
        async move {
            let mut outcome = Outcome::default();
            for row in rows {
                send(&bank, row, &mut outcome).await?;
                progress.advance();
            }
            Ok(outcome)
        }
    };
    let parts = call_all(callers, accounts, import_account).await?;
    let mut whole = parts.into_iter().fold(Outcome::default(), Outcome::and);
    whole.rejected.sort_by_key(|rejected| rejected.line);
    Ok(whole)
}

async fn send(bank: &Annals, row: Row, outcome: &mut Outcome) -> Result<(), ImportError> {
    let Row { line, account, key, occurred, command } = row;
    let balance = command.balance;
    let sending = bank.on::<Account>(account.clone()).send(command).idempotency_key(key).occurred(occurred);
    match sending.await {
        Ok(executed) => {
            outcome.counts.add(executed.reply);
            outcome.repeated += u64::from(executed.receipt.repeated);
            outcome.recorded.insert(account, balance);
        }
        Err(error @ (ExecuteError::Refused(_) | ExecuteError::KeyReused { .. } | ExecuteError::Closed { .. })) => {
            outcome.rejected.push(Rejected { line, account, reason: error.to_string() });
        }
        Err(source) => return Err(ImportError { line, account, source }),
    }
    Ok(())
}

impl Outcome {
    fn and(mut self, other: Self) -> Self {
        self.counts.exact += other.counts.exact;
        self.counts.rounding += other.counts.rounding;
        self.counts.unresolved += other.counts.unresolved;
        self.repeated += other.repeated;
        self.recorded.extend(other.recorded);
        self.rejected.extend(other.rejected);
        self
    }
}

//! What happened on one account.

use annals::{
    Aggregate, Annals, DecodeError, HolderError, ReadError, ReadStream, Record, StreamId, Timestamp, Version,
    decode_record,
};
use futures::TryStreamExt;
use jiff::civil;
use thiserror::Error;

use crate::{
    domain::{
        Account, AccountId, CustomerId, Iban, Money,
        account::{AccountEvent, IBAN},
    },
    import::timestamp,
};

/// Up to where a statement goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Up to and with a version of the account.
    Version(Version),
    /// Up to and with a day on which transactions occurred.
    Day(civil::Date),
}

/// A text that is neither a version nor a day.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{found}` is neither a version such as 12 nor a day such as 2026-02-28")]
pub struct InvalidUntil {
    /// The text.
    pub found: String,
}

impl std::str::FromStr for Until {
    type Err = InvalidUntil;
    fn from_str(text: &str) -> Result<Self, InvalidUntil> {
        let invalid = || InvalidUntil { found: text.to_owned() };
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let version = text.parse().ok().and_then(|number| Version::new(number).ok());
            return version.map(Self::Version).ok_or_else(invalid);
        }
        let is_day = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let day = text.parse().ok().filter(|_| is_day);
        day.map(Self::Day).ok_or_else(invalid)
    }
}

/// What happened on one account, by the time at which it occurred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The account.
    pub account: AccountId,
    /// Whose it is, when that is known.
    pub owner: Option<CustomerId>,
    /// What happened.
    pub entries: Vec<Entry>,
    /// The balance at the end.
    pub balance: Money,
}

/// One line of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The version that it made of the account.
    pub version: Version,
    /// When it occurred.
    pub occurred: Timestamp,
    /// What happened.
    pub text: String,
    /// By how much it changed the balance.
    pub change: Money,
    /// The balance after it and everything above it.
    pub balance: Money,
}

/// Why there is no statement.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StatementError {
    /// Nothing ever happened on the account. Look at its name, and at the store.
    #[error("account {account} is unknown")]
    UnknownAccount {
        /// The account.
        account: AccountId,
    },
    /// Nothing had happened on the account by then. Ask for a later day.
    #[error("account {account} has no entries up to {day}")]
    NothingYet {
        /// The account.
        account: AccountId,
        /// The day.
        day: civil::Date,
    },
    /// The account has not come that far. Ask for an earlier version.
    #[error("account {account} is at version {last}, not {asked}")]
    NoSuchVersion {
        /// The account.
        account: AccountId,
        /// What was asked for.
        asked: Version,
        /// Where the account is.
        last: Version,
    },
    /// No account can have this name: it holds a `/` or a control character, is empty, or too long.
    #[error("no account can be called `{account}`")]
    BadName {
        /// The account.
        account: AccountId,
    },
    /// No account has this IBAN. Look at the number.
    #[error("no account has the IBAN {iban}")]
    UnknownIban {
        /// The IBAN.
        iban: Iban,
    },
    /// Whose IBAN it is cannot be told.
    #[error(transparent)]
    Holder(#[from] HolderError),
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store holds what this program does not know. Use a newer one.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// The account that `name` means: an account's own name, or an IBAN.
///
/// # Errors
/// [`StatementError::UnknownIban`], or what kept it from being looked up.
pub async fn find(bank: &Annals, name: AccountId) -> Result<AccountId, StatementError> {
    let Ok(iban) = name.as_str().parse::<Iban>() else { return Ok(name) };
    match bank.holder(IBAN, iban.as_str()).await? {
        Some(holder) => Ok(AccountId::from(holder.key())),
        None => Err(StatementError::UnknownIban { iban }),
    }
}

/// The statement of `account`, up to now or `until`.
///
/// # Errors
/// [`StatementError`].
pub async fn statement(bank: &Annals, account: AccountId, until: Option<Until>) -> Result<Statement, StatementError> {
    let mut records = records(bank, &account).await?;
    let last = records.last().map(|record| record.version());
    match (last, until) {
        (None, _) => return Err(StatementError::UnknownAccount { account }),
        (Some(last), Some(Until::Version(asked))) if asked > last || asked.is_zero() => {
            return Err(StatementError::NoSuchVersion { account, asked, last });
        }
        (_, Some(Until::Version(version))) => records.retain(|record| record.version() <= version),
        (_, Some(Until::Day(day))) => {
            let end = day.tomorrow().ok().and_then(timestamp);
            records.retain(|record| end.is_none_or(|end| record.occurred() < end));
            if records.is_empty() {
                return Err(StatementError::NothingYet { account, day });
            }
        }
        _ => {}
    }
    // Several callers may have sent one day's transactions; stable, so that what occurred together stays in order.
    records.sort_by_key(|record| record.occurred());
    fold(account, &records)
}

async fn records(bank: &Annals, account: &AccountId) -> Result<Vec<Record>, StatementError> {
    let stream = StreamId::new(Account::NAME, account.as_str())
        .map_err(|_| StatementError::BadName { account: account.clone() })?;
    Ok(bank.store().read_stream(ReadStream::all(stream)).try_collect().await?)
}

fn fold(account: AccountId, records: &[Record]) -> Result<Statement, StatementError> {
    let mut statement = Statement { account, owner: None, entries: Vec::new(), balance: Money::ZERO };
    for record in records {
        for event in decode_record::<AccountEvent>(record)? {
            let change = event.change();
            statement.balance += change;
            let (version, occurred, balance) = (record.version(), record.occurred(), statement.balance);
            statement.entries.push(Entry { version, occurred, text: text(&event), change, balance });
            if let AccountEvent::Opened { owner, .. } = event {
                statement.owner = Some(owner);
            }
        }
    }
    Ok(statement)
}

fn text(event: &AccountEvent) -> String {
    match event {
        AccountEvent::Opened { iban: Some(iban), product, .. } => format!("opened as {iban}, {product}"),
        AccountEvent::Opened { product, .. } => format!("opened, {product}"),
        AccountEvent::Deposited { .. } => "deposit".to_owned(),
        AccountEvent::Withdrawn { .. } => "withdrawal".to_owned(),
        AccountEvent::TransferSent { transfer, to, .. } => format!("transfer {transfer} to {to}"),
        AccountEvent::TransferReceived { transfer, from, .. } => format!("transfer {transfer} from {from}"),
        AccountEvent::InterestCredited { .. } => "interest".to_owned(),
        AccountEvent::Imported {} => "taken over from another bank".to_owned(),
        AccountEvent::TransactionRecorded { kind, reference, .. } => format!("{kind} ({reference})"),
        AccountEvent::BalanceCorrected { balance, .. } => format!("correction to the recorded balance {balance}"),
        AccountEvent::Closed {} => "closed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_and_a_day_are_told_apart_and_nothing_else_is_read() {
        assert_eq!("12".parse(), Ok(Until::Version(Version::new(12).unwrap())));
        assert_eq!("2026-02-28".parse(), Ok(Until::Day(civil::date(2026, 2, 28))));
        for text in ["", "2026-02-30", "28.2.2026", "yesterday", "99999999999999999999", "2026-02-28T10:00"] {
            assert!(text.parse::<Until>().is_err(), "{text}");
        }
    }
}

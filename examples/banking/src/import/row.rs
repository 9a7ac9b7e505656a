//! One line of the file.

use jiff::{civil, tz::TimeZone};
use serde::Deserialize;
use thiserror::Error;

use annals::{Aggregate, IdempotencyKey, StreamId, Timestamp};

use crate::domain::{
    Account, AccountId, Money,
    account::{ImportTransaction, TransactionKind},
    money::InvalidMoney,
};

/// The columns that are read, in the order in which the sample has them. Others, such as `residual` and `status` of
/// the published file, are ignored: they hold an answer that the bank works out for itself.
pub(super) const COLUMNS: [&str; 9] =
    ["account_id", "seq", "date", "trans_id", "type", "operation", "k_symbol", "amount", "balance"];

/// A line's fields, as text.
#[derive(Debug, Deserialize)]
pub(super) struct Fields<'a> {
    account_id: &'a str,
    seq: &'a str,
    date: &'a str,
    trans_id: &'a str,
    r#type: &'a str,
    operation: &'a str,
    k_symbol: &'a str,
    amount: &'a str,
    balance: &'a str,
}

/// A transaction as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line of the file.
    pub line: u64,
    /// The account.
    pub account: AccountId,
    /// The idempotency key of its command: by transaction, else by account and sequence number.
    pub key: String,
    /// The day on which it happened.
    pub occurred: Timestamp,
    /// What is asked of the account.
    pub command: ImportTransaction,
}

/// Why a line is no transaction.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BadRow {
    /// The line has too few or too many fields, or is no text. Quote fields that hold a comma.
    #[error("{0}")]
    Shape(String),
    /// A field that is needed is empty.
    #[error("{0} is empty")]
    Missing(&'static str),
    /// The account or transaction cannot be an id: it holds a control character or a `/`, or is too long.
    #[error("{column} `{found}` cannot be an id")]
    Id {
        /// Which of them.
        column: &'static str,
        /// The text.
        found: String,
    },
    /// The sequence number is none.
    #[error("seq `{0}` is no number")]
    Seq(String),
    /// The date is none.
    #[error("date `{0}` is no day as YYMMDD")]
    Date(String),
    /// The type is neither of those that say where the money goes.
    #[error("type `{0}` is none of PRIJEM (in), VYDAJ and VYBER (out)")]
    Type(String),
    /// The operation and symbol are not known.
    #[error("operation `{operation}` with k_symbol `{k_symbol}` is not known")]
    Kind {
        /// The operation.
        operation: String,
        /// The symbol.
        k_symbol: String,
    },
    /// The amount or the balance is none.
    #[error("{column} {problem}")]
    Money {
        /// Which of them.
        column: &'static str,
        /// What is wrong.
        problem: InvalidMoney,
    },
    /// The sign is in the type: the amount itself must be positive, and within reason.
    #[error("no transaction can be about an amount of {0}")]
    Amount(Money),
    /// The transaction stands in the file already.
    #[error("{what} stands in line {line} already")]
    Repeated {
        /// Which transaction.
        what: String,
        /// Where it stood.
        line: u64,
    },
}

impl Fields<'_> {
    /// The transaction that the fields of `line` describe.
    pub(super) fn row(&self, line: u64) -> Result<Row, BadRow> {
        let account = present("account_id", self.account_id)?;
        StreamId::new(Account::NAME, account).map_err(|_| bad_id("account_id", account))?;
        let key = self.key(account)?;
        let change = self.change()?;
        let balance = money("balance", self.balance)?;
        let command = ImportTransaction { reference: key.clone(), kind: self.kind()?, change, balance };
        Ok(Row { line, account: AccountId::from(account), key, occurred: self.occurred()?, command })
    }

    fn key(&self, account: &str) -> Result<String, BadRow> {
        let key = match self.trans_id.trim() {
            "" => {
                let seq: u64 = present("seq", self.seq)?.parse().map_err(|_| BadRow::Seq(self.seq.to_owned()))?;
                format!("row {account}/{seq}")
            }
            trans_id => format!("transaction {trans_id}"),
        };
        IdempotencyKey::new(&key).map_err(|_| bad_id("trans_id", self.trans_id))?;
        Ok(key)
    }

    fn change(&self) -> Result<Money, BadRow> {
        let amount = money("amount", self.amount)?;
        if !amount.is_amount() {
            return Err(BadRow::Amount(amount));
        }
        match self.r#type {
            "PRIJEM" => Ok(amount),
            "VYDAJ" | "VYBER" => Ok(-amount),
            other => Err(BadRow::Type(other.to_owned())),
        }
    }

    fn kind(&self) -> Result<TransactionKind, BadRow> {
        let (operation, k_symbol) = (self.operation.trim(), self.k_symbol.trim());
        Ok(match (operation, k_symbol) {
            (_, "SANKC. UROK") => TransactionKind::PenaltyInterest,
            (_, "UROK") => TransactionKind::Interest,
            (_, "SLUZBY") => TransactionKind::Fee,
            (_, "SIPO") => TransactionKind::Household,
            (_, "UVER") => TransactionKind::Loan,
            (_, "POJISTNE") => TransactionKind::Insurance,
            (_, "DUCHOD") => TransactionKind::Pension,
            ("VKLAD", "") => TransactionKind::CashDeposit,
            ("PREVOD Z UCTU", "") => TransactionKind::TransferIn,
            ("VYBER", "") => TransactionKind::CashWithdrawal,
            ("VYBER KARTOU", "") => TransactionKind::CardWithdrawal,
            ("PREVOD NA UCET", "") => TransactionKind::TransferOut,
            _ => return Err(BadRow::Kind { operation: operation.to_owned(), k_symbol: k_symbol.to_owned() }),
        })
    }

    fn occurred(&self) -> Result<Timestamp, BadRow> {
        let bad = || BadRow::Date(self.date.to_owned());
        if self.date.len() != 6 || !self.date.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad());
        }
        let number: u32 = self.date.parse().map_err(|_| bad())?;
        let part = |divisor: u32| i8::try_from(number / divisor % 100).map_err(|_| bad());
        // Two digits of the year: the records are of the last century.
        let year = 1900 + i16::from(part(10_000)?);
        let day = civil::Date::new(year, part(100)?, part(1)?).map_err(|_| bad())?;
        timestamp(day).ok_or_else(bad)
    }
}

/// The beginning of `day`.
pub(crate) fn timestamp(day: civil::Date) -> Option<Timestamp> {
    let time = TimeZone::UTC.to_timestamp(day.to_datetime(civil::Time::midnight())).ok()?;
    Timestamp::from_micros(time.as_microsecond()).ok()
}

fn bad_id(column: &'static str, found: &str) -> BadRow {
    BadRow::Id { column, found: found.to_owned() }
}

fn present<'a>(column: &'static str, text: &'a str) -> Result<&'a str, BadRow> {
    let text = text.trim();
    if text.is_empty() { Err(BadRow::Missing(column)) } else { Ok(text) }
}

fn money(column: &'static str, text: &str) -> Result<Money, BadRow> {
    present(column, text)?.parse().map_err(|problem| BadRow::Money { column, problem })
}

//! Whether the books are right: everything is folded again from the first event.

use std::{collections::BTreeMap, fmt};

use annals::{
    Aggregate, Annals, Category, CommitNumber, DecodeError, Event, EventQuery, Evolve, InvalidText, LoadError,
    QueryItem, ReadError, ReadLog, Record, Version, decode_record,
};
use futures::TryStreamExt;
use thiserror::Error;

use crate::{
    domain::{
        Account, AccountId, Money,
        account::{AccountEvent, Match},
        transfer::TransferId,
    },
    import::Counts,
};

/// What an audit found.
#[derive(Debug, Default)]
pub struct Audit {
    /// How many accounts there are.
    pub accounts: u64,
    /// How many events they have.
    pub events: u64,
    /// The sum of all balances.
    pub balance: Money,
    /// The sum of all changes of one kind of event, by its name.
    pub changes: BTreeMap<&'static str, Money>,
    /// How many transfers there are.
    pub transfers: u64,
    /// How the balances that other banks recorded compare.
    pub recorded: Counts,
    /// What is wrong; nothing when the books are right.
    pub findings: Vec<Finding>,
}

/// Something that is wrong with the books.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The versions of an account are not 1, 2, 3 ...
    Version {
        /// The account.
        account: AccountId,
        /// What should have come.
        expected: Version,
        /// What came.
        found: Version,
    },
    /// A recorded balance was neither met nor adopted.
    Balance {
        /// The account.
        account: AccountId,
        /// Where.
        version: Version,
        /// The recorded balance.
        recorded: Money,
        /// The folded one.
        folded: Money,
    },
    /// A transfer has not exactly one sender and one receiver, of one amount, in one commit.
    Transfer {
        /// The transfer.
        transfer: TransferId,
    },
    /// What the framework loads is not what the events fold to.
    State {
        /// The account.
        account: AccountId,
    },
    /// All changes do not add up to all balances.
    Sum {
        /// The sum of the changes.
        changes: Money,
        /// The sum of the balances.
        balances: Money,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { account, expected, found } => {
                write!(f, "account {account} has version {found} where {expected} should be")
            }
            Self::Balance { account, version, recorded, folded } => {
                write!(f, "account {account} at version {version}: recorded balance {recorded}, folded {folded}")
            }
            Self::Transfer { transfer } => write!(f, "transfer {transfer} is not whole"),
            Self::State { account } => write!(f, "account {account} loads as something else than its events say"),
            Self::Sum { changes, balances } => write!(f, "changes add up to {changes}, balances to {balances}"),
        }
    }
}

/// Why an audit could not be finished.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The category is no category. Never happens with a derived aggregate.
    #[error(transparent)]
    Id(#[from] InvalidText),
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store holds what this program does not know. Use a newer one.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// An account cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// Folds every account again and checks what can be checked: versions, recorded balances, transfers, sums, and that
/// the framework loads the same state.
///
/// # Errors
/// [`AuditError`] when the store cannot be read; what is wrong with the books is one of [`Audit::findings`].
pub async fn audit(bank: &Annals) -> Result<Audit, AuditError> {
    let mut books = Books::default();
    let accounts = QueryItem::new().category(Category::new(Account::NAME)?);
    let mut records = bank.store().read_log(ReadLog::of(EventQuery::new([accounts])));
    while let Some(record) = records.try_next().await? {
        books.count(&record);
        for event in decode_record(&record)? {
            books.enter(&record, &event);
        }
    }
    let mut audit = books.close();
    for (account, book) in &books.accounts {
        let loaded = bank.on::<Account>(account.clone()).load().await?;
        if loaded.state != book.state || loaded.version != book.version {
            audit.findings.push(Finding::State { account: account.clone() });
        }
    }
    Ok(audit)
}

/// One account while it is folded.
#[derive(Debug, Default)]
struct Book {
    state: Account,
    version: Version,
    /// A recorded balance that is not met yet: where, and which. The next event must adopt it.
    unmet: Option<(Version, Money)>,
}

/// One transfer while its sides are looked for.
#[derive(Debug, Default)]
struct Sides {
    sent: Vec<(CommitNumber, Money)>,
    received: Vec<(CommitNumber, Money)>,
}

#[derive(Debug, Default)]
struct Books {
    accounts: BTreeMap<AccountId, Book>,
    transfers: BTreeMap<TransferId, Sides>,
    audit: Audit,
}

impl Books {
    fn count(&mut self, record: &Record) {
        let account = AccountId::from(record.stream().key());
        let book = self.accounts.entry(account.clone()).or_default();
        let (expected, found) = (book.version.next(), record.version());
        if found != expected {
            self.audit.findings.push(Finding::Version { account, expected, found });
        }
        book.version = found;
    }

    fn enter(&mut self, record: &Record, event: &AccountEvent) {
        let account = AccountId::from(record.stream().key());
        let book = self.accounts.entry(account.clone()).or_default();
        let before = book.unmet.take();
        book.state.evolve(event);
        let unmet = compare(book, event, before, &mut self.audit.recorded);
        self.audit.findings.extend(unmet.map(|(version, recorded, folded)| Finding::Balance {
            account,
            version,
            recorded,
            folded,
        }));
        self.audit.events += 1;
        *self.audit.changes.entry(event.kind().variant).or_default() += event.change();
        self.pair(record.commit(), event);
    }

    fn pair(&mut self, commit: CommitNumber, event: &AccountEvent) {
        match event {
            AccountEvent::TransferSent { transfer, amount, .. } => {
                self.transfers.entry(transfer.clone()).or_default().sent.push((commit, *amount));
            }
            AccountEvent::TransferReceived { transfer, amount, .. } => {
                self.transfers.entry(transfer.clone()).or_default().received.push((commit, *amount));
            }
            _ => {}
        }
    }

    fn close(&mut self) -> Audit {
        let mut audit = std::mem::take(&mut self.audit);
        for (account, book) in &self.accounts {
            audit.balance += book.state.balance;
            audit.findings.extend(book.unmet.map(|(version, recorded)| Finding::Balance {
                account: account.clone(),
                version,
                recorded,
                folded: book.state.balance,
            }));
        }
        for (transfer, sides) in &self.transfers {
            if sides.sent.len() != 1 || sides.sent != sides.received {
                audit.findings.push(Finding::Transfer { transfer: transfer.clone() });
            }
        }
        audit.accounts = self.accounts.len() as u64;
        audit.transfers = self.transfers.len() as u64;
        let (changes, balances) = (audit.changes.values().copied().sum(), audit.balance);
        if changes != balances {
            audit.findings.push(Finding::Sum { changes, balances });
        }
        audit
    }
}

/// Compares what an event says of the balance with the folded one; what was `unmet` before it must be adopted by it.
fn compare(
    book: &mut Book,
    event: &AccountEvent,
    unmet: Option<(Version, Money)>,
    counts: &mut Counts,
) -> Option<(Version, Money, Money)> {
    let folded = book.state.balance;
    match (event, unmet) {
        (AccountEvent::BalanceCorrected { difference, balance }, Some((version, recorded))) => {
            counts.add(Match::of(*difference));
            (folded != recorded || *balance != recorded).then_some((version, recorded, folded))
        }
        (AccountEvent::BalanceCorrected { balance, .. }, None) => Some((book.version, *balance, folded)),
        (AccountEvent::TransactionRecorded { balance, .. }, None) => {
            if *balance == folded {
                counts.add(Match::Exact);
            } else {
                book.unmet = Some((book.version, *balance));
            }
            None
        }
        (_, Some((version, recorded))) => Some((version, recorded, folded - event.change())),
        (_, None) => None,
    }
}

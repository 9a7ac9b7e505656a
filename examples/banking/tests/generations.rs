//! Stores that earlier versions of this program wrote: what is in them is read as the events of today, and stays as it is.
//!
//! What was stored is written down as bytes, so that no type of today takes part in it (F26).

mod lock;
mod migrated;

use annals::{
    Annals, Commit, EventQuery, EventType, ExecuteError, KindOf, NewEvent, QueryItem, ReadLog, Record, SchemaVersion,
    StreamId, Tag, Timestamp, Version, kinds, prelude::ReadModels,
};
use banking::{
    audit::audit,
    bank,
    domain::{
        Account, AccountId, CustomerId, Iban, Money,
        account::{AccountError, AccountEvent, Deposit, PayInterest, Phase, Rate, Withdraw},
    },
    read::{AccountBalance, Balances, until_current},
    statement::{Entry, StatementError, statement},
};
use futures::TryStreamExt;
use tempfile::TempDir;

/// The same account, as each generation of the program stored it.
const GENERATIONS: [Generation; 4] = [
    Generation {
        account: "without-iban",
        version: 1,
        opened: "82a56f776e6572a3616461af6f76657264726166745f6c696d6974cd1388",
        interest: "account.interest_paid",
    },
    Generation {
        account: "with-iban",
        version: 1,
        opened: "83a56f776e6572a3616461a46962616eb644453332353030313035313730303030303030303037\
                 af6f76657264726166745f6c696d6974cd1388",
        interest: "account.interest_paid",
    },
    Generation {
        account: "with-kind",
        version: 2,
        opened: "84a56f776e6572a3616461a46962616eb644453332353030313035313730303030303030303037\
                 a46b696e64a743757272656e74af6f76657264726166745f6c696d6974cd1388",
        interest: "account.interest_paid",
    },
    Generation {
        account: "with-product",
        version: 3,
        opened: "83a56f776e6572a3616461a46962616eb644453332353030313035313730303030303030303037\
                 a770726f6475637481a743757272656e7481af6f76657264726166745f6c696d6974cd1388",
        interest: "account.interest_credited",
    },
];

/// The IBAN in the bytes.
const IBAN: &str = "DE32500105170000000007";

/// A savings account of version 2, of version 3, and one of version 2 that has an overdraft limit.
const SAVINGS_2: &str = "84a56f776e6572a3616461a46962616eb644453735353030313035313730303030303030303039\
                         a46b696e64a7536176696e6773af6f76657264726166745f6c696d697400";
const SAVINGS_3: &str = "83a56f776e6572a3616461a46962616eb644453735353030313035313730303030303030303039\
                         a770726f64756374a7536176696e6773";
const SAVINGS_WITH_OVERDRAFT: &str =
    "83a56f776e6572a3616461a46b696e64a7536176696e6773af6f76657264726166745f6c696d6974cd1388";

struct Generation {
    account: &'static str,
    /// In which version it stored that an account was opened, and the payload.
    version: u32,
    opened: &'static str,
    /// How it called interest.
    interest: &'static str,
}

impl Generation {
    /// Opened with a limit of 50.00, then 1,000.00 in, 2.00 of interest, 1,050.00 out.
    fn history(&self) -> [NewEvent; 4] {
        let owner = vec![Tag::of("owner", "ada").unwrap()];
        [
            NewEvent { tags: owner, ..stored(self.account, "account.opened", self.version, self.opened) },
            stored(self.account, "account.deposited", 1, "81a6616d6f756e74ce000186a0"),
            stored(self.account, self.interest, 1, "81a6616d6f756e74ccc8"),
            stored(self.account, "account.withdrawn", 1, "81a6616d6f756e74ce00019a28"),
        ]
    }
}

fn stored(account: &str, event_type: &str, version: u32, hex: &str) -> NewEvent {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    let payload: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    NewEvent {
        schema_version: SchemaVersion::new(version).unwrap(),
        occurred: Some(Timestamp::EPOCH),
        ..NewEvent::new(StreamId::new("account", account).unwrap(), EventType::new(event_type).unwrap(), payload)
    }
}

fn histories() -> Vec<NewEvent> {
    GENERATIONS.iter().flat_map(Generation::history).collect()
}

/// A store on disk that holds `events`, opened by the program of today.
async fn bank_of(events: impl IntoIterator<Item = NewEvent>) -> (Annals, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let before = bank::open(folder.path()).await.unwrap();
    before.store().commit(Commit::of(events)).await.unwrap();
    before.shut_down().await;
    (bank::open_existing(folder.path()).await.unwrap(), folder)
}

async fn entries(bank: &Annals, account: &str) -> Vec<Entry> {
    let statement = statement(bank, AccountId::from(account), None).await.unwrap();
    assert_eq!((statement.owner, statement.entries.len()), (Some(CustomerId::from("ada")), 4), "{account}");
    assert_eq!(statement.balance, Money::from_minor(-4_800), "{account}");
    statement.entries
}

async fn found<const N: usize>(bank: &Annals, kinds: [KindOf<AccountEvent>; N]) -> Vec<Record> {
    let query = EventQuery::new([QueryItem::new().kinds(kinds).unwrap()]);
    bank.store().read_log(ReadLog::of(query)).try_collect().await.unwrap()
}

#[tokio::test]
async fn each_generation_gives_the_same_statement() {
    let (bank, _folder) = bank_of(histories()).await;
    let mut expected = entries(&bank, "with-product").await;
    let texts: Vec<_> = expected.iter().map(|entry| entry.text.clone()).collect();
    let opened = format!("opened as {IBAN}, overdraft limit 50.00");
    assert_eq!(texts, [opened.as_str(), "deposit", "interest", "withdrawal"]);
    assert_eq!(entries(&bank, "with-kind").await, expected);
    assert_eq!(entries(&bank, "with-iban").await, expected);
    expected[0].text = "opened, overdraft limit 50.00".to_owned();
    assert_eq!(entries(&bank, "without-iban").await, expected);
}

#[tokio::test]
async fn each_generation_is_the_same_account_and_goes_on() {
    let (bank, _folder) = bank_of(histories()).await;
    for Generation { account, .. } in GENERATIONS {
        let expected = Account {
            phase: Phase::Open,
            owner: Some(CustomerId::from("ada")),
            iban: IBAN.parse::<Iban>().ok().filter(|_| account != "without-iban"),
            balance: Money::from_minor(-4_800),
            overdraft_limit: Money::from_minor(5_000),
        };
        let handle = bank.on::<Account>(account);
        let loaded = handle.load().await.unwrap();
        assert_eq!((loaded.state, loaded.version), (expected, Version::from(4)), "{account}");
        let reached = handle.send(Withdraw { amount: Money::from_minor(200) }).await.unwrap().reply;
        assert_eq!(reached, Money::from_minor(-5_000), "{account}");
        let beyond = handle.send(Withdraw { amount: Money::from_minor(1) }).await;
        assert!(matches!(beyond, Err(ExecuteError::Refused(AccountError::Short { .. }))), "{account}: {beyond:?}");
    }
}

#[tokio::test]
async fn the_books_of_all_generations_are_right() {
    let (bank, _folder) = bank_of(histories()).await;
    let audit = audit(&bank).await.unwrap();
    assert_eq!((audit.accounts, audit.events, audit.findings), (4, 16, vec![]));
    assert_eq!(audit.balance, Money::from_minor(4 * -4_800));
    assert_eq!(audit.changes["InterestCredited"], Money::from_minor(4 * 200), "under whichever name it was stored");
}

async fn balances(bank: &Annals) -> Vec<AccountBalance> {
    until_current::<Balances>(bank).await.unwrap();
    bank.view().unwrap().all().collect().await.unwrap()
}

#[tokio::test]
async fn each_generation_gives_the_same_row() {
    let (bank, _folder) = bank_of(histories()).await;
    let rows = balances(&bank).await;
    assert_eq!(rows.len(), GENERATIONS.len());
    for row in rows {
        let expected = AccountBalance {
            account: row.account.clone(),
            owner: Some(CustomerId::from("ada")),
            iban: IBAN.parse().ok().filter(|_| row.account.as_str() != "without-iban"),
            balance: Money::from_minor(-4_800),
            bookings: 3,
            last_booked: Some(Timestamp::EPOCH),
            is_closed: false,
        };
        assert_eq!(row, expected);
    }
}

#[tokio::test]
async fn an_account_whose_events_cannot_be_read_is_set_aside_and_no_other() {
    let unreadable = stored("ada", "account.opened", 2, SAVINGS_WITH_OVERDRAFT);
    let (bank, _folder) = bank_of([unreadable].into_iter().chain(histories())).await;
    assert_eq!(balances(&bank).await.len(), GENERATIONS.len());
    let parked = bank.projection::<Balances>().unwrap().parked().await.unwrap();
    let [parked] = parked.as_slice() else { panic!("{parked:?}") };
    assert_eq!((parked.stream.as_str(), parked.events, parked.retrying), ("account-ada", 1, false));
    assert!(parked.error.contains("a savings account has an overdraft limit of 50.00"), "{}", parked.error);
}

#[tokio::test]
async fn a_query_by_kind_finds_every_generation() {
    let (bank, _folder) = bank_of(histories()).await;
    let opened = found(&bank, kinds![AccountEvent::Opened]).await;
    assert_eq!(opened.iter().map(|record| record.schema_version().get()).collect::<Vec<_>>(), [1, 1, 2, 3]);
    let interest = found(&bank, kinds![AccountEvent::InterestCredited]).await;
    let names: Vec<_> = interest.iter().map(|record| record.event_type().as_str()).collect();
    assert_eq!(names, GENERATIONS.map(|generation| generation.interest));
}

#[tokio::test]
async fn what_was_stored_stays_as_it_is_and_what_comes_has_the_form_of_today() {
    let (bank, _folder) = bank_of(histories()).await;
    let account = bank.on::<Account>("without-iban");
    account.send(Deposit { amount: Money::from_minor(10_000) }).await.unwrap();
    account.send(PayInterest { rate: Rate::from_basis_points(200), days: 365 }).await.unwrap();
    let records: Vec<_> = bank.store().read_log(ReadLog::all()).try_collect().await.unwrap();
    assert_eq!(records.len(), histories().len() + 2);
    for (record, stored) in records.iter().zip(histories()) {
        assert_eq!((record.event_type(), record.schema_version()), (&stored.event_type, stored.schema_version));
        assert_eq!((record.payload(), record.tags()), (&*stored.payload, &*stored.tags), "{}", record.stream());
    }
    assert_eq!(records.last().unwrap().event_type().as_str(), "account.interest_credited");
}

#[tokio::test]
async fn a_savings_account_is_the_same_in_the_version_that_brought_it_and_today() {
    let opened = |account, version, hex| stored(account, "account.opened", version, hex);
    let (bank, _folder) = bank_of([opened("2", 2, SAVINGS_2), opened("3", 3, SAVINGS_3)]).await;
    for account in ["2", "3"] {
        let statement = statement(&bank, AccountId::from(account), None).await.unwrap();
        assert_eq!(statement.entries[0].text, "opened as DE75500105170000000009, savings");
        assert_eq!(bank.on::<Account>(account).load().await.unwrap().state.overdraft_limit, Money::ZERO);
    }
}

#[tokio::test]
async fn an_event_that_says_what_was_never_allowed_is_an_error_that_names_it() {
    let (bank, _folder) = bank_of([stored("ada", "account.opened", 2, SAVINGS_WITH_OVERDRAFT)]).await;
    let error = statement(&bank, AccountId::from("ada"), None).await.unwrap_err();
    assert!(matches!(error, StatementError::Decode(_)));
    assert_eq!(
        error.to_string(),
        "record 1 of stream account-ada is version 2 of account.opened, whose step from version 2 fails: a savings \
         account has an overdraft limit of 50.00, expected none"
    );
}

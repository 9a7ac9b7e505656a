//! Read models that follow an import are right at its end, also when they were killed with everything else again and again.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use annals::{
    Annals, ReadLog, decode_record,
    prelude::ReadModels,
    projections::{Difference, ShadowError},
};
use banking::{
    bank,
    domain::{AccountId, Money, account::AccountEvent},
    import::{self, Row},
    progress::Progress,
    read::{
        AccountBalance, Balances, Bookings, DailyTurnover, Day, Month, MonthlyStatement, Statements, Turnover,
        until_current,
    },
    rebuild,
};
use futures::TryStreamExt;
use tokio::runtime::Runtime;

use super::{real, sample};

/// In so many parts the accounts are imported. In the middle of each everything is dropped.
const PARTS: usize = 5;

/// As often as this the balances are computed anew in each part, as far as it comes.
const REBUILDS: usize = 3;

/// As often as this the sample is repeated under other accounts where there is no real file.
const COPIES: usize = 40;

/// The rows of the real file, or as many generated ones; says which.
fn rows() -> Vec<Vec<Row>> {
    if let Some(folder) = real() {
        return import::read(&folder).unwrap().accounts;
    }
    println!("ANNALS_DATA is not set: {COPIES} copies of the sample stand in for the real file");
    let accounts = import::read(&sample()).unwrap().accounts;
    let copy = |number: usize| {
        let rename = move |mut row: Row| {
            row.account = AccountId::from(format!("{number}-{}", row.account));
            row.key = format!("{number}-{}", row.key);
            row
        };
        accounts.iter().map(move |rows| rows.iter().cloned().map(rename).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    (0..COPIES).flat_map(copy).collect()
}

/// What follows from the events, folded by a few lines that know nothing of projections.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    balances: BTreeMap<AccountId, (Money, u64)>,
    months: BTreeMap<(AccountId, Month), Bookings>,
    days: BTreeMap<Day, Bookings>,
}

impl Expected {
    async fn of(bank: &Annals) -> Self {
        let mut expected = Self::default();
        let mut records = bank.store().read_log(ReadLog::all());
        while let Some(record) = records.try_next().await.unwrap() {
            for event in decode_record::<AccountEvent>(&record).unwrap() {
                let account = AccountId::from(record.stream().key());
                let balance = expected.balances.entry(account.clone()).or_default();
                let change = event.change();
                if change == Money::ZERO {
                    continue;
                }
                *balance = (balance.0 + change, balance.1 + 1);
                let month = Month::of(record.occurred()).unwrap();
                *expected.months.entry((account, month)).or_default() += Bookings::one(change);
                *expected.days.entry(Day::of(record.occurred()).unwrap()).or_default() += Bookings::one(change);
            }
        }
        expected
    }

    async fn found(bank: &Annals) -> Self {
        let balances: Vec<AccountBalance> = bank.view().unwrap().all().collect().await.unwrap();
        let months: Vec<MonthlyStatement> = bank.view().unwrap().all().collect().await.unwrap();
        let days: Vec<DailyTurnover> = bank.view().unwrap().all().collect().await.unwrap();
        Self {
            balances: balances.into_iter().map(|row| (row.account, (row.balance, row.bookings))).collect(),
            months: months.into_iter().map(|row| ((row.account, row.month), row.bookings)).collect(),
            days: days.into_iter().map(|row| (row.day, row.bookings)).collect(),
        }
    }
}

/// Holds every row against what is in the log.
pub(crate) async fn assert_right(bank: &Annals) {
    until_current::<Balances>(bank).await.unwrap();
    until_current::<Statements>(bank).await.unwrap();
    until_current::<Turnover>(bank).await.unwrap();
    let (found, expected) = (Expected::found(bank).await, Expected::of(bank).await);
    assert!(!expected.balances.is_empty());
    assert_eq!(found.balances, expected.balances);
    assert_eq!(found.months, expected.months);
    assert_eq!(found.days, expected.days);
    let by_balance: Vec<AccountBalance> =
        bank.view().unwrap().by(AccountBalance::BY_BALANCE).all().collect().await.unwrap();
    assert_eq!(by_balance.len(), expected.balances.len());
    assert!(by_balance.is_sorted_by_key(|row| (row.balance, row.account.clone())));
    let months: Vec<MonthlyStatement> = bank.view().unwrap().all().collect().await.unwrap();
    for pair in months.windows(2).filter(|pair| pair[0].account == pair[1].account) {
        assert_eq!(pair[1].opening, pair[0].closing(), "{}", pair[1].account);
    }
}

/// What came of computing the balances anew while rows are imported.
#[derive(Debug, Default)]
struct Rebuilds {
    swapped: AtomicU64,
    wrong: Mutex<Vec<Difference>>,
}

impl Rebuilds {
    /// Computes the balances anew, compares and swaps, some times. What was begun before everything was dropped goes on.
    async fn run(self: Arc<Self>, bank: Annals) -> Result<(), ShadowError> {
        let balances = bank.projection::<Balances>().unwrap();
        for _ in 0..REBUILDS {
            let shadow = rebuild::begin(&balances, rebuild::Rows::Anew).await?;
            shadow.caught_up().await?;
            let difference = shadow.compare(3).await?;
            if !difference.is_empty() {
                self.wrong.lock().unwrap().push(difference);
            }
            shadow.swap("a test").await?;
            self.swapped.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

/// Imports `rows` until half of them are there, and drops everything where it is. Returns how far the balances had come, and the
/// log.
fn import_and_drop(store: &Path, rows: &[Vec<Row>], rebuilds: &Arc<Rebuilds>) -> (u64, u64) {
    let half = rows.iter().map(|rows| rows.len() as u64).sum::<u64>() / 2;
    let runtime = Runtime::new().unwrap();
    let reached = runtime.block_on(async {
        let bank = bank::open(store).await.unwrap();
        let mut head = bank.store().head();
        let begin = head.borrow().position.get();
        let (importing, accounts) = (bank.clone(), rows.to_vec());
        tokio::spawn(async move { import::import(&importing, accounts, 64, Progress::silent()).await.map(drop) });
        tokio::spawn(Arc::clone(rebuilds).run(bank.clone()));
        let end = head.wait_for(|head| head.position.get() >= begin + half).await.unwrap().position;
        (bank.projection::<Balances>().unwrap().status().position.get(), end.get())
    });
    drop(runtime);
    reached
}

/// T11 on the bank: what the read models hold at the end is what they would hold had nothing happened to them, although the
/// balances are computed anew and swapped meanwhile.
#[test]
fn read_models_that_are_dropped_again_and_again_during_an_import_are_right_at_its_end() {
    let (rows, store) = (rows(), tempfile::tempdir().unwrap());
    let parts = rows.chunks(rows.len().div_ceil(PARTS));
    let rebuilds = Arc::<Rebuilds>::default();
    let reached: Vec<_> = parts.map(|part| import_and_drop(store.path(), part, &rebuilds)).collect();
    println!("balances and log when they were dropped: {reached:?}");
    assert!(reached.iter().any(|(balances, log)| balances < log), "nothing was dropped at work");
    Runtime::new().unwrap().block_on(async {
        let bank = bank::open(store.path()).await.unwrap();
        let rebuilding = tokio::spawn(Arc::clone(&rebuilds).run(bank.clone()));
        let outcome = import::import(&bank, rows, 64, Progress::silent()).await.unwrap();
        assert!(outcome.repeated > 0);
        let during = rebuilds.swapped.load(Ordering::SeqCst);
        rebuilding.await.unwrap().unwrap();
        println!("balances swapped {during} times during the import");
        assert!(during > 0, "nothing was swapped during the import");
        assert_eq!(*rebuilds.wrong.lock().unwrap(), []);
        until_current::<Balances>(&bank).await.unwrap();
        let comparison = import::compare(&bank, &outcome.recorded).await.unwrap();
        assert_eq!((comparison.accounts, comparison.wrong), (outcome.recorded.len() as u64, vec![]));
        println!("{} accounts compared with their recorded balances", comparison.accounts);
        assert_right(&bank).await;
        bank.shut_down().await;
    });
}

/// A negative control: a comparison that cannot fail proves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_with_another_balance_than_was_recorded_is_named() {
    let store = tempfile::tempdir().unwrap();
    let bank = bank::open(store.path()).await.unwrap();
    let rows = import::read(&sample()).unwrap().accounts;
    let mut recorded = import::import(&bank, rows, 64, Progress::silent()).await.unwrap().recorded;
    until_current::<Balances>(&bank).await.unwrap();
    let account = recorded.keys().next().unwrap().clone();
    *recorded.get_mut(&account).unwrap() += Money::from_minor(1);
    recorded.insert(AccountId::from("nobody's"), Money::ZERO);
    let comparison = import::compare(&bank, &recorded).await.unwrap();
    let wrong: Vec<_> = comparison.wrong.iter().map(|wrong| (&wrong.account, wrong.found.is_some())).collect();
    assert_eq!(wrong, [(&account, true), (&AccountId::from("nobody's"), false)]);
    assert_eq!(comparison.accounts, recorded.len() as u64);
    bank.shut_down().await;
}

//! A small bank, written by hand: events, rows, a projection that fails when it is told to.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a part of tests, of which each file uses a part"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use annals_core::{
    Annals, Commit, Event, EventKind, InvalidText, NewEvent, Position, ReadLog, Receipt, Running, Store, StreamId, Tag,
    codec::{self, Bytes, EncodeError, PayloadError},
    decode_record, kinds,
};
use annals_projections::{
    BoxError, EventContext, Incoming, KeyBytes, Projection, ProjectionHandle, ProjectionOptions, ReadModels, Row,
    RowIndex, RowKey, Rows, State, Status, Subscription, TableIndex, Tables, WithProjections,
};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum AccountEvent {
    Opened { owner: String },
    Deposited { cents: i64 },
    Withdrawn { cents: i64 },
}

impl Event for AccountEvent {
    const KINDS: &'static [EventKind] = &[
        EventKind::new("Opened", "account.opened", 1),
        EventKind::new("Deposited", "account.deposited", 1),
        EventKind::new("Withdrawn", "account.withdrawn", 1),
    ];

    fn kind(&self) -> &'static EventKind {
        match self {
            Self::Opened { .. } => &Self::KINDS[0],
            Self::Deposited { .. } => &Self::KINDS[1],
            Self::Withdrawn { .. } => &Self::KINDS[2],
        }
    }
    fn tags(&self) -> Result<Vec<Tag>, InvalidText> {
        Ok(Vec::new())
    }
    fn encode(&self) -> Result<Bytes, EncodeError> {
        codec::encode_variant(self)
    }
    fn decode(kind: usize, payload: &[u8]) -> Result<Self, PayloadError> {
        codec::decode_variant(u32::try_from(kind).unwrap(), payload)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Balance {
    pub(crate) account: String,
    pub(crate) cents: i64,
    /// How many events it was computed from.
    pub(crate) events: u64,
}

impl Row for Balance {
    const TABLE: &'static str = "balances";
    const INDEXES: &'static [RowIndex] = &[RowIndex::new("cents")];
    const KEYED_BY_LANE: bool = true;
    type Key = String;

    fn write_key(&self, key: &mut KeyBytes) {
        self.account.write(key);
    }
    fn write_index(&self, _: usize, key: &mut KeyBytes) {
        self.cents.write(key);
    }
}

impl Balance {
    pub(crate) const BY_CENTS: TableIndex<Self, i64> = TableIndex::at(0);
}

/// What can be made to go wrong.
#[derive(Default)]
pub(crate) struct Faults {
    /// Deposits of this many cents fail.
    pub(crate) poison: Mutex<Vec<i64>>,
    /// So many failures are left; then the poison is harmless.
    pub(crate) failures_left: AtomicU64,
    pub(crate) panics: AtomicBool,
    pub(crate) hangs: AtomicBool,
    /// How often handlers were called.
    pub(crate) calls: AtomicU64,
}

#[derive(Clone, Default)]
pub(crate) struct Balances {
    pub(crate) faults: Arc<Faults>,
}

impl Balances {
    pub(crate) fn poisoned_by(cents: i64, failures: u64) -> Self {
        let balances = Self::default();
        balances.faults.poison.lock().unwrap().push(cents);
        balances.faults.failures_left.store(failures, Ordering::SeqCst);
        balances
    }

    pub(crate) fn cure(&self) {
        self.faults.poison.lock().unwrap().clear();
    }

    async fn change(&self, cents: i64, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        self.faults.calls.fetch_add(1, Ordering::SeqCst);
        let account = cx.key().to_owned();
        let before = rows.get::<Balance>(&account).await?;
        let (sum, events) = before.map_or((0, 0), |before| (before.cents, before.events));
        rows.put(Balance { account, cents: sum + cents, events: events + 1 })?;
        self.fail_if_poison(cents).await
    }

    pub(crate) async fn fail_if_poison(&self, cents: i64) -> Result<(), BoxError> {
        let is_poison = self.faults.poison.lock().unwrap().contains(&cents);
        let fails = |left: u64| left.checked_sub(1);
        if is_poison && self.faults.failures_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok() {
            if self.faults.hangs.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            assert!(!self.faults.panics.load(Ordering::SeqCst), "poison of {cents}");
            return Err(format!("poison of {cents}").into());
        }
        Ok(())
    }
}

impl Projection for Balances {
    const NAME: &'static str = "balances";
    const VERSION: u32 = 1;

    fn subscription(&self) -> Subscription {
        Subscription::new().kinds(kinds![AccountEvent::Deposited, AccountEvent::Withdrawn])
    }

    fn tables(&self) -> Tables {
        Tables::new().with::<Balance>()
    }

    async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        match event.get::<AccountEvent>() {
            Some(AccountEvent::Deposited { cents }) => self.change(*cents, cx, rows).await,
            Some(AccountEvent::Withdrawn { cents }) => self.change(-cents, cx, rows).await,
            _ => Ok(()),
        }
    }
}

pub(crate) fn stream(account: &str) -> StreamId {
    StreamId::new("account", account).unwrap()
}

pub(crate) fn event(account: &str, event: &AccountEvent) -> NewEvent {
    let kind = event.kind();
    NewEvent::new(stream(account), kind.event_type().unwrap(), event.encode().unwrap())
}

pub(crate) fn deposited(account: &str, cents: i64) -> NewEvent {
    event(account, &AccountEvent::Deposited { cents })
}

/// Commits events, together.
pub(crate) async fn commit(store: &Arc<dyn Store>, events: impl IntoIterator<Item = NewEvent>) -> Receipt {
    store.commit(Commit::of(events)).await.unwrap()
}

/// What the balances should be: a fold of the log from zero.
pub(crate) async fn expected(store: &Arc<dyn Store>) -> BTreeMap<String, (i64, u64)> {
    expected_less(store, &BTreeSet::new()).await
}

/// The same without the events at these positions.
pub(crate) async fn expected_less(
    store: &Arc<dyn Store>,
    discarded: &BTreeSet<Position>,
) -> BTreeMap<String, (i64, u64)> {
    let mut balances = BTreeMap::new();
    let mut log = store.read_log(ReadLog::all());
    while let Some(record) = log.next().await {
        let record = record.unwrap();
        let Ok(events) = decode_record::<AccountEvent>(&record) else { continue };
        if discarded.contains(&record.position()) {
            continue;
        }
        for event in &events {
            let cents = match event {
                AccountEvent::Opened { .. } => continue,
                AccountEvent::Deposited { cents } => *cents,
                AccountEvent::Withdrawn { cents } => -cents,
            };
            let (sum, count) = balances.entry(record.stream().key().to_owned()).or_insert((0, 0));
            *sum += cents;
            *count += 1;
        }
    }
    balances
}

/// Checks that the rows equal that fold.
pub(crate) async fn check(annals: &Annals) {
    assert_rows(annals, expected(annals.store()).await).await;
}

/// Checks that the rows are these, and that the index leads to each of them.
pub(crate) async fn assert_rows(annals: &Annals, expected: BTreeMap<String, (i64, u64)>) {
    let expected: Vec<_> =
        expected.into_iter().map(|(account, (cents, events))| Balance { account, cents, events }).collect();
    let view = annals.view::<Balance>().unwrap();
    let rows = view.all().collect().await.unwrap();
    if let Some((row, expected)) = rows.iter().zip(&expected).find(|(row, expected)| row != expected) {
        panic!("it is {row:?}, it should be {expected:?}");
    }
    assert_eq!(rows.len(), expected.len());
    let mut indexed = view.by(Balance::BY_CENTS).all().collect().await.unwrap();
    indexed.sort_by(|one, other| one.account.cmp(&other.account));
    assert_eq!(indexed, expected, "what the index leads to");
}

/// Waits until the status is as wanted; fails after ten minutes.
pub(crate) async fn until(annals: &Annals, wanted: impl Fn(&Status) -> bool) -> Status {
    let mut watch = ReadModels::projection::<Balances>(annals).unwrap().watch();
    let waited = async { watch.wait_for(wanted).await.unwrap().clone() };
    let waited = tokio::time::timeout(Duration::from_secs(600), waited).await;
    waited.unwrap_or_else(|_| panic!("it is {:?}", ReadModels::projection::<Balances>(annals).unwrap().status()))
}

pub(crate) fn is_live(status: &Status) -> bool {
    status.state == State::Live
}

pub(crate) fn store() -> Arc<dyn Store> {
    Arc::new(annals_core::MemoryStore::new())
}

pub(crate) async fn open(store: &Arc<dyn Store>, balances: &Balances, options: ProjectionOptions) -> Annals {
    Annals::over(Arc::clone(store)).projection_with(balances.clone(), options).open().await.unwrap()
}

pub(crate) fn handle(annals: &Annals) -> ProjectionHandle {
    ReadModels::projection::<Balances>(annals).unwrap()
}

/// Stops what runs, and leaves the store open.
pub(crate) async fn stop(annals: Annals) {
    let projections = annals.projections().unwrap();
    Running::stop(&*projections).await;
}

/// Where the log ends.
pub(crate) fn head(store: &Arc<dyn Store>) -> Position {
    store.head().borrow().position
}

/// The balance of an account, as it is read.
pub(crate) async fn row(annals: &Annals, account: &str) -> Option<Balance> {
    annals.view::<Balance>().unwrap().get(account.to_owned()).await.unwrap()
}

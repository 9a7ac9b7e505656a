//! Stores that misbehave under a projection.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a part of tests, of which each file uses a part"
)]

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use annals_conformance::planted::{Fault, Records};
use annals_core::{
    ApplyError, Commit, CommitError, DerivedTable, DerivedWrite, Page, ReadError, ReadLog, Receipt, RowBatch, Scan,
    Store, Table, async_trait,
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::sync::{Mutex as AsyncMutex, watch};

/// Which calls are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Commit,
    Apply,
    Get,
    Scan,
    ReadLog,
}

/// What befalls a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It fails, and has done nothing.
    Fail,
    /// It fails, and has done what it should; a read of the log, behind its first record.
    FailBehind,
    /// It takes so long.
    Delay(Duration),
    Panic,
}

/// A store of which some calls go wrong, and which lets others work before and behind each call when it is restless.
/// Cloning gives another handle.
#[derive(Clone, Default)]
pub(crate) struct Unruly {
    plan: Arc<Mutex<Plan>>,
}

#[derive(Default)]
struct Plan {
    fault: Option<(Call, Effect)>,
    /// How many calls go well before, and how many go wrong then.
    before: u64,
    times: u64,
    hits: u64,
    restless: bool,
}

impl Unruly {
    /// From now on calls are done in several polls.
    pub(crate) fn restless() -> Self {
        let unruly = Self::default();
        unruly.plan().restless = true;
        unruly
    }

    /// After `before` more of these calls, `times` go wrong.
    pub(crate) fn plan_fault(&self, call: Call, effect: Effect, before: u64, times: u64) {
        let mut plan = self.plan();
        (plan.fault, plan.before, plan.times, plan.hits) = (Some((call, effect)), before, times, 0);
    }

    /// Nothing goes wrong any more. Says how often something did.
    pub(crate) fn heal(&self) -> u64 {
        let mut plan = self.plan();
        plan.fault = None;
        plan.hits
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets happen what is to happen to this call; gives what its caller has to see to.
    async fn befall(&self, call: Call) -> Option<Effect> {
        self.rest().await;
        let effect = self.plan().take(call)?;
        match effect {
            Effect::Fail | Effect::FailBehind => return Some(effect),
            Effect::Delay(delay) => tokio::time::sleep(delay).await,
            Effect::Panic => panic!("the store panics"),
        }
        None
    }

    async fn rest(&self) {
        let restless = self.plan().restless;
        if restless {
            tokio::task::yield_now().await;
        }
    }

    async fn read<T>(
        &self,
        call: Call,
        read: impl Future<Output = Result<T, ReadError>> + Send,
    ) -> Result<T, ReadError> {
        let effect = self.befall(call).await;
        let read = if effect == Some(Effect::Fail) { Err(unavailable()) } else { read.await };
        self.rest().await;
        if effect.is_some() { Err(unavailable()) } else { read }
    }
}

impl Plan {
    fn take(&mut self, call: Call) -> Option<Effect> {
        let (_, effect) = self.fault.filter(|(planned, _)| *planned == call)?;
        if self.before > 0 {
            self.before -= 1;
            return None;
        }
        self.times = self.times.checked_sub(1)?;
        self.hits += 1;
        Some(effect)
    }
}

fn unavailable() -> ReadError {
    ReadError::Io { what: "what a test asked for".into(), reason: "it is to fail".into() }
}

#[async_trait]
impl Fault for Unruly {
    const BREAKS: &'static [&'static str] = &[];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self::default()
    }

    async fn commit(&self, store: &Arc<dyn Store>, commit: Commit) -> Result<Receipt, CommitError> {
        let effect = self.befall(Call::Commit).await;
        let unknown = || CommitError::OutcomeUnknown { reason: "a test asked for it".into() };
        let committed = if effect == Some(Effect::Fail) { Err(unknown()) } else { store.commit(commit).await };
        self.rest().await;
        if effect.is_some() { Err(unknown()) } else { committed }
    }

    async fn apply(&self, store: &Arc<dyn Store>, batch: RowBatch) -> Result<(), ApplyError> {
        let effect = self.befall(Call::Apply).await;
        let applied = if effect == Some(Effect::Fail) { Err(unavailable().into()) } else { store.apply(batch).await };
        self.rest().await;
        if effect.is_some() { Err(unavailable().into()) } else { applied }
    }

    fn read_log<'a>(&'a self, store: &'a Arc<dyn Store>, read: ReadLog) -> Records<'a> {
        let records = move |effect: Option<Effect>| {
            let all = if effect == Some(Effect::Fail) { stream::empty().boxed() } else { store.read_log(read.clone()) };
            match effect {
                None => all,
                Some(_) => all.take(1).chain(stream::iter([Err(unavailable())])).boxed(),
            }
        };
        stream::once(self.befall(Call::ReadLog)).flat_map(records).boxed()
    }

    async fn get(&self, store: &Arc<dyn Store>, keys: &[(Table, Bytes)]) -> Result<Vec<Option<Bytes>>, ReadError> {
        self.read(Call::Get, store.get(keys)).await
    }

    async fn scan(&self, store: &Arc<dyn Store>, scan: Scan) -> Result<Page, ReadError> {
        self.read(Call::Scan, store.scan(scan)).await
    }
}

/// A store that loses its latest batches when it is told to, as a power cut may: each of them as a whole. Cloning gives
/// another handle.
#[derive(Clone, Default)]
pub(crate) struct Forgetful {
    /// What takes each batch back, the latest last.
    back: Arc<AsyncMutex<Vec<Vec<DerivedWrite>>>>,
}

impl Forgetful {
    /// Loses the latest `batches`. Nobody may be at work. Says how many there were in all.
    pub(crate) async fn forget(&self, store: &Arc<dyn Store>, batches: usize) -> usize {
        let mut back = self.back.lock().await;
        let all = back.len();
        let lost = back.split_off(all.saturating_sub(batches));
        for rows in lost.into_iter().rev() {
            store.apply(RowBatch { rows, ..RowBatch::default() }).await.unwrap();
        }
        all
    }
}

#[async_trait]
impl Fault for Forgetful {
    const BREAKS: &'static [&'static str] = &[];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self::default()
    }

    async fn apply(&self, store: &Arc<dyn Store>, batch: RowBatch) -> Result<(), ApplyError> {
        let mut back = self.back.lock().await;
        let keys: Vec<_> = batch.rows.iter().map(|row| (row.table.clone().into(), row.key.clone())).collect();
        let before = store.get(&keys).await?;
        let take_back = |(row, value): (&DerivedWrite, Option<Bytes>)| DerivedWrite { value, ..row.clone() };
        let rows = batch.rows.iter().zip(before).map(take_back).collect();
        store.apply(batch).await?;
        back.push(rows);
        Ok(())
    }
}

/// A fault of the kind that a projection would have that stored how far it is before its rows, or behind them: each batch
/// becomes two, and each `nth` time only the first of them is there.
pub(crate) struct SplitsBatches {
    pub(crate) checkpoint_first: bool,
    pub(crate) nth: u64,
    pub(crate) seen: Mutex<u64>,
}

impl SplitsBatches {
    pub(crate) fn new(checkpoint_first: bool, nth: u64) -> Self {
        Self { checkpoint_first, nth, seen: Mutex::new(0) }
    }
}

#[async_trait]
impl Fault for SplitsBatches {
    const BREAKS: &'static [&'static str] = &[];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self::new(true, 2)
    }

    async fn apply(&self, store: &Arc<dyn Store>, mut batch: RowBatch) -> Result<(), ApplyError> {
        let is_checkpoint = |row: &DerivedWrite| row.table == DerivedTable::CHECKPOINTS;
        let (checkpoints, rows): (Vec<_>, Vec<_>) = batch.rows.into_iter().partition(is_checkpoint);
        let (first, second) = if self.checkpoint_first { (checkpoints, rows) } else { (rows, checkpoints) };
        if second.is_empty() {
            batch.rows = first;
            return store.apply(batch).await;
        }
        let second = RowBatch { rows: second, ..RowBatch::default() };
        batch.rows = first;
        store.apply(batch).await?;
        let is_cut = {
            let mut seen = self.seen.lock().unwrap();
            *seen += 1;
            seen.is_multiple_of(self.nth)
        };
        if is_cut { Err(unavailable().into()) } else { store.apply(second).await }
    }
}

/// A store that takes no rows of read models before it is told to. Checkpoints and other rows of annals' own pass.
pub(crate) struct Gate(pub(crate) watch::Receiver<bool>);

#[async_trait]
impl Fault for Gate {
    const BREAKS: &'static [&'static str] = &[];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self(watch::channel(true).1)
    }

    async fn apply(&self, store: &Arc<dyn Store>, batch: RowBatch) -> Result<(), ApplyError> {
        if batch.rows.iter().any(|row| !row.table.name().starts_with('$')) {
            // Whoever holds the other end may be gone, and the gate open for ever.
            let _ = self.0.clone().wait_for(|open| *open).await;
        }
        store.apply(batch).await
    }
}

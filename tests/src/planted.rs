//! Stores that are wrong in one way each, to show that the suite bites.
//!
//! A [`Fault`] stands between a case and the reference store and spoils one thing. [`red`] runs the whole suite and
//! names the cases that fail.

use std::{
    sync::{Arc, Once},
    time::Duration,
};

use annals_core::{
    ApplyError, Commit, CommitError, Head, NameKey, Page, ReadError, ReadLog, ReadStream, Receipt, Record, RowBatch,
    Scan, Store, Table,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{future::join_all, stream::BoxStream};
use tokio::sync::watch;

use crate::{Harness, MemoryHarness, Setup, cases};

mod lookups;
mod names;
mod reads;
mod writes;

pub use lookups::{GivesKeysOfRows, GoesOnByKeysOfRows, LooksUpLater, ShowsMissingRows};
pub use names::{DealsNameKeys, MakesNameKeyUnasked, RenewsNameKey};
pub use reads::{
    AnnouncesEarly, ForgetsToSignal, GetsOneByOne, IncludesAfter, LetsTimeDecrease, LosesTailOnReopen, MixesPrefixes,
    ReadsLate, ReadsOnAndOn, Reorders, ShowsOutOfOrder,
};
pub use writes::{
    CommitsOneByOne, ForgetsKeys, ForgetsKeysOnReopen, ForgetsToClose, IgnoresBoundaries, IgnoresEpochs,
    IgnoresGenerations, IgnoresRowConditions, LosesDerivedSuffix, RemembersPrunedKeysOnReopen, ReportsFirstFailure,
    SkipsVersionCheck, TearsBatches,
};

/// One way to be wrong. Everything that a fault does not say goes to the store as it is.
#[async_trait]
pub trait Fault: Send + Sync + 'static {
    /// Cases that must fail because of it. Others may fail as well.
    const BREAKS: &'static [&'static str];

    /// The fault in a store that was opened `life` times before.
    fn new(store: &Arc<dyn Store>, life: u64) -> Self;

    /// Stands in for [`Store::commit`].
    async fn commit(&self, store: &Arc<dyn Store>, commit: Commit) -> Result<Receipt, CommitError> {
        store.commit(commit).await
    }

    /// Stands in for [`Store::apply`].
    async fn apply(&self, store: &Arc<dyn Store>, batch: RowBatch) -> Result<(), ApplyError> {
        store.apply(batch).await
    }

    /// Stands in for [`Store::read_stream`].
    fn read_stream<'a>(&'a self, store: &'a Arc<dyn Store>, read: ReadStream) -> Records<'a> {
        store.read_stream(read)
    }

    /// Stands in for [`Store::read_log`].
    fn read_log<'a>(&'a self, store: &'a Arc<dyn Store>, read: ReadLog) -> Records<'a> {
        store.read_log(read)
    }

    /// Stands in for [`Store::get`].
    async fn get(&self, store: &Arc<dyn Store>, keys: &[(Table, Bytes)]) -> Result<Vec<Option<Bytes>>, ReadError> {
        store.get(keys).await
    }

    /// Stands in for [`Store::scan`].
    async fn scan(&self, store: &Arc<dyn Store>, scan: Scan) -> Result<Page, ReadError> {
        store.scan(scan).await
    }

    /// Stands in for [`Store::name_key`].
    async fn name_key(&self, store: &Arc<dyn Store>, make: bool) -> Result<Option<NameKey>, ReadError> {
        store.name_key(make).await
    }

    /// Stands in for [`Store::head`].
    fn head(&self, store: &Arc<dyn Store>) -> watch::Receiver<Head> {
        store.head()
    }
}

/// What a read gives.
pub type Records<'a> = BoxStream<'a, Result<Record, ReadError>>;

/// No fault: the reference store behind the same wrapping.
pub struct Nothing;

impl Fault for Nothing {
    const BREAKS: &'static [&'static str] = &[];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self
    }
}

struct Spoiled<F> {
    store: Arc<dyn Store>,
    fault: F,
}

#[async_trait]
impl<F: Fault> Store for Spoiled<F> {
    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        self.fault.commit(&self.store, commit).await
    }

    async fn apply(&self, batch: RowBatch) -> Result<(), ApplyError> {
        self.fault.apply(&self.store, batch).await
    }

    fn read_stream(&self, read: ReadStream) -> Records<'_> {
        self.fault.read_stream(&self.store, read)
    }

    fn read_log(&self, read: ReadLog) -> Records<'_> {
        self.fault.read_log(&self.store, read)
    }

    async fn get(&self, keys: &[(Table, Bytes)]) -> Result<Vec<Option<Bytes>>, ReadError> {
        self.fault.get(&self.store, keys).await
    }

    async fn scan(&self, scan: Scan) -> Result<Page, ReadError> {
        self.fault.scan(&self.store, scan).await
    }

    async fn name_key(&self, make: bool) -> Result<Option<NameKey>, ReadError> {
        self.fault.name_key(&self.store, make).await
    }

    fn head(&self) -> watch::Receiver<Head> {
        self.fault.head(&self.store)
    }

    async fn shut_down(&self) {
        self.store.shut_down().await;
    }
}

/// Puts a fault in front of a store that was opened so many times before.
pub type Plant = fn(Arc<dyn Store>, u64) -> Arc<dyn Store>;

/// Plants the fault `F`.
pub fn plant<F: Fault>(store: Arc<dyn Store>, life: u64) -> Arc<dyn Store> {
    let fault = F::new(&store, life);
    behind(store, fault)
}

/// Puts `fault` in front of `store`, for tests of what uses a store.
pub fn behind<F: Fault>(store: Arc<dyn Store>, fault: F) -> Arc<dyn Store> {
    Arc::new(Spoiled { store, fault })
}

tokio::task_local! {
    /// What is planted in the stores that a case creates. Chosen while it runs, so that the suite is compiled once and
    /// not for each fault.
    static PLANTED: Plant;
}

/// The reference store with a fault. The store itself stays when it is reopened, so that only what the fault forgets
/// is gone.
pub struct Planted {
    harness: MemoryHarness,
    plant: Plant,
    store: Arc<dyn Store>,
    life: u64,
}

impl Planted {
    /// Runs `work`, in which every store of this harness has the fault `F`.
    pub fn with<F: Fault, R>(work: impl FnOnce() -> R) -> R {
        PLANTED.sync_scope(plant::<F>, work)
    }
}

impl Harness for Planted {
    const SURVIVES: bool = true;

    async fn create(setup: Setup) -> Self {
        let harness = MemoryHarness::create(setup).await;
        let plant = PLANTED.get();
        let store = plant(harness.store(), 0);
        Self { harness, plant, store, life: 0 }
    }

    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    async fn reopen(&mut self) {
        self.life += 1;
        self.store = (self.plant)(self.harness.store(), self.life);
    }
}

const THREAD: &str = "planted";

/// Runs every case against the reference store with the fault `F`, all at once, and names those that fail, or that are
/// not done after `deadline`: a fault that loses a signal makes cases hang.
#[must_use]
pub fn red<F: Fault>(deadline: Duration) -> Vec<&'static str> {
    silence_expected_panics();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).thread_name(THREAD).enable_all().build().expect("a runtime");
    let red = runtime.block_on(async {
        let runs = cases::<Planted>().into_iter().map(async |case| {
            let run = PLANTED.scope(plant::<F>, (case.run)());
            let run = tokio::spawn(tokio::time::timeout(deadline, run));
            (!matches!(run.await, Ok(Ok(())))).then_some(case.name)
        });
        join_all(runs).await.into_iter().flatten().collect()
    });
    // Tasks that a fault keeps busy for ever are left behind.
    runtime.shutdown_background();
    red
}

/// Panics of the cases are what is looked for; printing hundreds of them would hide the others.
fn silence_expected_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().name() != Some(THREAD) {
                print(panic);
            }
        }));
    });
}

/// Checks that the suite notices the fault `F`: every case that it must break is red.
pub fn bites<F: Fault>() {
    let red = red::<F>(Duration::from_secs(5));
    eprintln!("{} turns red: {red:#?}", std::any::type_name::<F>());
    let silent: Vec<_> = F::BREAKS.iter().filter(|case| !red.contains(case)).collect();
    assert!(!F::BREAKS.is_empty() && silent.is_empty(), "these did not notice: {silent:?}");
}

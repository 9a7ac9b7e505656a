//! What a store brings so that the suite can run against it.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use annals_core::{Clock, Limits, MemoryStore, Store, Timestamp};

/// One store under test, in a place of its own.
pub trait Harness: Sized + Send + Sync + 'static {
    /// Whether [`reopen`](Self::reopen) brings back what was written. Where it is `false`, the cases about restarts
    /// say so and end.
    const SURVIVES: bool;

    /// Opens a new, empty store.
    fn create(setup: Setup) -> impl Future<Output = Self> + Send;

    /// The store; after [`reopen`](Self::reopen) the new one.
    fn store(&self) -> Arc<dyn Store>;

    /// Shuts the store down and opens it again with the same setup. Handles that were given out before may still be
    /// there; they answer `ShutDown`.
    fn reopen(&mut self) -> impl Future<Output = ()> + Send;

    /// The same, losing in between what the store can build again from its log. A store that has no such thing does
    /// nothing and says `false`.
    fn lose_index(&mut self) -> impl Future<Output = bool> + Send {
        std::future::ready(false)
    }
}

/// How a store is to be opened.
#[derive(Clone, Default)]
pub struct Setup {
    /// What its commits may carry.
    pub limits: Limits,
    /// The clock of its committer.
    pub clock: ManualClock,
}

impl Setup {
    /// The clock, as the store takes it.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }
}

/// A clock that is moved by hand, also backwards. It begins at 2026-03-01T12:00:00Z; clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock {
    micros: Arc<AtomicI64>,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self { micros: Arc::new(AtomicI64::new(1_772_366_400_000_000)) }
    }
}

impl ManualClock {
    /// Moves the clock to `time`.
    pub fn set(&self, time: Timestamp) {
        self.micros.store(time.as_micros(), Ordering::SeqCst);
    }

    /// Moves the clock by `seconds`, backwards if they are negative, and returns the new time.
    pub fn step(&self, seconds: i64) -> Timestamp {
        self.micros.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
        self.now()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst)).expect("the clock is moved within its range")
    }
}

/// The reference store. It cannot restart, so reopening it changes nothing.
pub struct MemoryHarness {
    store: MemoryStore,
}

impl Harness for MemoryHarness {
    const SURVIVES: bool = false;

    async fn create(setup: Setup) -> Self {
        Self { store: MemoryStore::with(setup.limits, setup.clock()) }
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    async fn reopen(&mut self) {}
}

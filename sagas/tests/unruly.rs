//! Stores that are at fault, or slow.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
};

use annals_conformance::planted::{Fault, behind};
use annals_core::{Commit, CommitError, Page, ReadError, Receipt, Scan, Store, async_trait};
use tokio::sync::Notify;

/// Lets some commits of one kind of event fail.
#[derive(Clone)]
pub(crate) struct Failing {
    event_type: &'static str,
    left: Arc<AtomicU32>,
}

/// Stores a commit with one kind of event, and says so later.
#[derive(Clone)]
pub(crate) struct Belated {
    event_type: &'static str,
    shared: Arc<Answer>,
}

#[derive(Default)]
struct Answer {
    is_due: AtomicBool,
    stored: Notify,
    let_go: Notify,
}

/// Takes its time to read rows in order: others go on meanwhile.
struct Slow;

impl Failing {
    /// Lets the first `times` commits fail.
    pub(crate) fn new(event_type: &'static str, times: u32) -> Self {
        Self { event_type, left: Arc::new(times.into()) }
    }

    pub(crate) fn before(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        behind(store, self.clone())
    }

    /// How many commits more fail.
    pub(crate) fn left(&self) -> u32 {
        self.left.load(SeqCst)
    }
}

impl Belated {
    /// Says of each commit at once that it is stored, until it is told otherwise.
    pub(crate) fn new(event_type: &'static str) -> Self {
        Self { event_type, shared: Arc::default() }
    }

    pub(crate) fn before(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        behind(store, self.clone())
    }

    /// Says nothing of the next commit until it is [let go](Self::let_go).
    pub(crate) fn hold_next(&self) {
        self.shared.is_due.store(true, SeqCst);
    }

    /// Waits until one is stored of which nothing is said.
    pub(crate) async fn is_stored(&self) {
        self.shared.stored.notified().await;
    }

    /// Lets it be said.
    pub(crate) fn let_go(&self) {
        self.shared.let_go.notify_one();
    }
}

/// `store`, but slow to read rows in order.
pub(crate) fn slow(store: Arc<dyn Store>) -> Arc<dyn Store> {
    behind(store, Slow)
}

#[async_trait]
impl Fault for Failing {
    const BREAKS: &'static [&'static str] = &[];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self::new("none", 0)
    }

    async fn commit(&self, store: &Arc<dyn Store>, commit: Commit) -> Result<Receipt, CommitError> {
        let is_meant = commit.events.iter().any(|event| event.event_type.as_str() == self.event_type);
        if is_meant && self.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(CommitError::ReadOnly { reason: "a test".into() });
        }
        store.commit(commit).await
    }
}

#[async_trait]
impl Fault for Belated {
    const BREAKS: &'static [&'static str] = &[];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self::new("none")
    }

    async fn commit(&self, store: &Arc<dyn Store>, commit: Commit) -> Result<Receipt, CommitError> {
        let is_meant = commit.events.iter().any(|event| event.event_type.as_str() == self.event_type);
        let answer = store.commit(commit).await;
        if is_meant && self.shared.is_due.swap(false, SeqCst) {
            self.shared.stored.notify_one();
            self.shared.let_go.notified().await;
        }
        answer
    }
}

#[async_trait]
impl Fault for Slow {
    const BREAKS: &'static [&'static str] = &[];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self
    }

    async fn scan(&self, store: &Arc<dyn Store>, scan: Scan) -> Result<Page, ReadError> {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        store.scan(scan).await
    }
}

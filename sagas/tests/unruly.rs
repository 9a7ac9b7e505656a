//! Stores that are at fault, or slow.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::SeqCst},
};

use annals_conformance::planted::{Fault, behind};
use annals_core::{Commit, CommitError, Page, ReadError, Receipt, Scan, Store, async_trait};

/// Lets some commits of one kind of event fail.
#[derive(Clone)]
pub(crate) struct Failing {
    event_type: &'static str,
    left: Arc<AtomicU32>,
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

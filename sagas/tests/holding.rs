//! A store that holds commits of one kind of event until it is told to let them go, or lets them fail.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use annals_core::{
    ApplyError, Commit, CommitError, Head, NameKey, Page, ReadError, ReadLog, ReadStream, Receipt, Record, RowBatch,
    Scan, Store, Table, async_trait,
};
use bytes::Bytes;
use futures::stream::BoxStream;
use tokio::sync::watch;

#[derive(Clone)]
pub(crate) struct Holding {
    inner: Arc<dyn Store>,
    event_type: &'static str,
    held: watch::Sender<u32>,
    lets_go: watch::Sender<bool>,
    /// How many commits more fail.
    fails: Arc<AtomicU32>,
    /// So often others go on before rows are read in order.
    yields: u32,
}

impl Holding {
    pub(crate) fn new(inner: Arc<dyn Store>, event_type: &'static str) -> Self {
        let (held, lets_go) = (watch::Sender::new(0), watch::Sender::new(false));
        Self { inner, event_type, held, lets_go, fails: Arc::default(), yields: 0 }
    }

    /// Holds nothing, but lets so many commits fail.
    pub(crate) fn failing(inner: Arc<dyn Store>, event_type: &'static str, times: u32) -> Self {
        let holding = Self::new(inner, event_type);
        holding.fails.store(times, Ordering::SeqCst);
        holding.release();
        holding
    }

    /// Holds nothing, but takes its time to read rows in order.
    pub(crate) fn slow(inner: Arc<dyn Store>) -> Self {
        Self { yields: 100, ..Self::failing(inner, "none", 0) }
    }

    /// How many commits more fail.
    pub(crate) fn faults_left(&self) -> u32 {
        self.fails.load(Ordering::SeqCst)
    }

    /// Waits until a commit is held.
    pub(crate) async fn is_held(&self) {
        self.held.subscribe().wait_for(|held| *held > 0).await.unwrap();
    }

    pub(crate) fn release(&self) {
        self.lets_go.send_replace(true);
    }
}

#[async_trait]
impl Store for Holding {
    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        if commit.events.iter().any(|event| event.event_type.as_str() == self.event_type) {
            if self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                return Err(CommitError::ReadOnly { reason: "a test".into() });
            }
            self.held.send_modify(|held| *held += 1);
            self.lets_go.subscribe().wait_for(|lets_go| *lets_go).await.unwrap();
        }
        self.inner.commit(commit).await
    }

    async fn apply(&self, batch: RowBatch) -> Result<(), ApplyError> {
        self.inner.apply(batch).await
    }

    fn read_stream(&self, read: ReadStream) -> BoxStream<'_, Result<Record, ReadError>> {
        self.inner.read_stream(read)
    }

    fn read_log(&self, read: ReadLog) -> BoxStream<'_, Result<Record, ReadError>> {
        self.inner.read_log(read)
    }

    async fn get(&self, keys: &[(Table, Bytes)]) -> Result<Vec<Option<Bytes>>, ReadError> {
        self.inner.get(keys).await
    }

    async fn scan(&self, scan: Scan) -> Result<Page, ReadError> {
        for _ in 0..self.yields {
            tokio::task::yield_now().await;
        }
        self.inner.scan(scan).await
    }

    fn head(&self) -> watch::Receiver<Head> {
        self.inner.head()
    }

    async fn shut_down(&self) {
        self.inner.shut_down().await;
    }

    async fn name_key(&self, make: bool) -> Result<Option<NameKey>, ReadError> {
        self.inner.name_key(make).await
    }
}

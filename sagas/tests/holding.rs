//! A store that holds commits of one kind of event until it is told to let them go.

use std::sync::Arc;

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
}

impl Holding {
    pub(crate) fn new(inner: Arc<dyn Store>, event_type: &'static str) -> Self {
        Self { inner, event_type, held: watch::Sender::new(0), lets_go: watch::Sender::new(false) }
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

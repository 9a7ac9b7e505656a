//! A store for this crate's own tests: it counts what is read, and lets somebody else commit first.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use tokio::sync::watch;

use crate::{
    Aggregate, Annals, ApplyError, Builder, Commit, CommitError, Event, Head, MemoryStore, NewEvent, OpenError,
    OpenStore, Page, ReadError, ReadLog, ReadStream, Receipt, Record, RowBatch, Scan, Store, StreamId, Table,
};

/// Cloning gives another handle on the same.
#[derive(Clone, Default)]
pub(crate) struct Meddler {
    inner: MemoryStore,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    read: AtomicU64,
    before: Mutex<VecDeque<Vec<Commit>>>,
    after_get: Mutex<Option<Commit>>,
    last: Mutex<Option<Commit>>,
    fail: Mutex<Option<CommitError>>,
}

impl Meddler {
    pub(crate) fn over(inner: MemoryStore) -> Self {
        Self { inner, state: Arc::default() }
    }

    pub(crate) fn open(&self) -> Builder {
        Annals::over(self.clone())
    }

    /// One of these goes before each commit that is to come.
    pub(crate) fn before(&self, commits: impl IntoIterator<Item = Commit>) {
        self.state.before.lock().unwrap().extend(commits.into_iter().map(|commit| vec![commit]));
    }

    /// All of these, in this order, go before the next commit that is not spoken for.
    pub(crate) fn all_before(&self, commits: impl IntoIterator<Item = Commit>) {
        self.state.before.lock().unwrap().push_back(commits.into_iter().collect());
    }

    /// This goes behind the next look at rows.
    pub(crate) fn after_get(&self, commit: Commit) {
        *self.state.after_get.lock().unwrap() = Some(commit);
    }

    /// The commit that was written last.
    pub(crate) fn last(&self) -> Commit {
        self.state.last.lock().unwrap().clone().unwrap()
    }

    /// The next commit fails.
    pub(crate) fn fail(&self, error: CommitError) {
        *self.state.fail.lock().unwrap() = Some(error);
    }

    /// How many records were read since this was asked last.
    pub(crate) fn read(&self) -> u64 {
        self.state.read.swap(0, Ordering::Relaxed)
    }
}

/// A commit of `event`, as the framework would write it.
pub(crate) fn commit_of<A: Aggregate>(key: &str, event: &A::Event) -> Commit {
    let stream = StreamId::new(A::NAME, key).unwrap();
    let kind = event.kind();
    let mut new = NewEvent::new(stream, kind.event_type().unwrap(), event.encode().unwrap());
    new.schema_version = kind.schema_version();
    new.tags = event.tags().unwrap();
    Commit::of([new])
}

#[async_trait]
impl OpenStore for Meddler {
    async fn open_store(self: Box<Self>) -> Result<Arc<dyn Store>, OpenError> {
        Ok(Arc::new(*self))
    }
}

#[async_trait]
impl Store for Meddler {
    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let first = self.state.before.lock().unwrap().pop_front();
        for first in first.into_iter().flatten() {
            self.inner.commit(first).await?;
        }
        if let Some(error) = self.state.fail.lock().unwrap().take() {
            return Err(error);
        }
        *self.state.last.lock().unwrap() = Some(commit.clone());
        self.inner.commit(commit).await
    }
    async fn apply(&self, batch: RowBatch) -> Result<(), ApplyError> {
        self.inner.apply(batch).await
    }
    fn read_stream(&self, read: ReadStream) -> BoxStream<'_, Result<Record, ReadError>> {
        let count = |_: &_| {
            self.state.read.fetch_add(1, Ordering::Relaxed);
        };
        self.inner.read_stream(read).inspect(count).boxed()
    }
    fn read_log(&self, read: ReadLog) -> BoxStream<'_, Result<Record, ReadError>> {
        self.inner.read_log(read)
    }
    async fn get(&self, keys: &[(Table, Bytes)]) -> Result<Vec<Option<Bytes>>, ReadError> {
        let rows = self.inner.get(keys).await;
        let then = self.state.after_get.lock().unwrap().take();
        if let Some(commit) = then {
            self.inner.commit(commit).await.unwrap();
        }
        rows
    }
    async fn scan(&self, scan: Scan) -> Result<Page, ReadError> {
        self.inner.scan(scan).await
    }
    async fn name_key(&self, make: bool) -> Result<Option<crate::NameKey>, ReadError> {
        self.inner.name_key(make).await
    }
    fn head(&self) -> watch::Receiver<Head> {
        self.inner.head()
    }
    async fn shut_down(&self) {
        self.inner.shut_down().await;
    }
}

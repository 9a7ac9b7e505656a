//! A store that dies.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use annals_core::{
    ApplyError, Commit, CommitError, Head, NameKey, Page, ReadError, ReadLog, ReadStream, Receipt, Record, RowBatch,
    Scan, Store, Table, async_trait,
};
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::watch;

/// A store that is as good as gone from one of its commits on, like that of a process that is killed. What it is over stays.
#[derive(Clone)]
pub struct Mortal {
    inner: Arc<dyn Store>,
    left: Arc<AtomicU64>,
    /// Whether the last commit is on disk, although nobody is told.
    last_counts: bool,
    dead: Arc<AtomicBool>,
    died: watch::Sender<bool>,
}

impl Mortal {
    /// Dies at its `commits`th commit from now: before it is taken, or behind it.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, commits: u64, last_counts: bool) -> Self {
        let (left, dead, died) = (Arc::new(commits.into()), Arc::default(), watch::Sender::new(false));
        Self { inner, left, last_counts, dead, died }
    }

    /// Lets it die now.
    pub fn die(&self) {
        self.dead.store(true, Ordering::SeqCst);
        self.died.send_replace(true);
    }

    /// Tells when it has died.
    #[must_use]
    pub fn death(&self) -> watch::Receiver<bool> {
        self.died.subscribe()
    }

    fn check(&self) -> Result<(), ReadError> {
        if self.dead.load(Ordering::SeqCst) { Err(ReadError::ShutDown) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for Mortal {
    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        // As with a disk, others go on meanwhile.
        tokio::task::yield_now().await;
        self.check().map_err(|_| CommitError::ShutDown)?;
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.dead.store(true, Ordering::SeqCst);
            if self.last_counts {
                drop(self.inner.commit(commit).await);
            }
            self.died.send_replace(true);
            return Err(CommitError::ShutDown);
        }
        self.inner.commit(commit).await
    }

    async fn apply(&self, batch: RowBatch) -> Result<(), ApplyError> {
        self.check()?;
        self.inner.apply(batch).await
    }

    fn read_stream(&self, read: ReadStream) -> BoxStream<'_, Result<Record, ReadError>> {
        match self.check() {
            Ok(()) => self.inner.read_stream(read),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    fn read_log(&self, read: ReadLog) -> BoxStream<'_, Result<Record, ReadError>> {
        match self.check() {
            Ok(()) => self.inner.read_log(read),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn get(&self, keys: &[(Table, Bytes)]) -> Result<Vec<Option<Bytes>>, ReadError> {
        self.check()?;
        self.inner.get(keys).await
    }

    async fn scan(&self, scan: Scan) -> Result<Page, ReadError> {
        self.check()?;
        self.inner.scan(scan).await
    }

    fn head(&self) -> watch::Receiver<Head> {
        self.inner.head()
    }

    async fn shut_down(&self) {}

    async fn name_key(&self, make: bool) -> Result<Option<NameKey>, ReadError> {
        self.inner.name_key(make).await
    }
}

impl std::fmt::Debug for Mortal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mortal").field("dead", &self.dead).finish_non_exhaustive()
    }
}

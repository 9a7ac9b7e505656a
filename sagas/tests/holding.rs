//! A store that holds commits until it is told what becomes of them.

use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};

use annals_core::{
    ApplyError, Commit, CommitError, Head, NameKey, NewEvent, Page, ReadError, ReadLog, ReadStream, Receipt, Record,
    RowBatch, Scan, Store, Table, async_trait,
};
use bytes::Bytes;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::sync::{oneshot, watch};

/// Whoever waits for a commit may go away: it is held all the same, as by a store that it was handed over to. What it is over stays,
/// also when it is shut down.
#[derive(Clone)]
pub(crate) struct Holding {
    inner: Arc<dyn Store>,
    /// The type of event whose commits are held; all commits are when there is none.
    event_type: Option<&'static str>,
    /// The key of the stream that the event is of, where that counts.
    key: Option<&'static str>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    held: Mutex<Vec<Held>>,
    holds: watch::Sender<bool>,
    lets_go: AtomicBool,
    is_dead: AtomicBool,
}

struct Held {
    what: String,
    is_late: bool,
    verdict: oneshot::Sender<Verdict>,
}

/// What becomes of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is taken, if its conditions hold.
    Taken,
    /// The same, and the answer gets lost.
    Unanswered,
}

impl Holding {
    /// Holds commits with an event of this type.
    pub(crate) fn new(inner: Arc<dyn Store>, event_type: &'static str) -> Self {
        Self { inner, event_type: Some(event_type), key: None, shared: Arc::default() }
    }

    /// Of these, only such whose event is of a stream with this key.
    pub(crate) fn of(self, key: &'static str) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Holds every commit.
    pub(crate) fn every(inner: Arc<dyn Store>) -> Self {
        Self { inner, event_type: None, key: None, shared: Arc::default() }
    }

    /// Waits until a commit is held.
    pub(crate) async fn is_held(&self) {
        self.shared.holds.subscribe().wait_for(|holds| *holds).await.unwrap();
    }

    /// Lets everything go, also what comes later.
    pub(crate) fn release(&self) {
        self.shared.lets_go.store(true, Ordering::SeqCst);
        for held in self.held().drain(..) {
            held.verdict.send(Verdict::Taken).unwrap();
        }
    }

    /// What is held, the oldest first, but what is late behind everything else: of each commit the types of its events, or else its
    /// tables, and where the log was; and whether it is late.
    pub(crate) fn names(&self) -> Vec<(String, bool)> {
        self.held().iter().map(|held| (held.what.clone(), held.is_late)).collect()
    }

    /// Says what becomes of the first commit that is held.
    pub(crate) fn decide(&self, verdict: Verdict) {
        self.held().remove(0).verdict.send(verdict).unwrap();
    }

    /// Lets the first so many commits that are held be late.
    pub(crate) fn delay(&self, count: usize) {
        let mut held = self.held();
        held.rotate_left(count);
        for late in held.iter_mut().rev().take(count) {
            late.is_late = true;
        }
    }

    /// Lets the store be as good as gone, with everything that it holds.
    pub(crate) fn die(&self) {
        self.shared.is_dead.store(true, Ordering::SeqCst);
        self.held().clear();
    }

    fn hold(&self, commit: &Commit, verdict: oneshot::Sender<Verdict>) {
        let what = format!("{}@{}", name(commit), self.inner.head().borrow().position);
        let mut held = self.held();
        let place = held.iter().position(|held| held.is_late).unwrap_or(held.len());
        held.insert(place, Held { what, is_late: false, verdict });
    }

    fn held(&self) -> MutexGuard<'_, Vec<Held>> {
        self.shared.held.lock().unwrap()
    }

    fn check(&self) -> Result<(), ReadError> {
        if self.shared.is_dead.load(Ordering::SeqCst) { Err(ReadError::ShutDown) } else { Ok(()) }
    }

    fn is_let_go(&self, commit: &Commit) -> bool {
        let is_of_it = |event: &NewEvent| {
            self.event_type.is_none_or(|held| event.event_type.as_str() == held)
                && self.key.is_none_or(|key| event.stream.key() == key)
        };
        let concerns = self.event_type.is_none() || commit.events.iter().any(is_of_it);
        !concerns || self.shared.lets_go.load(Ordering::SeqCst)
    }
}

fn name(commit: &Commit) -> String {
    let types: Vec<_> = commit.events.iter().map(|event| event.event_type.as_str()).collect();
    let tables: Vec<_> = commit.rows.iter().map(|row| row.table.name()).collect();
    if types.is_empty() { tables.join(" ") } else { types.join(" ") }
}

#[async_trait]
impl Store for Holding {
    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        self.check().map_err(|_| CommitError::ShutDown)?;
        if self.is_let_go(&commit) {
            return self.inner.commit(commit).await;
        }
        let (verdict, decided) = oneshot::channel();
        self.hold(&commit, verdict);
        self.shared.holds.send_replace(true);
        let inner = Arc::clone(&self.inner);
        let taking = tokio::spawn(async move {
            match decided.await {
                Ok(Verdict::Taken) => inner.commit(commit).await,
                Ok(Verdict::Unanswered) => {
                    drop(inner.commit(commit).await);
                    Err(CommitError::OutcomeUnknown { reason: "nobody answered".to_owned() })
                }
                Err(_) => Err(CommitError::ShutDown),
            }
        });
        taking.await.unwrap()
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

//! A store that misbehaves when a test asks it to.

mod script;

use std::{
    future::ready,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::sync::watch;

use crate::{
    ApplyError, Commit, CommitError, Condition, Expected, Failure, Head, MemoryStore, NameKey, OpenError, OpenStore,
    Page, ReadError, ReadLog, ReadStream, Receipt, Record, RowBatch, RowIs, Scan, Store, Table, Version,
};

use script::Script;
pub use script::{CommitFault, ReadFault, Reads};

use super::fail;

/// A store in front of another one that misbehaves when a test asks it to: conflicts, somebody else's commits, delays,
/// failures and unknown outcomes at chosen commits, failures at chosen reads. Whatever the test does not say goes to the
/// other store as it is.
///
/// Cloning gives another handle on the same, so that a test keeps one and opens [`Annals`](crate::Annals) over the other.
/// With feature `testing`.
///
/// Here the answer to a commit gets lost, and the sender finds out what became of it by sending it again:
///
/// ```
/// use annals_core::{Annals, ExecuteError, testing::{CommitFault, FaultyStore}};
#[doc = include_str!("../doc/counter.txt")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = FaultyStore::default();
/// let annals = Annals::over(store.clone()).open().await?;
/// let send = || annals.on::<Counter>("visits").send(Increment { by: 2 }).idempotency_key("click-1");
///
/// store.next_commit(CommitFault::UnknownWritten);
/// assert!(matches!(send().await, Err(ExecuteError::OutcomeUnknown { .. })));
///
/// let again = send().await?;
/// assert!(again.receipt.repeated, "it was written, and is not written twice");
/// assert_eq!(again.reply, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FaultyStore {
    store: Arc<dyn Store>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    commits: Mutex<Script<CommitFault>>,
    reads: Mutex<Script<(Reads, ReadFault)>>,
    records_read: AtomicU64,
    last: Mutex<Option<Commit>>,
}

impl Default for FaultyStore {
    /// In front of a new [`MemoryStore`].
    fn default() -> Self {
        Self::over(Arc::new(MemoryStore::new()))
    }
}

impl FaultyStore {
    /// In front of `store`. No faults yet.
    #[must_use]
    pub fn over(store: Arc<dyn Store>) -> Self {
        Self { store, shared: Arc::default() }
    }

    /// The next commit that nothing was said about yet suffers `fault`: asked for twice, it is the next one and the one
    /// behind it.
    pub fn next_commit(&self, fault: CommitFault) {
        self.next_commits([fault]);
    }

    /// Each of the next commits that nothing was said about yet suffers one of `faults`.
    pub fn next_commits(&self, faults: impl IntoIterator<Item = CommitFault>) {
        lock(&self.shared.commits).next(faults);
    }

    /// Each `nth` commit from now on suffers `fault`, unless something was said about that very commit, or another one
    /// that was asked for before is due as well. Of 0, none does.
    pub fn every_commit(&self, nth: u32, fault: CommitFault) {
        lock(&self.shared.commits).every(nth, fault);
    }

    /// The next of these reads that nothing was said about yet suffers `fault`.
    pub fn next_read(&self, reads: Reads, fault: ReadFault) {
        lock(&self.shared.reads).next([(reads, fault)]);
    }

    /// Each `nth` of these reads from now on suffers `fault`, unless something was said about that very read. Of 0, none
    /// does.
    pub fn every_read(&self, reads: Reads, nth: u32, fault: ReadFault) {
        lock(&self.shared.reads).every(nth, (reads, fault));
    }

    /// Forgets every fault that is still to come.
    pub fn heal(&self) {
        *lock(&self.shared.commits) = Script::default();
        *lock(&self.shared.reads) = Script::default();
    }

    /// The latest commit that reached the store behind, whatever that store or a fault answered.
    #[must_use]
    pub fn last_commit(&self) -> Option<Commit> {
        lock(&self.shared.last).clone()
    }

    /// How many records were read since this was asked last.
    pub fn take_records_read(&self) -> u64 {
        self.shared.records_read.swap(0, Ordering::Relaxed)
    }

    /// Lets somebody else commit.
    async fn somebody_commits(&self, commit: Commit) {
        if let Err(error) = self.store.commit(commit).await {
            fail(&format!("the commit of somebody else was not written: {error}"));
        }
    }

    /// What every read of records goes through.
    fn records<'a>(
        &'a self,
        records: BoxStream<'a, Result<Record, ReadError>>,
        fault: Option<ReadFault>,
    ) -> BoxStream<'a, Result<Record, ReadError>> {
        let count = |_: &_| {
            self.shared.records_read.fetch_add(1, Ordering::Relaxed);
        };
        let records = records.inspect(count);
        match fault {
            None | Some(ReadFault::Nothing) => records.boxed(),
            Some(ReadFault::Fail(error)) => stream::iter([Err(error)]).boxed(),
            Some(ReadFault::FailBehind { records: given, error }) => {
                let given = usize::try_from(given).unwrap_or(usize::MAX);
                records.take(given).chain(stream::iter([Err(error)])).boxed()
            }
            Some(ReadFault::SomebodyBehind(commit)) => {
                let somebody = stream::once(self.somebody_commits(commit)).filter_map(|()| ready(None));
                records.chain(somebody).boxed()
            }
        }
    }

    /// What every read of rows goes through.
    async fn rows<T>(
        &self,
        rows: impl Future<Output = Result<T, ReadError>> + Send,
        fault: Option<ReadFault>,
    ) -> Result<T, ReadError> {
        match fault {
            None | Some(ReadFault::Nothing) => rows.await,
            Some(ReadFault::Fail(error) | ReadFault::FailBehind { error, .. }) => Err(error),
            Some(ReadFault::SomebodyBehind(commit)) => {
                let rows = rows.await;
                self.somebody_commits(commit).await;
                rows
            }
        }
    }

    fn next_read_of(&self, reads: Reads) -> Option<ReadFault> {
        lock(&self.shared.reads).take(|(meant, _)| meant.cover(reads)).map(|(_, fault)| fault)
    }
}

#[async_trait]
impl OpenStore for FaultyStore {
    async fn open_store(self: Box<Self>) -> Result<Arc<dyn Store>, OpenError> {
        Ok(Arc::new(*self))
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let fault = lock(&self.shared.commits).take(|_| true).unwrap_or(CommitFault::Nothing);
        let mut is_unknown = false;
        for fault in fault.in_turn() {
            match fault {
                CommitFault::Nothing | CommitFault::InTurn(_) => {}
                CommitFault::Conflict => {
                    let failures: Vec<_> = commit.conditions.iter().find_map(contradiction).into_iter().collect();
                    if !failures.is_empty() {
                        return Err(CommitError::Conflict { failures });
                    }
                }
                CommitFault::SomebodyFirst(first) => self.somebody_commits(first).await,
                CommitFault::Delay(delay) => tokio::time::sleep(delay).await,
                CommitFault::Fail(error) => return Err(error),
                CommitFault::UnknownLost => return Err(unknown()),
                CommitFault::UnknownWritten => is_unknown = true,
            }
        }
        *lock(&self.shared.last) = Some(commit.clone());
        let receipt = self.store.commit(commit).await?;
        if is_unknown { Err(unknown()) } else { Ok(receipt) }
    }

    async fn apply(&self, batch: RowBatch) -> Result<(), ApplyError> {
        self.store.apply(batch).await
    }

    fn read_stream(&self, read: ReadStream) -> BoxStream<'_, Result<Record, ReadError>> {
        self.records(self.store.read_stream(read), self.next_read_of(Reads::Streams))
    }

    fn read_log(&self, read: ReadLog) -> BoxStream<'_, Result<Record, ReadError>> {
        self.records(self.store.read_log(read), self.next_read_of(Reads::Log))
    }

    async fn get(&self, keys: &[(Table, Bytes)]) -> Result<Vec<Option<Bytes>>, ReadError> {
        self.rows(self.store.get(keys), self.next_read_of(Reads::Rows)).await
    }

    async fn scan(&self, scan: Scan) -> Result<Page, ReadError> {
        self.rows(self.store.scan(scan), self.next_read_of(Reads::Rows)).await
    }

    async fn name_key(&self, make: bool) -> Result<Option<NameKey>, ReadError> {
        self.store.name_key(make).await
    }
    fn head(&self) -> watch::Receiver<Head> {
        self.store.head()
    }

    async fn shut_down(&self) {
        self.store.shut_down().await;
    }
}

/// How `condition` may have failed, if it can.
fn contradiction(condition: &Condition) -> Option<Failure> {
    Some(match condition.clone() {
        Condition::Stream { stream, expected } => {
            let actual = match expected {
                Expected::Any => return None,
                Expected::Exists => Version::ZERO,
                Expected::Empty => Version::FIRST,
                Expected::At(version) => version.next(),
            };
            Failure::Stream { stream, expected, actual }
        }
        Condition::NoneMatch { query, after } => Failure::NoneMatch { query, after, found: after.next() },
        Condition::Row { table, key, is } => {
            let actual = (is == RowIs::Absent).then(Bytes::new);
            Failure::Row { table, key, expected: is, actual }
        }
    })
}

fn unknown() -> CommitError {
    CommitError::OutcomeUnknown { reason: "a test asked for it".to_owned() }
}

/// A panic in another holder leaves what is guarded whole: it only pushes and takes.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

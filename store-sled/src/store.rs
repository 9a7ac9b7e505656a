//! The store: the contract, on top of log, index and threads.

use annals_core::{
    ApplyError, Commit, CommitError, Condition, Head, NameKey, Page, ReadError, ReadLog, ReadStream, Receipt, Record,
    RowBatch, Scan, Store, Table, Timestamp,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use tokio::sync::{oneshot, watch};

use crate::{
    OpenError, OpenReport, SledOptions, apply,
    committer::{Committer, Delivery, Looked, LookedKey, Queue, Surroundings, queue},
    index::once::OnceKey,
    indexer::{self, Signal},
    name_key,
    open::{self, Opened},
    read::{self, log::LogRecords, matches, stream::StreamReading},
    shared::{Shared, lock},
    sync::{Arc, Mutex, thread},
};

/// The embedded store. Cloning gives another handle on the same store; it is closed when the last one is dropped, or
/// by [`shut_down`](Store::shut_down).
#[derive(Clone)]
pub struct SledStore {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    signal: Arc<Signal>,
    options: SledOptions,
    report: OpenReport,
    queue: Queue,
    committer: Mutex<Option<thread::JoinHandle<()>>>,
    closed: watch::Receiver<bool>,
    /// Held while the key of unique names is looked for or made, so that one is made at most.
    name_key: Mutex<()>,
}

impl SledStore {
    /// Opens the store, or begins one. Blocks: fast after a close, about a second per million events when the index has
    /// to be rebuilt.
    ///
    /// # Errors
    /// [`OpenError`]; the store was not changed.
    pub fn open(options: SledOptions) -> Result<Self, OpenError> {
        let opened = open::open(&options)?;
        Self::start(options, opened)
    }

    /// Starts the threads of a store whose files are open.
    pub(crate) fn start(options: SledOptions, opened: Opened) -> Result<Self, OpenError> {
        let Opened { shared, head, writer, lock, report } = opened;
        let shared = Arc::new(shared);
        let signal = Arc::new(Signal::new(options.index_batch_entries));
        // What opening has left in memory waits for the indexer like what comes later.
        signal.holds(&shared.overlay());
        let thread = |error| OpenError::io("starting a thread for", &options.path, &error);
        let indexer = indexer::start(Arc::clone(&shared), Arc::clone(&signal)).map_err(thread)?;
        let (queue, requests) = queue();
        let (closing, closed) = watch::channel(false);
        let surroundings = Surroundings {
            shared: Arc::clone(&shared),
            clock: Arc::clone(&options.clock),
            head,
            signal: Arc::clone(&signal),
            indexer,
            folder: options.path.clone(),
            folder_lock: lock,
            closed: closing,
        };
        let committer = Committer::start(surroundings, (queue.clone(), requests), writer).map_err(thread)?;
        let committer = Mutex::new(Some(committer));
        Ok(Self {
            handle: Arc::new(Handle {
                shared,
                signal,
                options,
                report,
                queue,
                committer,
                closed,
                name_key: Mutex::new(()),
            }),
        })
    }

    /// What opening found and did.
    #[must_use]
    pub fn report(&self) -> &OpenReport {
        &self.handle.report
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// Queues a commit without conditions that was recorded elsewhere, and gives where the answer will come.
    pub(crate) async fn push_recorded(
        &self,
        commit: Commit,
        recorded: Timestamp,
    ) -> Result<oneshot::Receiver<Delivery>, CommitError> {
        let once = self.look_for_key(&commit);
        self.handle.queue.push(commit, once, Vec::new(), Some(recorded)).await
    }

    /// Makes the commit's idempotency key, and looks for it in the index.
    fn look_for_key(&self, commit: &Commit) -> Option<LookedKey> {
        commit.once.as_ref().map(|once| self.handle.shared.look_for_key(OnceKey::of(&once.key)))
    }

    /// Looks at the commit's `NoneMatch` conditions as far as the log is published.
    async fn look(&self, commit: &Commit) -> Result<Vec<Looked>, ReadError> {
        let mut looked = Vec::new();
        if !commit.conditions.iter().any(|condition| matches!(condition, Condition::NoneMatch { .. })) {
            return Ok(looked);
        }
        for condition in &commit.conditions {
            let shared = Arc::clone(&self.handle.shared);
            let found = match tokio::runtime::Handle::try_current() {
                Ok(runtime) if matches::is_long(&shared, condition) => {
                    let condition = condition.clone();
                    let search = runtime.spawn_blocking(move || matches::look(&shared, &condition));
                    search.await.unwrap_or(Err(ReadError::ShutDown))
                }
                _ => matches::look(&shared, condition),
            };
            looked.push(found?);
        }
        Ok(looked)
    }
}

#[async_trait]
impl Store for SledStore {
    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        self.handle.options.limits.check(&commit)?;
        self.handle.shared.check_open().map_err(|_| CommitError::ShutDown)?;
        let looked = self.look(&commit).await?;
        let once = self.look_for_key(&commit);
        let answered = self.handle.queue.push(commit, once, looked, None).await?;
        match answered.await {
            Ok(delivery) => delivery.into_result(),
            Err(_) => Err(CommitError::OutcomeUnknown { reason: "the committer ended before it answered".into() }),
        }
    }

    async fn apply(&self, batch: RowBatch) -> Result<(), ApplyError> {
        self.handle.options.limits.check_batch(&batch.rows)?;
        self.handle.shared.check_open()?;
        apply::apply(&self.handle.shared, &self.handle.signal, batch).await
    }

    fn read_stream(&self, read: ReadStream) -> BoxStream<'_, Result<Record, ReadError>> {
        let limit = read.limit;
        match StreamReading::begin(&self.handle.shared, read) {
            Ok(Some(records)) => read::give(records, limit),
            Ok(None) => read::nothing(),
            Err(error) => read::fail(error),
        }
    }

    fn read_log(&self, read: ReadLog) -> BoxStream<'_, Result<Record, ReadError>> {
        let limit = read.limit;
        match LogRecords::begin(&self.handle.shared, read) {
            Ok(records) => read::give(records, limit),
            Err(error) => read::fail(error),
        }
    }

    async fn get(&self, keys: &[(Table, Bytes)]) -> Result<Vec<Option<Bytes>>, ReadError> {
        read::rows::get(&self.handle.shared, keys)
    }

    async fn scan(&self, scan: Scan) -> Result<Page, ReadError> {
        read::rows::scan(&self.handle.shared, scan)
    }

    async fn name_key(&self, make: bool) -> Result<Option<NameKey>, ReadError> {
        self.handle.shared.check_open()?;
        let (disk, folder) = (self.handle.options.disk(), &self.handle.options.path);
        let _alone = lock(&self.handle.name_key);
        let found = name_key::read(&disk, folder)?;
        if !make {
            return Ok(found);
        }
        // Nothing of the log rests on it yet. Who wrote a key that is there may have failed before its name was on disk, so it
        // is written again; a sync alone, the second one, would prove nothing.
        let key = found.map_or_else(NameKey::random, Ok)?;
        name_key::write(&disk, folder, &key)?;
        Ok(Some(key))
    }

    fn head(&self) -> watch::Receiver<Head> {
        self.handle.shared.head()
    }

    async fn shut_down(&self) {
        self.handle.queue.shut_down();
        let mut closed = self.handle.closed.clone();
        // An error says that the committer has ended without saying so; there is nothing left to wait for.
        let _ = closed.wait_for(|closed| *closed).await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.queue.shut_down();
        if let Some(committer) = lock(&self.committer).take() {
            // The committer catches its own panics; whatever it says, it has ended.
            let _ = committer.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use annals_core::{ConsumerName, Digest, Epoch, EventType, IdempotencyKey, NewEvent, Once, RowWrite};
    use futures::TryStreamExt;

    use super::*;

    fn commit(payload: &'static str) -> Commit {
        let event_type = EventType::new("test.happened").unwrap();
        Commit::of([NewEvent::new("s-1".parse().unwrap(), event_type, payload)])
    }

    async fn payloads(store: &SledStore) -> Vec<Bytes> {
        let records: Vec<_> = store.read_log(ReadLog::all()).try_collect().await.unwrap();
        records.into_iter().map(|record| record.payload_bytes()).collect()
    }

    /// P9: while the index cannot be written, the tail in memory grows to its bound and commits wait; nothing is lost.
    #[tokio::test]
    async fn the_unindexed_tail_is_bounded() {
        const COMMITS: u64 = 200;
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(SledOptions::new(folder.path()).index_batch_entries(5)).unwrap();
        store.commit(commit("first")).await.unwrap();
        let shared = Arc::clone(&store.handle.shared);
        // A read that lasts: nothing newer than what it sees may be written to sled.
        let pin = shared.pins.pin(shared.overlay().active.tick);
        let writing = store.clone();
        let mut writer = tokio::spawn(async move {
            for _ in 0..COMMITS {
                writing.commit(commit("more")).await.unwrap();
            }
        });
        let tail = || shared.overlay().active.entries;
        let mut head = store.head();
        while tail() < 10 {
            let grown = tokio::time::timeout(Duration::from_secs(30), head.changed()).await;
            grown.expect("the tail grows to its bound").unwrap();
        }
        let waits = tokio::time::timeout(Duration::from_millis(300), &mut writer).await;
        assert!(waits.is_err(), "commits wait for the index");
        assert!(tail() < 30, "{} entries in the tail", tail());
        drop(pin);
        writer.await.unwrap();
        assert_eq!(payloads(&store).await.len() as u64, COMMITS + 1);
    }

    /// P5: a key that was not there when its commit was about to be queued is found though it has moved from the tail to the
    /// index meanwhile.
    #[tokio::test]
    async fn a_key_that_moves_to_the_index_meanwhile_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(SledOptions::new(folder.path()).index_batch_entries(1)).unwrap();
        let shared = &store.handle.shared;
        let key = IdempotencyKey::new("key").unwrap();
        let once = Once { key, digest: Digest::of(&[b"request"]), answer: "first".into() };
        let looked = store.look_for_key(&commit("first").once(once.clone()));
        assert!(looked.as_ref().is_some_and(|looked| looked.absent_at.is_some()));
        store.commit(commit("first").once(once.clone())).await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while shared.overlay().once_row(&looked.as_ref().unwrap().key).is_some() {
            assert!(Instant::now() < deadline, "the tail is not written");
            tokio::task::yield_now().await;
        }
        let again = commit("again").once(Once { answer: "another".into(), ..once });
        let answered = store.handle.queue.push(again, looked, Vec::new(), None).await.unwrap();
        let receipt = answered.await.unwrap().into_result().unwrap();
        assert_eq!((receipt.repeated, &*receipt.answer), (true, &b"first"[..]));
        assert_eq!(payloads(&store).await, ["first"]);
    }

    /// T10: whoever is not polled any more keeps nobody from an answer, though it may be the one that tells the others.
    #[tokio::test]
    async fn answers_come_whoever_else_is_polled() {
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(SledOptions::new(folder.path())).unwrap();
        let mut waiting: Vec<_> = (0..64).map(|_| store.commit(commit("one of many"))).collect();
        for one in &mut waiting {
            assert!(futures::poll!(one).is_pending());
        }
        for one in waiting {
            let answered = tokio::time::timeout(Duration::from_secs(30), one).await;
            answered.expect("it is answered").unwrap();
        }
        assert_eq!(payloads(&store).await.len(), 64);
    }

    /// Otherwise whoever follows the log would read all of the last segment, up to 32 MiB, at the first event behind what was read by
    /// the index.
    #[tokio::test]
    async fn a_scan_of_the_end_begins_near_it_although_nobody_has_scanned_what_is_before() {
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(SledOptions::new(folder.path())).unwrap();
        for _ in 0..50 {
            let event_type = EventType::new("test.happened").unwrap();
            let event = NewEvent::new("s-1".parse().unwrap(), event_type, vec![0; 20_000]);
            store.commit(Commit::of([event])).await.unwrap();
            let last = store.head().borrow().position;
            let log = &store.handle.shared.log;
            let bytes = store.handle.shared.overlay().active.through.standing.offset - log.offset_before(last);
            assert!(bytes < 100_000, "{bytes} bytes are read for the event at {last}");
        }
    }

    /// P11, F21: an epoch ends only when the batch that it let in is written.
    #[tokio::test]
    #[expect(clippy::await_holding_lock, reason = "only the committer's thread waits for this lock")]
    async fn a_higher_epoch_waits_for_the_running_batch() {
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(SledOptions::new(folder.path())).unwrap();
        let epoch = Epoch { consumer: ConsumerName::new("balances").unwrap(), number: 2 };
        let (table, key) = epoch.row();
        let fence = store.handle.shared.fences.of(&key);
        let writing = store.clone();
        let raise = Commit::new().row(RowWrite::put(table, key, epoch.to_row()));
        let mut raising = {
            // What `apply` holds while it checks the epoch and writes the batch.
            let _running = lock(&fence);
            let mut raising = tokio::spawn(async move { writing.commit(raise).await });
            let waits = tokio::time::timeout(Duration::from_millis(300), &mut raising).await;
            assert!(waits.is_err(), "the take-over waits");
            raising
        };
        tokio::time::timeout(Duration::from_secs(30), &mut raising).await.unwrap().unwrap().unwrap();
    }
}

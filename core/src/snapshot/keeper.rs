//! Takes snapshots in the background, and finds them again.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};

use crate::{
    Aggregate, ReadError, RowBatch, SnapshotCounts, SnapshotError, SnapshotPolicy, Snapshots, Store, StreamId, Version,
    codec::EncodeError, load::Held,
};

use super::{Kept, SnapshotRow};

/// How many snapshots may be under way; each holds its state in memory.
const UNDER_WAY_MAX: usize = 256;

/// The snapshots of one open store.
pub(crate) struct Keeper {
    work: mpsc::Sender<Work>,
    desk: Arc<Desk>,
}

/// What the keeper and its task share.
#[derive(Default)]
struct Desk {
    taken: AtomicU64,
    used: AtomicU64,
    unusable: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
    /// The snapshots under way, so that nobody asks for one again before it can be found.
    under_way: Mutex<HashMap<StreamId, Version>>,
}

enum Work {
    Take { stream: StreamId, version: Version, encode: Box<dyn FnOnce() -> Result<RowBatch, EncodeError> + Send> },
    Settle(oneshot::Sender<()>),
}

/// What was found when a snapshot was looked for.
pub(crate) enum Found<A> {
    Nothing,
    Unusable,
    State(Kept<A>),
}

impl Keeper {
    /// Its task ends when the keeper is dropped and everything under way is done.
    pub(crate) fn start(store: Arc<dyn Store>, runtime: &Handle) -> Self {
        let (work, inbox) = mpsc::channel(UNDER_WAY_MAX);
        let desk = Arc::new(Desk::default());
        runtime.spawn(run(store, inbox, Arc::clone(&desk)));
        Self { work, desk }
    }

    pub(crate) async fn find<A: Aggregate>(
        &self,
        store: &Arc<dyn Store>,
        stream: &StreamId,
    ) -> Result<Found<A>, ReadError> {
        let Some(snapshots) = A::snapshots() else { return Ok(Found::Nothing) };
        let rows = store.get(&[SnapshotRow::key(stream)]).await?;
        let Some(row) = rows.into_iter().flatten().next() else { return Ok(Found::Nothing) };
        Ok(match SnapshotRow::of(stream).read(&snapshots, &row) {
            Some(kept) => Found::State(kept),
            None => {
                self.count_unusable();
                Found::Unusable
            }
        })
    }

    /// Decides whether a snapshot of `held` is due, and notes it in `held` as taken.
    pub(crate) fn reserve<A: Aggregate>(&self, held: &mut Arc<Held<A>>) -> Option<Snapshots<A>> {
        let snapshots = A::snapshots()?;
        if held.version.is_zero() {
            return None;
        }
        let mut under_way = self.desk.under_way();
        let latest = under_way.get(&held.stream).copied().unwrap_or_default().max(held.snapshot);
        let since = held.version.get().saturating_sub(latest.get());
        let due = match snapshots.policy {
            _ if held.replaces => since > 0,
            SnapshotPolicy::Every(count) => since >= count.get(),
            SnapshotPolicy::Explicit => false,
        };
        if held.snapshot != latest {
            Arc::make_mut(held).snapshot = latest;
        }
        if !due {
            return None;
        }
        if self.work.capacity() == 0 {
            Desk::add(&self.desk.dropped);
            return None;
        }
        under_way.insert(held.stream.clone(), held.version);
        Arc::make_mut(held).note_snapshot();
        Some(snapshots)
    }

    /// Hands the snapshot of `held` to the task, without waiting.
    pub(crate) fn take<A: Aggregate>(&self, snapshots: Snapshots<A>, held: Arc<Held<A>>) {
        let (stream, version) = (held.stream.clone(), held.version);
        let encode = Box::new(move || SnapshotRow::of(&held.stream).write(&snapshots, &held.state, held.version));
        if let Err(refused) = self.work.try_send(Work::Take { stream: stream.clone(), version, encode }) {
            drop(refused);
            self.desk.done(&stream, version);
            Desk::add(&self.desk.dropped);
        }
    }

    /// Takes the snapshot of `held` now.
    pub(crate) async fn take_now<A: Aggregate>(
        &self,
        store: &Arc<dyn Store>,
        held: &Held<A>,
    ) -> Result<(), SnapshotError> {
        let snapshots = A::snapshots().ok_or(SnapshotError::NotKept { aggregate: A::NAME })?;
        let batch = SnapshotRow::of(&held.stream).write(&snapshots, &held.state, held.version)?;
        store.apply(batch).await?;
        Desk::add(&self.desk.taken);
        Ok(())
    }

    /// Waits for everything under way.
    pub(crate) async fn settle(&self) {
        let (done, settled) = oneshot::channel();
        // Without its task (the runtime is gone) there is nothing under way.
        if self.work.send(Work::Settle(done)).await.is_ok() {
            let _ = settled.await;
        }
    }

    pub(crate) fn count_used(&self) {
        Desk::add(&self.desk.used);
    }

    pub(crate) fn count_unusable(&self) {
        Desk::add(&self.desk.unusable);
    }

    pub(crate) fn counts(&self) -> SnapshotCounts {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        SnapshotCounts {
            taken: get(&self.desk.taken),
            used: get(&self.desk.used),
            unusable: get(&self.desk.unusable),
            dropped: get(&self.desk.dropped),
            failed: get(&self.desk.failed),
        }
    }
}

impl Desk {
    fn add(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, HashMap<StreamId, Version>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn done(&self, stream: &StreamId, version: Version) {
        let mut under_way = self.under_way();
        if under_way.get(stream) == Some(&version) {
            under_way.remove(stream);
        }
    }
}

async fn run(store: Arc<dyn Store>, mut inbox: mpsc::Receiver<Work>, desk: Arc<Desk>) {
    while let Some(work) = inbox.recv().await {
        match work {
            Work::Settle(done) => drop(done.send(())),
            Work::Take { stream, version, encode } => {
                match write(&store, encode).await {
                    Ok(()) => Desk::add(&desk.taken),
                    Err(error) => {
                        tracing::warn!(%stream, %version, %error, "a snapshot was not taken");
                        Desk::add(&desk.failed);
                    }
                }
                desk.done(&stream, version);
            }
        }
    }
}

async fn write(
    store: &Arc<dyn Store>,
    encode: Box<dyn FnOnce() -> Result<RowBatch, EncodeError> + Send>,
) -> Result<(), SnapshotError> {
    Ok(store.apply(encode()?).await?)
}

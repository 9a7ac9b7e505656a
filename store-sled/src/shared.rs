//! What readers, the committer and the indexer share.

use std::collections::{BTreeMap, HashMap};

use annals_core::{EventQuery, Head, LoggedTable, ReadError, StreamId, Table, Version};
use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    committer::LookedKey,
    index::{Index, is_once, keys, kinds::LastMatch, once::OnceKey},
    log::{Log, cache::EventCache},
    overlay::{Overlay, Part, Progress},
    read::ahead::Threads,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// What readers, the committer and the indexer share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) log: Arc<Log>,
    /// The unindexed tail. What its newest part covers is what is published: readers look no further.
    overlay: RwLock<Overlay>,
    /// How many of its parts have gone over to the index: what was read from there before may lack what is no longer here.
    /// It changes while the overlay is locked. Who sends a command with a key reads it without waiting for that lock.
    moved: AtomicU64,
    /// Its sender is the committer's, and gone when the store is shut down, which wakes whoever waits for a commit.
    head: watch::Receiver<Head>,
    /// Gone once the store is shut down.
    index: RwLock<Option<Arc<Index>>>,
    /// Locked while a batch of derived rows is checked and put into the overlay: they go one after the other, because a
    /// batch rests on what those before it left. Inside, why no more are taken.
    pub(crate) batches: Mutex<Option<ReadError>>,
    pub(crate) pins: Pins,
    pub(crate) fences: Fences,
    pub(crate) read_ahead: Threads,
    pub(crate) event_cache: Arc<EventCache>,
    /// Why the store takes no more writes.
    read_only: Mutex<Option<String>>,
    pub(crate) is_shut_down: AtomicBool,
}

impl Shared {
    /// What is shared, and the committer's end of the head.
    pub(crate) fn new(
        log: Arc<Log>,
        index: Index,
        tail: Part,
        event_cache_bytes: usize,
    ) -> (Self, watch::Sender<Head>) {
        let (sender, head) = watch::channel(head_of(&tail.through));
        let shared = Self {
            log,
            overlay: RwLock::new(Overlay::new(tail)),
            moved: AtomicU64::new(0),
            head,
            index: RwLock::new(Some(Arc::new(index))),
            batches: Mutex::new(None),
            pins: Pins::default(),
            fences: Fences::default(),
            read_ahead: Threads::default(),
            event_cache: Arc::new(EventCache::new(event_cache_bytes)),
            read_only: Mutex::new(None),
            is_shut_down: AtomicBool::new(false),
        };
        (shared, sender)
    }

    pub(crate) fn head(&self) -> watch::Receiver<Head> {
        let mut head = self.head.clone();
        drop(head.borrow_and_update());
        head
    }

    pub(crate) fn overlay(&self) -> RwLockReadGuard<'_, Overlay> {
        self.overlay.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn overlay_mut(&self) -> RwLockWriteGuard<'_, Overlay> {
        self.overlay.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the part of the tail that the indexer has written.
    pub(crate) fn drop_frozen(&self) {
        let mut overlay = self.overlay_mut();
        overlay.frozen = None;
        self.moved.fetch_add(1, Ordering::Release);
    }

    /// How many parts of the tail have gone over to the index.
    pub(crate) fn moved(&self) -> u64 {
        self.moved.load(Ordering::Acquire)
    }

    /// The index, for as long as the store is open.
    pub(crate) fn index(&self) -> Result<Arc<Index>, ReadError> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(ReadError::ShutDown)
    }

    pub(crate) fn take_index(&self) -> Option<Arc<Index>> {
        self.index.write().unwrap_or_else(PoisonError::into_inner).take()
    }

    #[cfg(test)]
    pub(crate) fn put_index(&self, index: Option<Arc<Index>>) {
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = index;
    }

    /// Up to where everything is published.
    pub(crate) fn published(&self) -> Progress {
        self.overlay().active.through
    }

    pub(crate) fn check_open(&self) -> Result<(), ReadError> {
        if self.is_shut_down.load(Ordering::Acquire) { Err(ReadError::ShutDown) } else { Ok(()) }
    }

    pub(crate) fn read_only(&self) -> Option<String> {
        self.read_only.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes no more writes from now on; the first reason stays.
    pub(crate) fn set_read_only(&self, reason: &str) {
        tracing::error!(reason, "the store takes no more writes");
        self.read_only.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| reason.to_owned());
    }

    /// Takes no more batches of derived rows from now on; the first reason stays.
    pub(crate) fn end_batches(&self, reason: ReadError) {
        lock(&self.batches).get_or_insert(reason);
    }

    pub(crate) fn version(&self, stream: &StreamId) -> Result<Version, ReadError> {
        if let Some(version) = self.overlay().version(stream) {
            return Ok(version);
        }
        self.index()?.version(stream.as_str())
    }

    /// Where the last published record is that matches `query`, going by its kinds alone; `None` when that cannot be
    /// said. The tail is asked first, so that nothing is missed that moves from there to the index meanwhile.
    pub(crate) fn last_match(&self, query: &EventQuery) -> Result<Option<LastMatch>, ReadError> {
        let Some(tail) = self.overlay().last_match(query) else { return Ok(None) };
        Ok(self.index()?.last_match(query).map(|indexed| indexed.or(tail)))
    }

    /// A row of a logged table. The tail is asked first, so that nothing is missed that moves from there to the index
    /// meanwhile.
    pub(crate) fn logged_row(&self, table: &LoggedTable, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        if is_once(table) {
            return self.once_row(&OnceKey::of_row(table, key));
        }
        if let Some(row) = self.overlay().logged_row(table, key) {
            return Ok(row);
        }
        self.index()?.row(&table.clone().into(), key)
    }

    /// Looks for an idempotency key in the index, so that whoever asks for its row with [`once_row_since`](Self::once_row_since)
    /// need not.
    pub(crate) fn look_for_key(&self, key: OnceKey) -> LookedKey {
        // Before it is looked for: what goes over to the index meanwhile counts as moved behind that.
        let moved = self.moved();
        let is_absent = self.index().and_then(|index| index.once(&key)).is_ok_and(|found| found.is_none());
        LookedKey { key, absent_at: is_absent.then_some(moved) }
    }

    /// The row of an idempotency key.
    pub(crate) fn once_row(&self, key: &OnceKey) -> Result<Option<Bytes>, ReadError> {
        self.once_row_since(key, None)
    }

    /// The same of a key that was not in the index when `absent_at` parts had gone over to it.
    pub(crate) fn once_row_since(&self, key: &OnceKey, absent_at: Option<u64>) -> Result<Option<Bytes>, ReadError> {
        let (in_tail, moved) = {
            let overlay = self.overlay();
            (overlay.once_row(key), self.moved())
        };
        let found = match in_tail {
            Some(row) => row,
            None if absent_at == Some(moved) => None,
            None => self.index()?.once(key)?,
        };
        found.map(|found| self.log.repetition(key.as_bytes(), &found)).transpose()
    }

    pub(crate) fn row(&self, table: &Table, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        if let Table::Logged(table) = table {
            return self.logged_row(table, key);
        }
        if let Some(row) = self.overlay().row(table, key) {
            return Ok(row);
        }
        self.index()?.row(table, key)
    }

    /// The value of a row from what tail and index have of it: that of a row of `$once` is in the log.
    pub(crate) fn value(&self, table: &Table, key: &[u8], found: Bytes) -> Result<Bytes, ReadError> {
        match table {
            Table::Logged(table) if is_once(table) => self.log.repetition(&keys::logged_row(table, key), &found),
            _ => Ok(found),
        }
    }
}

pub(crate) fn head_of(progress: &Progress) -> Head {
    Head { commit: progress.standing.commit, position: progress.standing.position }
}

/// Reads under way that look at sled as of some tick of the overlay.
///
/// Invariant: the indexer writes to sled nothing newer than the oldest pin, so what a reader took from the overlay and
/// what it then reads from sled are of one moment.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    held: Mutex<BTreeMap<u64, usize>>,
    released: Condvar,
}

/// A read that looks at sled as of a tick, for the time of one page.
pub(crate) struct Pin<'a> {
    pins: &'a Pins,
    tick: u64,
}

impl Pins {
    pub(crate) fn pin(&self, tick: u64) -> Pin<'_> {
        *lock(&self.held).entry(tick).or_default() += 1;
        Pin { pins: self, tick }
    }

    /// Waits until no reader looks at sled as of a tick before `tick`.
    pub(crate) fn wait_for(&self, tick: u64) {
        let held = lock(&self.held);
        let older = |held: &mut BTreeMap<u64, usize>| held.keys().next().is_some_and(|pin| *pin < tick);
        drop(self.released.wait_while(held, older).unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        let mut held = lock(&self.pins.held);
        if let Some(count) = held.get_mut(&self.tick) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.tick);
                self.pins.released.notify_all();
            }
        }
    }
}

/// One lock a consumer: held while a batch of its derived rows is checked and written, and while a commit that changes
/// its epoch is published. So a batch that was let in by an epoch is written before that epoch ends.
#[derive(Debug, Default)]
pub(crate) struct Fences {
    consumers: Mutex<HashMap<Bytes, Arc<Mutex<()>>>>,
}

impl Fences {
    /// The fence of the consumer whose epoch is kept under `key`.
    pub(crate) fn of(&self, key: &Bytes) -> Arc<Mutex<()>> {
        Arc::clone(lock(&self.consumers).entry(key.clone()).or_default())
    }
}

/// Locks, whatever became of the holders before: nothing that panics leaves the guarded value half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

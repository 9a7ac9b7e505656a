//! The thread that feeds the index behind the committer's back, in large batches.

use std::time::Duration;

use annals_core::ReadError;
use tokio::sync::{Notify, futures::Notified};

use crate::{
    overlay::{Overlay, Part},
    shared::{Shared, lock},
    sync::{Arc, Condvar, Mutex, PoisonError, thread},
};

/// The tail is written to sled when it has the configured number of entries, or rows of so many bytes, or this long
/// after its first.
const BATCH_BYTES: usize = 32 << 20;
const BATCH_TIME: Duration = Duration::from_secs(2);

/// Commits wait while the tail is larger than so many batches, so that memory stays bounded.
const BACKLOG_BATCHES: usize = 2;

/// How the committer and who applies batches of derived rows talk with the indexer.
#[derive(Debug)]
pub(crate) struct Signal {
    batch_entries: usize,
    state: Mutex<State>,
    changed: Condvar,
    /// Tells tasks what `changed` tells threads: the tail is shorter.
    shortened: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// There is a tail to write.
    work: bool,
    /// It is large enough to be written at once.
    full: bool,
    stop: bool,
    /// The indexer has ended: nothing will shorten the tail any more.
    ended: bool,
}

impl Signal {
    pub(crate) fn new(batch_entries: usize) -> Self {
        let (state, changed, shortened) = (Mutex::default(), Condvar::new(), Notify::new());
        Self { batch_entries: batch_entries.max(1), state, changed, shortened }
    }

    /// Says that the tail has grown to this size, and waits while it is too large.
    pub(crate) fn grown(&self, shared: &Shared, entries: usize, bytes: usize) {
        self.has_grown(entries, bytes);
        if !self.is_backlog(entries, bytes) {
            return;
        }
        let too_large = |state: &mut State| {
            let overlay = shared.overlay();
            !state.ended && self.is_backlog(overlay.active.entries, overlay.active.bytes)
        };
        drop(self.changed.wait_while(lock(&self.state), too_large).unwrap_or_else(PoisonError::into_inner));
    }

    /// Says what is in memory when the store is opened.
    pub(crate) fn holds(&self, overlay: &Overlay) {
        if !overlay.active.is_empty() {
            self.has_grown(overlay.active.entries, overlay.active.bytes);
        }
    }

    /// Says that the tail has grown to this size.
    pub(crate) fn has_grown(&self, entries: usize, bytes: usize) {
        let full = self.is_batch(entries, bytes);
        let mut state = lock(&self.state);
        if !state.work || (full && !state.full) {
            state.work = true;
            state.full |= full;
            self.changed.notify_all();
        }
    }

    /// Whether no derived rows may be added before the indexer takes what is there. Their bound is lower than that of
    /// commits, which wait only at several batches: what is computed again and again gives way to what is new.
    pub(crate) fn is_full(&self, overlay: &Overlay) -> bool {
        self.is_batch(overlay.active.entries, overlay.active.bytes)
    }

    fn is_batch(&self, entries: usize, bytes: usize) -> bool {
        entries >= self.batch_entries || bytes >= BATCH_BYTES
    }

    fn is_backlog(&self, entries: usize, bytes: usize) -> bool {
        self.is_batch(entries / BACKLOG_BATCHES, bytes / BACKLOG_BATCHES)
    }

    /// Is ready when the tail is shorter than at this call, or the indexer has ended.
    pub(crate) fn shortened(&self) -> Notified<'_> {
        self.shortened.notified()
    }

    /// Lets the indexer write the rest of the tail and end.
    pub(crate) fn stop(&self) {
        lock(&self.state).stop = true;
        self.changed.notify_all();
    }

    /// Waits for a batch; true when it is to be the last.
    fn wait(&self) -> bool {
        let state = lock(&self.state);
        let state =
            self.changed.wait_while(state, |state| !state.work && !state.stop).unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, BATCH_TIME, |state| !state.full && !state.stop)
            .unwrap_or_else(PoisonError::into_inner);
        state.work = false;
        state.full = false;
        state.stop
    }

    /// The tail is shorter, or will never be.
    fn tell(&self, ended: bool) {
        lock(&self.state).ended |= ended;
        self.changed.notify_all();
        self.shortened.notify_waiters();
    }
}

/// Starts the thread.
pub(crate) fn start(shared: Arc<Shared>, signal: Arc<Signal>) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name("annals-indexer".into()).spawn(move || {
        let mut spare = None;
        loop {
            let last = signal.wait();
            if last {
                shared.end_batches(ReadError::ShutDown);
            }
            let healthy = write_tail(&shared, &signal, &mut spare);
            let ended = last || !healthy;
            signal.tell(ended);
            if ended {
                return;
            }
        }
    })
}

/// Moves the tail into sled. False when sled failed: the tail then stays in memory, and the store read-only.
///
/// `spare` is the part before, without what it held: while batches are full, two parts take turns. Maps that are made and
/// freed again and again leave the allocator with several times the memory that is in use. Where little comes, none is kept.
fn write_tail(shared: &Shared, signal: &Signal, spare: &mut Option<Part>) -> bool {
    let Some(part) = freeze(shared, signal, spare.take()) else { return true };
    // What grows from now on is a part of its own.
    signal.tell(false);
    shared.pins.wait_for(part.tick);
    let written = shared.index().and_then(|index| index.take_in(&part, shared.log.id));
    match written {
        Ok(()) => {
            shared.drop_frozen();
            *spare = Arc::into_inner(part).filter(|part| signal.is_batch(part.entries, part.bytes)).map(Part::emptied);
            true
        }
        Err(error) => {
            shared.set_read_only(&format!("{error}; the log is intact, the index is rebuilt at the next open"));
            shared.end_batches(error);
            false
        }
    }
}

fn freeze(shared: &Shared, signal: &Signal, spare: Option<Part>) -> Option<Arc<Part>> {
    let mut overlay = shared.overlay_mut();
    if overlay.active.is_empty() {
        return None;
    }
    let next = overlay.active.following(spare.filter(|_| signal.is_full(&overlay)));
    let part = Arc::new(std::mem::replace(&mut overlay.active, next));
    overlay.frozen = Some(Arc::clone(&part));
    Some(part)
}

//! The thread that feeds the index behind the committer's back, in large batches.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::Duration,
};

use crate::{
    overlay::Part,
    shared::{Shared, lock},
};

/// The tail is written to sled when it has so many entries, or this long after its first.
pub(crate) const BATCH_ENTRIES: usize = 60_000;
const BATCH_BYTES: usize = 32 << 20;
const BATCH_TIME: Duration = Duration::from_millis(500);

/// The committer waits while the tail is larger than this, so that memory stays bounded.
const BACKLOG_ENTRIES: usize = 4 * BATCH_ENTRIES;
const BACKLOG_BYTES: usize = 4 * BATCH_BYTES;

/// How the committer and the indexer talk.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    state: Mutex<State>,
    changed: Condvar,
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
    /// Says that the tail has grown to this size, and waits while it is too large.
    pub(crate) fn grown(&self, shared: &Shared, entries: usize, bytes: usize) {
        let mut state = lock(&self.state);
        let full = entries >= BATCH_ENTRIES || bytes >= BATCH_BYTES;
        if !state.work || (full && !state.full) {
            state.work = true;
            state.full |= full;
            self.changed.notify_all();
        }
        if entries < BACKLOG_ENTRIES && bytes < BACKLOG_BYTES {
            return;
        }
        let too_large = |state: &mut State| {
            let overlay = shared.overlay();
            !state.ended && (overlay.active.entries >= BACKLOG_ENTRIES || overlay.active.bytes >= BACKLOG_BYTES)
        };
        drop(self.changed.wait_while(state, too_large).unwrap_or_else(PoisonError::into_inner));
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

    fn batch_done(&self, ended: bool) {
        lock(&self.state).ended |= ended;
        self.changed.notify_all();
    }
}

/// Starts the thread.
pub(crate) fn start(shared: Arc<Shared>, signal: Arc<Signal>) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name("annals-indexer".into()).spawn(move || {
        loop {
            let last = signal.wait();
            let healthy = write_tail(&shared);
            let ended = last || !healthy;
            signal.batch_done(ended);
            if ended {
                return;
            }
        }
    })
}

/// Moves the tail into sled. False when sled failed: the tail then stays in memory, and the store read-only.
fn write_tail(shared: &Shared) -> bool {
    let Some(part) = freeze(shared) else { return true };
    shared.pins.wait_for(part.through.standing.commit);
    let written = shared.index().and_then(|index| index.take_in(&part, shared.log.id));
    match written {
        Ok(()) => {
            shared.overlay_mut().frozen = None;
            true
        }
        Err(error) => {
            shared.set_read_only(&format!("{error}; the log is intact, the index is rebuilt at the next open"));
            false
        }
    }
}

fn freeze(shared: &Shared) -> Option<Arc<Part>> {
    let mut overlay = shared.overlay_mut();
    if overlay.active.is_empty() {
        return None;
    }
    let next = Part::new(overlay.active.through);
    let part = Arc::new(std::mem::replace(&mut overlay.active, next));
    overlay.frozen = Some(Arc::clone(&part));
    Some(part)
}

//! The way to the committer: bounded for commits, always open for what the store tells itself.

use std::{sync::Arc, time::Duration};

use annals_core::{Commit, CommitError, Timestamp};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{
    answers::Delivery,
    ledger::{Looked, LookedKey},
    waiter::Waiter,
    writing::Written,
};

/// What the committer is told.
#[allow(clippy::large_enum_variant, reason = "nearly all are commits; a box would cost each of them an allocation")]
pub(crate) enum Request {
    Commit(CommitRequest),
    /// A group was written, or not.
    Written(Box<Written>),
    ShutDown,
}

/// A commit in the queue.
pub(crate) struct CommitRequest {
    pub(crate) commit: Commit,
    pub(crate) once: Option<LookedKey>,
    /// What was found for each `NoneMatch` condition before the commit was queued.
    pub(crate) looked: Vec<Looked>,
    /// When it was recorded, if that is not now.
    pub(crate) recorded: Option<Timestamp>,
    pub(crate) answer: oneshot::Sender<Delivery>,
    /// What it takes of the queue.
    pub(crate) permits: u32,
}

/// The queue holds commits of so many KiB, a small commit counting [`COMMIT_PERMITS`]. The rest waits outside.
const QUEUE_PERMITS: u32 = if cfg!(schedules) { 3 * COMMIT_PERMITS } else { 32 << 10 };
const COMMIT_PERMITS: u32 = 8;

/// The sending end.
#[derive(Clone)]
pub(crate) struct Queue {
    requests: mpsc::UnboundedSender<Request>,
    permits: Arc<Semaphore>,
}

/// The committer's end.
pub(crate) struct Requests {
    pub(crate) receiver: mpsc::UnboundedReceiver<Request>,
    permits: Arc<Semaphore>,
    waiter: Waiter,
}

pub(crate) fn queue() -> (Queue, Requests) {
    let (requests, receiver) = mpsc::unbounded_channel();
    let permits = Arc::new(Semaphore::new(QUEUE_PERMITS as usize));
    (Queue { requests, permits: Arc::clone(&permits) }, Requests { receiver, permits, waiter: Waiter::default() })
}

impl Queue {
    /// Waits for room in the queue, and gives where the answer will come. Dropped before that, it has done nothing.
    pub(crate) async fn push(
        &self,
        commit: Commit,
        once: Option<LookedKey>,
        looked: Vec<Looked>,
        recorded: Option<Timestamp>,
    ) -> Result<oneshot::Receiver<Delivery>, CommitError> {
        let permits = permits_of(&commit);
        let permit = match self.permits.try_acquire_many(permits) {
            Ok(permit) => permit,
            Err(_) => self.permits.acquire_many(permits).await.map_err(|_| CommitError::ShutDown)?,
        };
        let (answer, answered) = oneshot::channel();
        let request = CommitRequest { commit, once, looked, recorded, answer, permits };
        self.requests.send(Request::Commit(request)).map_err(|_| CommitError::ShutDown)?;
        // The committer gives it back.
        permit.forget();
        Ok(answered)
    }

    /// Lets the committer end once it has answered what is in the queue.
    pub(crate) fn shut_down(&self) {
        self.permits.close();
        // An error says that it has ended already.
        let _ = self.requests.send(Request::ShutDown);
    }

    pub(super) fn written(&self, written: Written) {
        let _ = self.requests.send(Request::Written(Box::new(written)));
    }
}

impl Requests {
    /// Waits for a request, or until so much time has passed. `None` says that none came, or that none can come.
    pub(crate) fn wait(&mut self, patience: Option<Duration>) -> Option<Request> {
        match patience {
            None => self.receiver.blocking_recv(),
            Some(patience) => self.waiter.wait(&mut self.receiver, patience),
        }
    }

    /// Makes room for others.
    pub(crate) fn release(&self, permits: usize) {
        self.permits.add_permits(permits);
    }
}

fn permits_of(commit: &Commit) -> u32 {
    let events = commit.events.iter().map(|event| event.payload.len());
    let rows = commit.rows.iter().map(|row| row.key.len() + row.value.as_ref().map_or(0, bytes::Bytes::len));
    let kibibytes = events.chain(rows).sum::<usize>() >> 10;
    u32::try_from(kibibytes).unwrap_or(QUEUE_PERMITS).saturating_add(COMMIT_PERMITS).min(QUEUE_PERMITS)
}

//! The way to the committer: bounded for commits, always open for what the store tells itself.

use std::{
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use annals_core::{Commit, CommitError};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{answers::Delivery, ledger::Looked, writing::Written};
use crate::sync::thread::{self, Thread};

/// What the committer is told.
pub(crate) enum Request {
    Commit(CommitRequest),
    /// A group was written, or not.
    Written(Box<Written>),
    ShutDown,
}

/// A commit in the queue.
pub(crate) struct CommitRequest {
    pub(crate) commit: Commit,
    /// What was found for each `NoneMatch` condition before the commit was queued.
    pub(crate) looked: Vec<Looked>,
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
    /// Of the thread that waits, which is always the same.
    waker: Option<Waker>,
}

pub(crate) fn queue() -> (Queue, Requests) {
    let (requests, receiver) = mpsc::unbounded_channel();
    let permits = Arc::new(Semaphore::new(QUEUE_PERMITS as usize));
    (Queue { requests, permits: Arc::clone(&permits) }, Requests { receiver, permits, waker: None })
}

impl Queue {
    /// Waits for room in the queue, and gives where the answer will come. Dropped before that, it has done nothing.
    pub(crate) async fn push(
        &self,
        commit: Commit,
        looked: Vec<Looked>,
    ) -> Result<oneshot::Receiver<Delivery>, CommitError> {
        let permits = permits_of(&commit);
        let permit = match self.permits.try_acquire_many(permits) {
            Ok(permit) => permit,
            Err(_) => self.permits.acquire_many(permits).await.map_err(|_| CommitError::ShutDown)?,
        };
        let (answer, answered) = oneshot::channel();
        let request = CommitRequest { commit, looked, answer, permits };
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

/// Wakes the committer's thread.
struct Sleeper(Thread);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

impl Requests {
    /// Waits for a request, or until so much time has passed. `None` says that none came, or that none can come.
    pub(crate) fn wait(&mut self, patience: Option<Duration>) -> Option<Request> {
        let until = patience.map(|patience| Instant::now() + patience);
        let waker = self.waker.get_or_insert_with(|| Arc::new(Sleeper(thread::current())).into());
        loop {
            if let Poll::Ready(request) = self.receiver.poll_recv(&mut Context::from_waker(waker)) {
                return request;
            }
            match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(Duration::ZERO) => return None,
                Some(rest) => thread::park_timeout(rest),
            }
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

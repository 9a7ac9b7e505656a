//! Reading ahead on a thread of its own, so that a long scan or stream is read while what came before is worked on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc as handover,
    },
    task::{Context, Poll},
    thread,
};

use annals_core::ReadError;
use tokio::sync::mpsc;

use super::Batch;

/// So many threads read ahead at once in one store; further scans are read by those who ask.
const THREADS_MAX: usize = 4;

/// So many batches wait for whoever reads.
const BATCHES_AHEAD: usize = 4;

/// Batches have up to so many records: enough that handing them over costs little, few enough that the allocator keeps
/// their memory instead of getting it from the system each time.
const BATCH_RECORDS: usize = 384;

/// How many threads of a store read ahead.
pub(crate) type Threads = Arc<AtomicUsize>;

/// A read that a thread of its own can go on with.
pub(crate) trait LongRead: Send + 'static {
    /// Prepares for reading ahead of whoever takes the batches.
    fn go_ahead(&mut self);

    /// The next batch of at most about `limit` records, or `None` at the end. An error is the last.
    fn next_batch(&mut self, limit: usize) -> Option<Batch>;
}

/// A read that goes on by itself until it is dropped.
pub(crate) struct Ahead {
    /// `None` says that the end is reached; a thread that ends without saying so has failed.
    batches: mpsc::Receiver<Option<Batch>>,
}

/// The right to run one of the threads.
struct Permit(Threads);

impl Permit {
    fn take(threads: &Threads) -> Option<Self> {
        let more = |count| (count < THREADS_MAX).then_some(count + 1);
        threads.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(Self(Arc::clone(threads)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Ahead {
    /// Lets a thread go on with `read`, or gives it back when there are enough threads, or none to be had.
    pub(crate) fn start<R: LongRead>(read: Box<R>, threads: &Threads) -> Result<Self, Box<R>> {
        let Some(permit) = Permit::take(threads) else { return Err(read) };
        let (batch, batches) = mpsc::channel(BATCHES_AHEAD);
        let (give, take) = handover::channel::<Box<R>>();
        let run = move || {
            let _permit = permit;
            if let Ok(read) = take.recv() {
                run(*read, &batch);
            }
        };
        match thread::Builder::new().name("annals-read-ahead".into()).spawn(run) {
            Ok(_) => give.send(read).map_err(|error| error.0).map(|()| Self { batches }),
            Err(_) => Err(read),
        }
    }

    pub(crate) fn poll_batch(&mut self, context: &mut Context<'_>) -> Poll<Option<Batch>> {
        self.batches.poll_recv(context).map(|batch| {
            batch.unwrap_or_else(|| {
                let (what, reason) = ("reading the log ahead".to_owned(), "the thread ended too early".to_owned());
                Some(Batch::failed(ReadError::Io { what, reason }))
            })
        })
    }
}

/// Reads until the end, an error, or until nobody waits for more.
fn run(mut read: impl LongRead, batches: &mpsc::Sender<Option<Batch>>) {
    read.go_ahead();
    loop {
        let batch = read.next_batch(BATCH_RECORDS);
        let is_last = batch.as_ref().is_none_or(|batch| batch.error.is_some());
        let is_empty = batch.as_ref().is_some_and(|batch| batch.records.is_empty() && batch.error.is_none());
        if is_empty && !batches.is_closed() {
            continue;
        }
        if batches.blocking_send(batch).is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P9: there are never more threads than allowed, and one that ends makes room for another.
    #[test]
    fn threads_are_few_and_make_room_again() {
        let threads = Threads::default();
        let mut permits: Vec<_> = (0..THREADS_MAX).map(|_| Permit::take(&threads).unwrap()).collect();
        assert!(Permit::take(&threads).is_none());
        permits.pop();
        let again = Permit::take(&threads);
        assert!(again.is_some() && Permit::take(&threads).is_none());
        drop((permits, again));
        assert_eq!(threads.load(Ordering::Acquire), 0);
    }
}

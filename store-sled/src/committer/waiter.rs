//! Waiting for a request for no longer than some time, which tokio's channel cannot do on a thread of its own.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

#[cfg(not(schedules))]
use crate::sleeper::{sleep_until, waker};

/// What a thread keeps that waits; it is always the same thread.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    #[cfg(not(schedules))]
    waker: Option<std::task::Waker>,
}

impl Waiter {
    /// The next request. `None` says that none came in time, or that none can come.
    #[cfg(not(schedules))]
    pub(super) fn wait<T>(&mut self, receiver: &mut UnboundedReceiver<T>, patience: Duration) -> Option<T> {
        sleep_until(self.waker.get_or_insert_with(waker), patience, |context| receiver.poll_recv(context))?
    }

    /// Where a scheduler tries many orders, time never passes, and its channel allows no waker of our own: patience is
    /// over at once.
    #[cfg(schedules)]
    pub(super) fn wait<T>(&mut self, receiver: &mut UnboundedReceiver<T>, _: Duration) -> Option<T> {
        receiver.try_recv().ok()
    }
}

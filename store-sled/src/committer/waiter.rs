//! Waiting for a request for no longer than some time, which tokio's channel cannot do on a thread of its own.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

#[cfg(not(schedules))]
use self::sleeper::sleep_until;

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
        sleep_until(self.waker.get_or_insert_with(sleeper::waker), patience, |context| receiver.poll_recv(context))?
    }

    /// Where a scheduler tries many orders, time never passes, and its channel allows no waker of our own: patience is
    /// over at once.
    #[cfg(schedules)]
    pub(super) fn wait<T>(&mut self, receiver: &mut UnboundedReceiver<T>, _: Duration) -> Option<T> {
        receiver.try_recv().ok()
    }
}

#[cfg(not(schedules))]
mod sleeper {
    use std::{
        sync::Arc,
        task::{Context, Poll, Wake, Waker},
        thread::{self, Thread},
        time::{Duration, Instant},
    };

    /// Wakes the thread that made it.
    struct Sleeper(Thread);

    impl Wake for Sleeper {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }

        fn wake_by_ref(self: &Arc<Self>) {
            self.0.unpark();
        }
    }

    pub(super) fn waker() -> Waker {
        Arc::new(Sleeper(thread::current())).into()
    }

    /// What `poll` gives, or `None` once so much time has passed. The thread sleeps meanwhile.
    pub(super) fn sleep_until<T>(
        waker: &Waker,
        patience: Duration,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Option<T> {
        let until = Instant::now() + patience;
        loop {
            if let Poll::Ready(given) = poll(&mut Context::from_waker(waker)) {
                return Some(given);
            }
            let rest = until.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return None;
            }
            thread::park_timeout(rest);
        }
    }
}

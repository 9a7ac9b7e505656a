//! A thread that sleeps until it is woken: waiting for a future where there is no runtime to do it.

#[cfg(not(schedules))]
use std::time::{Duration, Instant};
use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
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

pub(crate) fn waker() -> Waker {
    Arc::new(Sleeper(thread::current())).into()
}

/// What `future` gives. The thread sleeps meanwhile.
pub(crate) fn wait_for<T>(future: impl Future<Output = T>) -> T {
    // Called from a task, it would else wait for that task to give its thread back to the runtime now and then.
    #[cfg(not(schedules))]
    let future = tokio::task::unconstrained(future);
    let mut future = pin!(future);
    let waker = waker();
    loop {
        if let Poll::Ready(given) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return given;
        }
        thread::park();
    }
}

/// What `poll` gives, or `None` once so much time has passed. The thread sleeps meanwhile.
#[cfg(not(schedules))]
pub(crate) fn sleep_until<T>(
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

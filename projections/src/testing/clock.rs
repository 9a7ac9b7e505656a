//! A clock that a test sets.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use annals_core::{Clock, Timestamp};

/// Shows the time that was set last. Cloning gives another handle on the same clock.
#[derive(Debug, Clone, Default)]
pub(super) struct SetClock {
    micros: Arc<AtomicI64>,
}

impl SetClock {
    pub(super) fn set(&self, now: Timestamp) {
        self.micros.store(now.as_micros(), Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        // It came from a timestamp.
        Timestamp::from_micros(self.micros.load(Ordering::Relaxed)).unwrap_or(Timestamp::EPOCH)
    }
}

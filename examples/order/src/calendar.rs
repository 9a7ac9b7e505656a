//! Time that passes when it is told to: a season in a minute.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use annals::{Clock, RunningSagas, prelude::*, sagas::SagaError};

/// A clock that is moved by hand. A cheap handle.
#[derive(Debug, Clone, Default)]
pub struct Calendar {
    micros: Arc<AtomicI64>,
    stops: Arc<AtomicU64>,
}

impl Clock for Calendar {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::Acquire)).unwrap_or(Timestamp::EPOCH)
    }
}

impl Calendar {
    /// It is `start`.
    #[must_use]
    pub fn at(start: Timestamp) -> Self {
        let calendar = Self::default();
        calendar.reach(start);
        calendar
    }

    /// Lets time pass until `end`, from one timer to the next: whatever becomes due on the way happens when it is due, and what it
    /// leads to is done before time goes on.
    ///
    /// # Errors
    /// [`SagaError`] when a saga does not run.
    pub async fn pass(&self, shop: &Annals, end: Timestamp) -> Result<(), SagaError> {
        let Some(sagas) = shop.sagas() else {
            self.reach(end);
            return Ok(());
        };
        sagas.settled().await?;
        while let Some(due) = sagas.next_timer().await?.filter(|due| *due <= end) {
            self.reach(due);
            self.stops.fetch_add(1, Ordering::Relaxed);
            sagas.settled().await?;
        }
        self.reach(end);
        Ok(())
    }

    /// At how many times something was due.
    #[must_use]
    pub fn stops(&self) -> u64 {
        self.stops.load(Ordering::Relaxed)
    }

    /// It is `time`, unless it is later already.
    pub fn reach(&self, time: Timestamp) {
        self.micros.fetch_max(time.as_micros(), Ordering::AcqRel);
    }
}

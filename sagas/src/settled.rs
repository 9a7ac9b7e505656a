//! All sagas of an application at once, for programs that work through something and end, and for tests in virtual time.

use annals_core::{LoggedTable, Scan, Timestamp};

use crate::{
    InstanceId, SagaError, Sagas,
    stored::{self, TimerRow},
};

impl Sagas {
    /// Waits until everything is done that is to be done by now, by all sagas and reactions, and what that leads to: see
    /// [`SagaHandle::settled`](crate::SagaHandle::settled).
    ///
    /// # Errors
    /// [`SagaError::NotRunning`] when one of them is paused, has failed or has ended.
    pub async fn settled(&self) -> Result<(), SagaError> {
        loop {
            let Some(head) = self.head() else { return Ok(()) };
            for saga in self.iter() {
                saga.settled().await?;
            }
            // One may have led to something for another.
            if self.head() == Some(head) {
                return Ok(());
            }
        }
    }

    /// When the earliest timer of all is due, that of delayed commands included; `None` when none is set. With a
    /// [clock](annals_core::Clock) that is moved by hand a program lets time pass from one to the next:
    ///
    /// ```text
    /// sagas.settled().await?;
    /// while let Some(due) = sagas.next_timer().await?.filter(|due| *due <= end) {
    ///     clock.set(due);
    ///     sagas.settled().await?;
    /// }
    /// ```
    ///
    /// # Errors
    /// [`SagaError`] when timers cannot be read.
    pub async fn next_timer(&self) -> Result<Option<Timestamp>, SagaError> {
        let mut earliest: Option<Timestamp> = None;
        for started in self.started() {
            let stepper = &started.runner.stepper;
            let scan = Scan::prefix(LoggedTable::TIMERS, InstanceId::prefix(stepper.saga())).limit(1);
            if let Some((_, row)) = stepper.first_rows(scan).await?.into_iter().next() {
                let due = stored::decode::<TimerRow>(&row)?.next();
                earliest = Some(earliest.map_or(due, |earliest| earliest.min(due)));
            }
        }
        Ok(earliest)
    }
}

//! Instances that have ended.

use annals_core::{LoggedTable, Scan, Timestamp};

use crate::{InstanceId, aside::Request};

use super::{SagaError, SagaHandle};

impl SagaHandle {
    /// Forgets the instances that ended before `before`, in pages: the saga takes nothing in while it looks at one. Returns how
    /// many were forgotten.
    ///
    /// Of an instance that has ended, its state and how it ended are kept for ever, so that a later event for it is known to
    /// come too late. When it is forgotten, such an event meets no instance: by default it is set aside all the same, with
    /// another reason, and one that begins instances begins one anew. No event that was there before begins one, whatever
    /// crashes. Its timeline stays in the log.
    ///
    /// One of which something waits is not forgotten: commands that are still to be sent, an event that is set aside.
    ///
    /// Of a reaction, which has no end, the keys are forgotten that were last answered before `before`: what is kept of one is
    /// which event was its latest.
    ///
    /// # Errors
    /// [`SagaError::NotRunning`] when the saga is paused, has failed or has ended; those before are forgotten.
    pub async fn forget_ended(&self, before: Timestamp) -> Result<usize, SagaError> {
        let mut forgotten = 0;
        let mut next = Some(Scan::prefix(LoggedTable::SAGAS, InstanceId::prefix(self.name())));
        while let Some(scan) = next.take() {
            match self.ask(|answer| Request::Forget(scan.clone(), before, answer)).await? {
                Some(Some(page)) => {
                    forgotten += page.instances;
                    next = page.next;
                }
                // It has just been started.
                Some(None) => {
                    self.caught_up().await;
                    next = Some(scan);
                }
                None => {}
            }
        }
        Ok(forgotten)
    }

    /// Waits until it has come to where the log ends now, or does not work any more.
    async fn caught_up(&self) {
        let runner = &self.started.runner;
        let end = runner.stepper.annals.store().head().borrow().position;
        let mut status = runner.board.watch();
        // The board is here too, so waiting does not fail.
        drop(status.wait_for(|status| status.position >= end || !status.state.is_at_work()).await);
    }
}

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
    /// # Errors
    /// [`SagaError::NotRunning`] when the saga is paused, has failed or has ended; those before are forgotten.
    pub async fn forget_ended(&self, before: Timestamp) -> Result<usize, SagaError> {
        let mut forgotten = 0;
        let mut next = Some(Scan::prefix(LoggedTable::SAGAS, InstanceId::prefix(self.name())));
        while let Some(scan) = next {
            let page = self.ask(|answer| Request::Forget(scan, before, answer)).await?;
            forgotten += page.as_ref().map_or(0, |page| page.instances);
            next = page.and_then(|page| page.next);
        }
        Ok(forgotten)
    }
}

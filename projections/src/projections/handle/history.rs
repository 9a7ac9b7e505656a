//! What has become of events that could not be taken in.

use crate::{
    DiscardedEvent, Unparked,
    control::Discarded,
    decision::Decided,
    parked::{History, ParkedError},
};

use super::{OperatorError, ProjectionHandle};

impl ProjectionHandle {
    /// What became of events that it had set aside and that are set aside no longer, the latest first: not more than
    /// [`parked_history_max`](crate::ProjectionOptions::parked_history_max). They are those of the build that runs, and lost
    /// with its rows. Also while it does not run.
    ///
    /// # Errors
    /// [`OperatorError::Read`], [`OperatorError::Unreadable`].
    pub async fn parked_history(&self) -> Result<Vec<Unparked>, OperatorError> {
        History::list(&self.started.worker.consumer()).await.map_err(|error| match error {
            ParkedError::Read(error) => error.into(),
            error => OperatorError::Unreadable { what: "what became of a parked event", reason: error.to_string() },
        })
    }

    /// The events that it passes by because an operator decided so, in the order of the log, with the reason. Also while it
    /// does not run.
    ///
    /// # Errors
    /// [`OperatorError::Read`], [`OperatorError::Unreadable`].
    pub async fn discarded(&self) -> Result<Vec<DiscardedEvent>, OperatorError> {
        let rows = Discarded::rows(&*self.started.worker.consumer().log, self.name()).await?;
        let show = |(position, row): (_, bytes::Bytes)| match Decided::read(&row) {
            Ok(Decided { reason, at }) => Ok(DiscardedEvent { position, reason, at }),
            Err(error) => {
                Err(OperatorError::Unreadable { what: "the decision to discard an event", reason: error.to_string() })
            }
        };
        rows.into_iter().map(show).collect()
    }
}

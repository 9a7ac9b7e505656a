//! That an operator has paused a saga: for as long as nobody resumes it, also when the store is opened again.

use annals_core::{Commit, CommitError, LoggedTable, ReadError, RowWrite, codec::EncodeError};
use annals_projections::{State, engine::Decided};
use bytes::Bytes;

use crate::{InstanceId, runner::Runner};

/// Why a saga could not be paused, or resumed.
pub(crate) enum PauseError {
    Encode(EncodeError),
    Commit(CommitError),
}

impl Runner {
    /// Whether the log says that it is paused.
    pub(crate) async fn is_paused(&self) -> Result<bool, ReadError> {
        let (table, key) = self.pause_row();
        let found = self.stepper.annals.store().get(&[(table.into(), key)]).await?;
        Ok(found.into_iter().flatten().next().is_some())
    }

    /// Notes that it is paused, for that reason, or that it is not, and tells it so.
    pub(crate) async fn set_paused(&self, reason: Option<&str>) -> Result<(), PauseError> {
        let (table, key) = self.pause_row();
        let row = match reason {
            Some(reason) => Decided::row(table, key, reason).map_err(PauseError::Encode)?,
            None => RowWrite::delete(table, key),
        };
        let store = self.stepper.annals.store();
        store.commit(Commit::new().row(row)).await.map_err(PauseError::Commit)?;
        if reason.is_none() && self.board.now().state == State::Paused {
            // So that whoever asks it something from now on is not told that it is paused.
            self.board.state(State::Starting);
        }
        self.orders.send_modify(|orders| orders.paused = reason.is_some());
        Ok(())
    }

    fn pause_row(&self) -> (LoggedTable, Bytes) {
        InstanceId::saga_row(self.stepper.saga(), "paused")
    }
}

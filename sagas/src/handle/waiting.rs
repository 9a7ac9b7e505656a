//! Commands that wait to be sent.

use annals_core::{Commit, LoggedTable, Scan, Timestamp};

use crate::{
    Failure, InstanceId,
    stepper::{Consumed, Input},
    stored::{self, Pending, PendingRow},
};

use super::{SagaError, SagaHandle};

/// What tells a command that waits from others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandKey {
    /// The instance that sends it.
    pub instance: InstanceId,
    /// The step that decided so.
    pub step: u64,
    /// Its place among those of the step, from 0.
    pub ordinal: u32,
}

/// A command that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitingCommand {
    /// What tells it from others.
    pub key: CommandKey,
    /// The name of the aggregate that it is for.
    pub aggregate: String,
    /// The aggregate's id, as text.
    pub id: String,
    /// The command's stable name.
    pub name: String,
    /// Whether it undoes another one.
    pub undoes: bool,
    /// When it was decided to be sent.
    pub sent: Timestamp,
    /// How it failed: it then waits for an operator, and those of its instance behind it for that.
    pub failure: Option<Failure>,
}

impl SagaHandle {
    /// The commands that wait, in the order of tenant, instance and step: up to 10,000, and those that are set aside.
    ///
    /// # Errors
    /// [`SagaError`].
    pub async fn waiting(&self) -> Result<Vec<WaitingCommand>, SagaError> {
        let mut waiting = Vec::new();
        let mut scan = Some(Scan::prefix(LoggedTable::COMMANDS, InstanceId::prefix(self.name())));
        while let Some(next) = scan {
            let page = self.stepper().annals.store().scan(next).await?;
            for (_, row) in page.rows {
                waiting.extend(stored::decode::<PendingRow>(&row)?.show());
            }
            scan = page.next;
        }
        Ok(waiting)
    }

    /// Sends a command again that is set aside. False when it does not wait any more.
    ///
    /// # Errors
    /// [`SagaError`].
    pub async fn retry_command(&self, command: &CommandKey) -> Result<bool, SagaError> {
        let Some((mut pending, consumed)) = self.pending(command).await? else { return Ok(false) };
        pending.failure = None;
        let row = stored::encode("pending command", &pending).map_err(crate::stepper::StepError::from)?;
        let done = self.stepper().commit(consumed.put(Commit::new(), row)).await?;
        self.stepper().troubles.goes_on(&command.instance);
        self.stepper().outbox.release(&command.instance);
        Ok(done)
    }

    /// Does not send a command that waits, for that reason, which is kept in the timeline of the instance; those behind it go
    /// on. The saga is told nothing of it. False when it does not wait any more.
    ///
    /// # Errors
    /// [`SagaError`].
    pub async fn drop_command(&self, command: &CommandKey, reason: &str) -> Result<bool, SagaError> {
        let Some((pending, consumed)) = self.pending(command).await? else { return Ok(false) };
        let input = Input::Dropped { pending: &pending, consumed: &consumed, reason };
        self.stepper().take(&command.instance, &input).await?;
        self.stepper().troubles.goes_on(&command.instance);
        self.stepper().outbox.release(&command.instance);
        Ok(true)
    }

    async fn pending(&self, command: &CommandKey) -> Result<Option<(PendingRow, Consumed)>, SagaError> {
        let (table, key) = command.instance.pending(command.step, command.ordinal);
        let found = self.stepper().annals.store().get(&[(table.clone().into(), key.clone())]).await?;
        let Some(value) = found.into_iter().next().flatten() else { return Ok(None) };
        Ok(Some((stored::decode(&value)?, Consumed::new((table, key), value))))
    }
}

impl PendingRow {
    fn show(self) -> Option<WaitingCommand> {
        let Self { instance, step, ordinal, what, sent, failure, .. } = self;
        let key = CommandKey { instance, step, ordinal };
        let (command, undoes) = match what {
            Pending::Command(command) => (command, false),
            Pending::Undo(command, _) => (command, true),
            Pending::Undone => return None,
        };
        let (aggregate, id, name) = (command.aggregate, command.id, command.name);
        Some(WaitingCommand { key, aggregate, id, name, undoes, sent, failure })
    }
}

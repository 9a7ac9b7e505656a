//! Commands that are to be sent at a time: by whoever asks for it, without a saga.

use annals_core::{
    Aggregate, Annals, Command, Commit, CommitError, ReadError, RowWrite, Timestamp, codec::EncodeError,
};
use annals_projections::{EventContext, Incoming, Subscription};
use thiserror::Error;

use crate::{
    BoxError, Commands, InstanceId, Reception, RunningSagas, SetTimer,
    machine::{Decided, Given, Machine, StoredState},
    step::About,
    stepper::{Consumed, StepError},
    stored::{self, Cause, StoredCommand, TimerRow},
};

/// Under which name delayed commands are kept, as if a saga sent them.
pub(crate) const DELAYED: &str = "$delayed";

/// A command that is to be sent later: to cancel it, or to move it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelayedCommand {
    instance: InstanceId,
    due: Timestamp,
}

impl DelayedCommand {
    /// The one that `timer` is about, of those that [`Sagas::delayed`](crate::Sagas::delayed) has; none when it is one of a
    /// saga.
    #[must_use]
    pub fn of(timer: &SetTimer) -> Option<Self> {
        let (instance, due) = (timer.instance.clone(), timer.due);
        (instance.saga == DELAYED).then_some(Self { instance, due })
    }
}

/// Why a command cannot be sent later. Nothing was noted.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum DelayError {
    /// The command was not registered, so that nobody would know how to send it. Register it:
    /// [`WithSagas::delayed`](crate::WithSagas::delayed).
    #[error("command {command} to {aggregate} is not registered to be sent later: `.delayed::<_, _>()` on the builder")]
    NotRegistered {
        /// The aggregate's name.
        aggregate: &'static str,
        /// The command's name.
        command: &'static str,
    },
    /// The command cannot be encoded. Correct its `Serialize`.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The store failed; the error says what to do.
    #[error(transparent)]
    Store(#[from] CommitError),
    /// The store cannot be read; the error says what to do.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Sends commands at a time. They are in the log from when they are asked for, and each takes effect once; one that is refused
/// when its time has come is set aside, and found in [`Sagas::delayed`](crate::Sagas::delayed).
///
/// ```
/// use std::time::Duration;
/// use annals_core::{Aggregate, Annals, Decision, Evolve, Handle, MemoryStore, Timestamp};
/// use annals_sagas::{RunningSagas, SendLater, WithSagas};
#[doc = include_str!("doc/greeting.txt")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let annals = Annals::over(MemoryStore::new()).delayed::<Letterbox, Greet>().open().await?;
/// let soon = Timestamp::now().saturating_add(Duration::from_millis(5));
/// annals.send_at::<Letterbox, _>("ada", Greet { name: "Ada".into() }, soon).await?;
///
/// let later = Timestamp::now().saturating_add(Duration::from_secs(3600));
/// let greeting = annals.send_at::<Letterbox, _>("bob", Greet { name: "Bob".into() }, later).await?;
/// assert!(annals.cancel_delayed(&greeting).await?);
/// # let delayed = annals.sagas().unwrap().delayed().unwrap();
/// # tokio::time::sleep(Duration::from_millis(10)).await;
/// # delayed.settled().await?;
/// # assert_eq!(annals.on::<Letterbox>("ada").load().await?.state.letters, ["welcome, Ada"]);
/// # Ok(())
/// # }
/// ```
#[annals_core::async_trait]
pub trait SendLater {
    /// Sends `command` to the aggregate `id` at the time `due`, not earlier; at once when that has passed.
    ///
    /// # Errors
    /// [`DelayError`].
    async fn send_at<A, C>(
        &self,
        id: impl Into<A::Id> + Send,
        command: C,
        due: Timestamp,
    ) -> Result<DelayedCommand, DelayError>
    where
        A: Aggregate,
        C: Command;

    /// Does not send it. False when it was sent already, or cancelled.
    ///
    /// # Errors
    /// [`DelayError`].
    async fn cancel_delayed(&self, command: &DelayedCommand) -> Result<bool, DelayError>;

    /// Sends it at another time. None when it was sent already, or cancelled.
    ///
    /// # Errors
    /// [`DelayError`].
    async fn move_delayed(
        &self,
        command: &DelayedCommand,
        due: Timestamp,
    ) -> Result<Option<DelayedCommand>, DelayError>;
}

/// The name of the timer of a delayed command.
const DUE: &str = "due";

#[annals_core::async_trait]
impl SendLater for Annals {
    async fn send_at<A, C>(
        &self,
        id: impl Into<A::Id> + Send,
        command: C,
        due: Timestamp,
    ) -> Result<DelayedCommand, DelayError>
    where
        A: Aggregate,
        C: Command,
    {
        let delayed = self.sagas().and_then(|sagas| sagas.started_delayed());
        let delayed = delayed.filter(|delayed| delayed.runner.stepper.commands.has(A::NAME, C::NAME));
        let delayed = delayed.ok_or(DelayError::NotRegistered { aggregate: A::NAME, command: C::NAME })?;
        let command = StoredCommand::new::<A, C>(&id.into(), &command)?;
        let key = annals_core::CommandId::new().as_uuid().to_string();
        let instance = InstanceId { saga: DELAYED.to_owned(), tenant: self.tenant().cloned(), key };
        let cause = Cause { event: None, correlation: None, depth: 0 };
        let (name, command) = (DUE.to_owned(), Some(command));
        let timer = TimerRow { instance: instance.clone(), name, due, cause, command, failure: None, moved_to: None };
        let (table, key) = instance.timer(DUE, due);
        self.store().commit(Commit::new().row(RowWrite::put(table, key, stored::encode("timer", &timer)?))).await?;
        delayed.runner.stepper.alarms.set(Some(due));
        Ok(DelayedCommand { instance, due })
    }

    async fn cancel_delayed(&self, command: &DelayedCommand) -> Result<bool, DelayError> {
        let Some((_, consumed)) = timer_of(self, command).await? else { return Ok(false) };
        settled(self.store().commit(consumed.take(Commit::new())).await)
    }

    async fn move_delayed(
        &self,
        command: &DelayedCommand,
        due: Timestamp,
    ) -> Result<Option<DelayedCommand>, DelayError> {
        let Some((row, consumed)) = timer_of(self, command).await? else { return Ok(None) };
        let (table, key) = command.instance.timer(DUE, due);
        let timer = TimerRow { due, failure: None, moved_to: None, ..row };
        let put = RowWrite::put(table, key, stored::encode("timer", &timer)?);
        if !settled(self.store().commit(consumed.take(Commit::new()).row(put)).await)? {
            return Ok(None);
        }
        if let Some(delayed) = self.sagas().and_then(|sagas| sagas.started_delayed()) {
            delayed.runner.stepper.alarms.set(Some(due));
        }
        Ok(Some(DelayedCommand { instance: command.instance.clone(), due }))
    }
}

async fn timer_of(annals: &Annals, command: &DelayedCommand) -> Result<Option<(TimerRow, Consumed)>, DelayError> {
    let (table, key) = command.instance.timer(DUE, command.due);
    let found = annals.store().get(&[(table.clone().into(), key.clone())]).await?;
    let Some(value) = found.into_iter().next().flatten() else { return Ok(None) };
    let Ok(row) = stored::decode(&value) else {
        return Err(ReadError::Index { reason: "a delayed command cannot be decoded".to_owned() }.into());
    };
    Ok(Some((row, Consumed::new((table, key), value))))
}

/// Whether the row was still there.
fn settled(committed: Result<annals_core::Receipt, CommitError>) -> Result<bool, DelayError> {
    match committed {
        Ok(_) => Ok(true),
        Err(CommitError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Knows how delayed commands are sent, and is given nothing.
pub(crate) struct Delayed(pub(crate) Commands);

impl Machine for Delayed {
    fn name(&self) -> &'static str {
        DELAYED
    }

    fn subscription(&self) -> Subscription {
        Subscription::new()
    }

    fn commands(&self) -> Commands {
        self.0.clone()
    }

    fn receive(&self, _: Incoming<'_>, _: &EventContext<'_>) -> Result<Option<Reception>, BoxError> {
        Ok(None)
    }

    fn decide(&self, _: Option<&StoredState>, input: &Given<'_>, _: &About<'_>) -> Result<Decided, BoxError> {
        match input {
            Given::Refused(refusal) => Err(refusal.reason().into()),
            Given::Event(..) | Given::Timer(_) => Err("a delayed command is given nothing".into()),
        }
    }
}

impl StepError {
    /// A delayed command that was refused.
    pub(crate) fn refused(reason: &str) -> Self {
        Self::Handler(format!("it was refused: {reason}").into())
    }
}

//! What can be asked and told of a saga while it runs.

mod ended;
mod instances;
mod timeline;
mod timers;
mod waiting;

use std::sync::Arc;

use annals_core::{
    CommitError, InvalidText, Position, ReadError, Tenant,
    codec::{EncodeError, PayloadError},
};
use annals_projections::{Health, State};
use tokio::sync::{oneshot, watch};

use crate::{
    AsideEvent, InstanceId, SagaStatus, StateError,
    aside::Request,
    pause::PauseError,
    sagas::Started,
    stepper::{StepError, Stepper},
};

pub use instances::{Instance, Instances};
pub use timeline::{SentCommand, TimelineStep};
pub use timers::SetTimer;
pub use waiting::{CommandKey, WaitingCommand};

/// A saga that runs, to look at and to be told. Cloning is cheap.
#[derive(Clone)]
pub struct SagaHandle {
    started: Arc<Started>,
}

/// Why a saga cannot be looked at, or told something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SagaError {
    /// What is stored cannot be read; the error says what to do.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What is stored was written by newer code. Use that.
    #[error("what is stored of the saga {0}")]
    Payload(#[from] PayloadError),
    /// The state of an instance cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The instance's key is none, or too long.
    #[error(transparent)]
    Key(#[from] InvalidText),
    /// What was decided could not be stored; the error says why. Nothing was changed.
    #[error("nothing was changed: {reason}")]
    Unchanged {
        /// Why.
        reason: String,
    },
    /// The decision could not be recorded; the error says what to do.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The reason cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The saga does not run, so it cannot be told anything.
    #[error("saga {saga} does not run")]
    NotRunning {
        /// The saga.
        saga: &'static str,
    },
}

impl From<StepError> for SagaError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Read(error) => Self::Read(error),
            StepError::Payload(error) => Self::Payload(error),
            error => Self::Unchanged { reason: error.to_string() },
        }
    }
}

impl From<PauseError> for SagaError {
    fn from(error: PauseError) -> Self {
        match error {
            PauseError::Encode(error) => Self::Encode(error),
            PauseError::Commit(error) => Self::Commit(error),
        }
    }
}

impl SagaHandle {
    pub(crate) fn new(started: &Arc<Started>) -> Self {
        Self { started: Arc::clone(started) }
    }

    /// The saga's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.started.runner.stepper.saga()
    }

    /// How it is doing now.
    #[must_use]
    pub fn status(&self) -> SagaStatus {
        self.started.runner.board.now()
    }

    /// How it is doing, whenever that changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<SagaStatus> {
        self.started.runner.board.watch()
    }

    /// Whether somebody should look at it, and why. Asks no disk.
    #[must_use]
    pub fn health(&self) -> Health {
        self.started.runner.health()
    }

    /// Waits until everything is done that is to be done by now: each event of the log was taken in or set aside, each command
    /// that follows was taken by its aggregate or waits for an operator, each timer that is due has fired, and so on for what
    /// came of that. For tests, and for programs that work through something and end.
    ///
    /// # Errors
    /// [`SagaError::NotRunning`] when it is paused, has failed or has ended.
    pub async fn settled(&self) -> Result<(), SagaError> {
        let runner = &self.started.runner;
        let (mut status, mut outbox) = (runner.board.watch(), runner.stepper.outbox.watch());
        let mut head = runner.stepper.annals.store().head();
        let follows = runner.follows();
        let is_at = |position, end| !follows || position >= end;
        loop {
            let now = status.borrow_and_update().clone();
            if matches!(now.state, State::Paused | State::Stopped | State::TakenOver) {
                return Err(SagaError::NotRunning { saga: self.name() });
            }
            let end = head.borrow_and_update().position;
            outbox.mark_unchanged();
            if is_at(now.position, end) && runner.stepper.outbox.is_idle() && now.state == State::Live {
                tokio::select! {
                    () = runner.stepper.alarms.look() => {}
                    // It may have ended meanwhile.
                    _ = status.wait_for(|status| status.state != State::Live) => continue,
                }
                let is_settled = head.borrow().position == end && runner.stepper.outbox.is_idle();
                if is_settled && is_at(runner.board.now().position, end) {
                    return Ok(());
                }
                continue;
            }
            // The senders are here too, so waiting does not fail.
            tokio::select! {
                _ = status.changed() => {}
                _ = outbox.changed() => {}
                _ = head.changed() => {}
            }
        }
    }

    /// The events that could not be taken in, in the order of the log.
    ///
    /// # Errors
    /// [`SagaError::NotRunning`].
    pub async fn aside(&self) -> Result<Vec<AsideEvent>, SagaError> {
        Ok(self.ask(Request::List).await?.unwrap_or_default())
    }

    /// Tries again to take in the event at `position` that is set aside, and then those that wait for it. False when it failed
    /// again, none when no event is set aside there.
    ///
    /// # Errors
    /// [`SagaError::NotRunning`].
    pub async fn retry(&self, position: Position) -> Result<Option<bool>, SagaError> {
        Ok(self.ask(|answer| Request::Retry(position, answer)).await?.flatten())
    }

    /// Passes by the event at `position` that is set aside, and takes in those that wait for it. The decision and its reason are
    /// in the log. False when one of the others failed, none when no event is set aside there.
    ///
    /// # Errors
    /// [`SagaError::NotRunning`].
    pub async fn discard(&self, position: Position, reason: &str) -> Result<Option<bool>, SagaError> {
        Ok(self.ask(|answer| Request::Discard(position, reason.to_owned(), answer)).await?.flatten())
    }

    /// Lets it do nothing until it is [resumed](Self::resume), also when the store is opened again: it takes nothing in, sends
    /// nothing, and fires no timer; what is due meanwhile is done afterwards. The decision and its reason are in the log.
    ///
    /// # Errors
    /// [`SagaError::Commit`]; it goes on.
    pub async fn pause(&self, reason: &str) -> Result<(), SagaError> {
        Ok(self.started.runner.set_paused(Some(reason)).await?)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// [`SagaError::Commit`]; it stays paused.
    pub async fn resume(&self) -> Result<(), SagaError> {
        Ok(self.started.runner.set_paused(None).await?)
    }

    /// Asks what follows the log; none where nothing does.
    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<Option<T>, SagaError> {
        let runner = &self.started.runner;
        if !runner.follows() {
            return Ok(None);
        }
        let not_running = || SagaError::NotRunning { saga: self.name() };
        if !runner.board.now().state.is_at_work() {
            return Err(not_running());
        }
        let (answer, answered) = oneshot::channel();
        runner.board.ask(request(answer)).await;
        answered.await.map(Some).map_err(|_| not_running())
    }

    fn stepper(&self) -> &Stepper {
        &self.started.runner.stepper
    }

    fn id(&self, tenant: Option<&Tenant>, key: &str) -> InstanceId {
        InstanceId { saga: self.name().to_owned(), tenant: tenant.cloned(), key: key.to_owned() }
    }
}

impl std::fmt::Debug for SagaHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SagaHandle").field("name", &self.name()).finish_non_exhaustive()
    }
}

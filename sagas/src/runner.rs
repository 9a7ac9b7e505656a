//! Keeps a saga running, whatever happens to it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use annals_core::{CommitError, ConsumerName, InvalidText, Position, ReadError};
use annals_projections::{
    State,
    engine::{Log, TakeOverError, message, take_over},
};
use futures::{FutureExt, future};
use tokio::sync::watch;
use tracing::Instrument;

use crate::{
    Begin, InstanceId,
    delivery::{self, DeliveryError, Senders},
    ended,
    follower::{self, FollowError, Follower},
    metrics::Counted,
    status::Board,
    stepper::{StepError, Stepper},
    timers::{self, TimerError},
};

/// The pause before a saga that failed is started again, doubled each time, up to the longest.
const RESTART_FIRST: Duration = Duration::from_millis(100);
const RESTART_MAX: Duration = Duration::from_secs(30);

/// What a saga failed at is no matter any more when it has worked for so long.
const PROVEN_AFTER: Duration = Duration::from_secs(5);

/// What a saga is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Orders {
    pub(crate) stop: bool,
    pub(crate) paused: bool,
}

/// A saga that is run: what it needs for that.
pub(crate) struct Runner {
    pub(crate) stepper: Arc<Stepper>,
    pub(crate) log: Log,
    pub(crate) board: Board,
    pub(crate) orders: watch::Sender<Orders>,
}

/// Why a saga cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Name(#[from] InvalidText),
    #[error(transparent)]
    TakeOver(#[from] TakeOverError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Follow(#[from] FollowError),
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    #[error(transparent)]
    Timer(#[from] TimerError),
    #[error("it panicked: {0}")]
    Panic(String),
}

impl Runner {
    /// Runs the saga until it is told to stop, or has no right to run any more.
    pub(crate) async fn run(&self) {
        let span = tracing::info_span!("saga", name = self.stepper.saga());
        self.keep_running().instrument(span).await;
        self.stepper.counts.give_out(self.stepper.saga());
    }

    async fn keep_running(&self) {
        let mut orders = self.orders.subscribe();
        let mut restarts: u32 = 0;
        loop {
            let now = *orders.borrow_and_update();
            if now.stop {
                return self.board.state(State::Stopped);
            }
            if now.paused {
                self.board.state(State::Paused);
                // The sender is here too, so waiting does not fail.
                drop(orders.changed().await);
                continue;
            }
            self.board.state(State::Starting);
            let before = self.board.now().position;
            let mut told = orders.clone();
            let mut senders = Senders::new();
            let session = AssertUnwindSafe(self.work(&mut told, &mut senders)).catch_unwind().await;
            // What was under way is dropped: a commit that was handed over is completed by the store, and anything else is done again.
            senders.shutdown().await;
            let error = match session {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error,
                Err(panic) => RunError::Panic(message(&*panic)),
            };
            if error.is_taken_over() {
                return self.board.state(State::TakenOver);
            }
            if error.is_shut_down() {
                return self.board.state(State::Stopped);
            }
            restarts = if self.board.now().position > before { 0 } else { restarts };
            let pause = RESTART_FIRST.saturating_mul(1 << restarts.min(16)).min(RESTART_MAX);
            restarts += 1;
            let reason = error.to_string();
            tracing::error!(%reason, restarts, "saga failed, it is started again");
            self.board.state(State::Failed { reason, retrying: true });
            self.stepper.counts.add(Counted::Restart);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = orders.changed() => orders.mark_changed(),
            }
        }
    }

    /// One stretch of work; ends when it is told anything.
    async fn work(&self, told: &mut watch::Receiver<Orders>, senders: &mut Senders) -> Result<(), RunError> {
        let stepper = &self.stepper;
        let store = stepper.annals.store();
        let consumer = ConsumerName::new(InstanceId::category(stepper.saga()))?;
        stepper.set_epoch(take_over(&**store, consumer).await?);
        let position = self.begin().await?;
        stepper.set_forgets(ended::has_forgotten(stepper).await?);
        delivery::load(stepper).await?;
        let mut follower = Follower::new(stepper, &self.log, &self.board, position).await?;
        self.board.begun(position);
        self.board.state(State::Live);
        {
            let following = async { if self.follows() { follower.run().await } else { std::future::pending().await } };
            let following = following.map(|ended| ended.map_err(RunError::from));
            let delivering = delivery::run(stepper, senders).map(|ended| ended.map_err(RunError::from));
            let firing = timers::run(stepper).map(|ended| ended.map_err(RunError::from));
            let proving = async {
                tokio::time::sleep(PROVEN_AFTER).await;
                self.board.proven();
                std::future::pending::<Result<(), RunError>>().await
            };
            let counting = async {
                if stepper.machine.remembers() && self.follows() {
                    stepper.census.run(stepper).await?;
                }
                std::future::pending::<Result<(), RunError>>().await
            };
            let working = future::try_join5(following, delivering, firing, counting, proving);
            tokio::select! {
                biased;
                _ = told.changed() => {}
                ended = working => return ended.map(drop),
            }
        }
        Ok(follower.store_position().await?)
    }

    /// Whether it is given events at all.
    pub(crate) fn follows(&self) -> bool {
        !self.stepper.machine.subscription().is_empty()
    }

    /// Where it is in the log; the first time where its options say, which is stored: what is committed from now on is not missed.
    pub(crate) async fn begin(&self) -> Result<Position, RunError> {
        if let Some(position) = follower::load_position(&self.stepper).await? {
            return Ok(position);
        }
        let head = self.stepper.annals.store().head().borrow().position;
        let position = match self.stepper.options.begin {
            Begin::Now => head,
            Begin::AtTheBeginning => Position::ZERO,
        };
        match self.stepper.annals.store().commit(follower::begun_at(self.stepper.saga(), position)).await {
            Ok(_) => Ok(position),
            // Somebody else was there before.
            Err(CommitError::Conflict { .. }) => Ok(follower::load_position(&self.stepper).await?.unwrap_or(position)),
            Err(error) => Err(error.into()),
        }
    }
}

impl RunError {
    fn step(&self) -> Option<&StepError> {
        match self {
            Self::Follow(FollowError::Step(error))
            | Self::Delivery(DeliveryError::Step(error))
            | Self::Timer(TimerError::Step(error)) => Some(error),
            _ => None,
        }
    }

    fn is_taken_over(&self) -> bool {
        matches!(self.step(), Some(StepError::TakenOver))
    }

    fn is_shut_down(&self) -> bool {
        match self {
            Self::Read(ReadError::ShutDown)
            | Self::Commit(CommitError::ShutDown)
            | Self::TakeOver(TakeOverError::Read(ReadError::ShutDown) | TakeOverError::Commit(CommitError::ShutDown))
            | Self::Follow(FollowError::Read(ReadError::ShutDown))
            | Self::Delivery(DeliveryError::Read(ReadError::ShutDown))
            | Self::Timer(TimerError::Read(ReadError::ShutDown)) => true,
            _ => matches!(
                self.step(),
                Some(
                    StepError::Read(ReadError::ShutDown)
                        | StepError::Commit(CommitError::ShutDown | CommitError::Unreadable(ReadError::ShutDown))
                )
            ),
        }
    }
}

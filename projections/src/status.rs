//! How a projection is doing.

use std::time::Duration;

use annals_core::{Position, Timestamp};
use tokio::sync::watch;

use crate::checkpoint::Checkpoint;

/// How a projection is doing.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// The projection.
    pub projection: &'static str,
    /// Which build of its read model: raised whenever its rows are computed anew.
    pub build: u64,
    /// What it is doing.
    pub state: State,
    /// Everything up to here was taken in or set aside.
    pub position: Position,
    /// Where the log ended when its rows began to be computed from nothing.
    pub target: Option<Position>,
    /// When the latest event that it took in was recorded.
    pub recorded: Option<Timestamp>,
    /// How many positions it went through a second, lately; 0 when nothing has come for a second or two, and while it does
    /// not work.
    pub rate: f64,
    /// Why it failed last, until it has come further than it was then.
    pub failure: Option<Failure>,
    /// How many keys are set aside until an operator decides.
    pub parked_keys: usize,
    /// How many keys are set aside and will be tried again.
    pub retrying_keys: usize,
    /// How many events are set aside in all.
    pub parked_events: usize,
}

/// What a projection or a saga is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It reads where it was.
    Starting,
    /// It computes its rows from nothing, and has not come to where the log ended when it began. Its tables are not read until then.
    Rebuilding,
    /// It goes through events that are there already.
    CatchingUp,
    /// It has seen everything, and waits for what comes.
    Live,
    /// An operator has paused it.
    Paused,
    /// It cannot go on; see why. It tries again by itself when `retrying`, else when an operator resumes it.
    Failed {
        /// Why.
        reason: String,
        /// Whether it tries again by itself.
        retrying: bool,
    },
    /// Another process or handle runs it.
    TakenOver,
    /// The store is shut down.
    Stopped,
}

/// Why a projection failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// Why.
    pub reason: String,
    /// Where it was.
    pub position: Position,
}

/// How far a projection is behind the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lag {
    /// In positions; some of them may be of no interest to it.
    pub positions: u64,
    /// How long ago the first event was recorded that it has not taken in. Looked at once a second while it is behind, and none
    /// until the first look.
    pub time: Duration,
    /// When it will have caught up at the rate of late, if it goes on at all.
    pub eta: Option<Duration>,
}

impl Status {
    /// How far it is behind a log that ends at `head`, where the first event that it has not taken in is so `late`.
    pub(crate) fn lag(&self, head: Position, late: Duration) -> Lag {
        let positions = head.get().saturating_sub(self.position.get());
        let seconds = if self.rate > 0.0 { to_f64(positions) / self.rate } else { f64::INFINITY };
        let eta = if positions == 0 { Some(Duration::ZERO) } else { Duration::try_from_secs_f64(seconds).ok() };
        Lag { positions, time: if positions == 0 { Duration::ZERO } else { late }, eta }
    }

    /// Whether its tables hold what they should: it has come to where the log ended when its rows began to be computed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.target.is_some_and(|target| self.position >= target)
    }

    /// Lets everything agree with its new state.
    fn settle(&mut self, before: &State) {
        if !matches!(self.state, State::Rebuilding | State::CatchingUp | State::Live) {
            self.rate = 0.0;
        }
        match &self.state {
            State::Failed { reason, .. } if self.state != *before => {
                self.failure = Some(Failure { reason: reason.clone(), position: self.position });
            }
            State::Failed { .. } => {}
            State::Starting | State::Rebuilding | State::CatchingUp => {
                let position = self.position;
                self.failure.take_if(|failure| failure.position < position);
            }
            State::Live | State::Paused | State::TakenOver | State::Stopped => self.failure = None,
        }
    }
}

impl State {
    /// Whether it takes in what there is, or is about to.
    #[must_use]
    pub fn is_at_work(&self) -> bool {
        matches!(self, Self::Starting | Self::Rebuilding | Self::CatchingUp | Self::Live)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate is no exact number")]
pub(crate) fn to_f64(number: u64) -> f64 {
    number as f64
}

/// Where a runner says how it is doing.
#[derive(Debug)]
pub(crate) struct Board {
    status: watch::Sender<Status>,
}

impl Board {
    /// A consumer that is about to start at `checkpoint`.
    pub(crate) fn new(projection: &'static str, build: u64, checkpoint: Checkpoint) -> Self {
        let status = Status {
            projection,
            build,
            state: State::Starting,
            position: checkpoint.position,
            target: checkpoint.target,
            recorded: None,
            rate: 0.0,
            failure: None,
            parked_keys: 0,
            retrying_keys: 0,
            parked_events: 0,
        };
        Self { status: watch::Sender::new(status) }
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_if_modified(|status| {
            let before = status.clone();
            change(status);
            status.settle(&before.state);
            *status != before
        });
    }

    /// From now on this is about another build, which is where `status` says.
    pub(crate) fn take_over(&self, status: Status) {
        self.update(|now| {
            let state = now.state.clone();
            *now = Status { state, ..status };
        });
    }

    pub(crate) fn state(&self, state: State) {
        self.update(|status| status.state = state);
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    pub(crate) fn now(&self) -> Status {
        self.status.borrow().clone()
    }
}

/// For a person: `live`, `failed, tries again: the store is full`.
impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Starting => write!(f, "starting"),
            Self::Rebuilding => write!(f, "filling its rows"),
            Self::CatchingUp => write!(f, "catching up"),
            Self::Live => write!(f, "live"),
            Self::Paused => write!(f, "paused"),
            Self::Failed { reason, retrying: true } => write!(f, "failed, tries again: {reason}"),
            Self::Failed { reason, retrying: false } => write!(f, "failed: {reason}"),
            Self::TakenOver => write!(f, "run by somebody else"),
            Self::Stopped => write!(f, "stopped"),
        }
    }
}

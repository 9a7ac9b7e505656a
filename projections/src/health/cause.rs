//! What can be the matter.

use std::{fmt, time::Duration};

use annals_core::Position;
use serde::{Serialize, Serializer};

/// What is the matter with a consumer of the log. Each has at most one concern of each kind. Those below
/// [`Stopped`](Self::Stopped) are of sagas and reactions alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// It has many positions of the log before it. Not said while it computes its rows from nothing.
    Behind {
        /// How many.
        positions: u64,
    },
    /// There is an event that it has not taken in for long. Not said while it computes its rows from nothing.
    Late {
        /// How long ago the first of them was recorded, as of at most a second ago. Seconds in serde's form.
        #[serde(rename = "seconds", serialize_with = "seconds")]
        time: Duration,
    },
    /// There is something to do, and it does nothing: no handler has begun, and its position is where it was.
    Stuck {
        /// For how long. Seconds in serde's form.
        #[serde(rename = "seconds", serialize_with = "seconds")]
        time: Duration,
    },
    /// Keys wait for an operator.
    Parked {
        /// How many keys.
        keys: usize,
        /// How many events are set aside, those of keys that will be tried again included.
        events: usize,
    },
    /// It computes its rows from nothing: a warning.
    Rebuilding {
        /// Where it is.
        position: Position,
        /// Where its rows are complete.
        target: Position,
    },
    /// An operator has paused it: a warning.
    Paused,
    /// It cannot go on, or has not come further since it could not: critical.
    Failed {
        /// Why.
        reason: String,
        /// Whether it tries again by itself.
        retrying: bool,
    },
    /// Another process or handle runs it, and it can write no more: critical.
    TakenOver,
    /// The store is shut down: critical.
    Stopped,
    /// Events wait for an operator, and the later ones of their instances behind them.
    SetAside {
        /// How many events, what waits behind them not counted.
        events: usize,
    },
    /// Events were set aside because more led to them, one by the other, than may: sagas or reactions send each other in
    /// circles. Critical.
    Circles {
        /// How many events.
        events: usize,
    },
    /// Commands wait for an operator, and the later ones of their instances behind them.
    CommandsWait {
        /// How many commands, what waits behind them not counted.
        commands: usize,
    },
    /// Commands wait for an operator that were to undo others.
    UndoingWaits {
        /// How many commands.
        commands: usize,
    },
    /// Commands cannot be sent: the store is at fault, or others are always there before. They are sent again without end.
    Unsent {
        /// How many instances wait for that.
        instances: usize,
        /// For how long the first of them does. Seconds in serde's form.
        #[serde(rename = "seconds", serialize_with = "seconds")]
        time: Duration,
        /// Why, the last time.
        reason: String,
    },
    /// Timers have failed too often, and wait for an operator.
    TimersWait {
        /// How many timers.
        timers: usize,
    },
    /// A timer is due and has not fired.
    TimerLate {
        /// For how long that has been so while it was looked at. Seconds in serde's form.
        #[serde(rename = "seconds", serialize_with = "seconds")]
        time: Duration,
    },
}

impl Cause {
    /// Whether it is about how far a consumer is behind.
    pub(crate) fn is_lag(&self) -> bool {
        matches!(self, Self::Behind { .. } | Self::Late { .. } | Self::TimerLate { .. })
    }

    /// Whether it is of the same kind, whatever its figures.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Behind { positions } => write!(f, "is {positions} positions behind the log"),
            Self::Late { time } => write!(f, "has not taken in an event that was recorded {time:.0?} ago"),
            Self::Stuck { time } => write!(f, "is stuck: it has done nothing for {time:.0?} although it should"),
            Self::Parked { keys, events } => write!(f, "has keys that wait for an operator: {keys}, events: {events}"),
            Self::Rebuilding { position, target } => write!(f, "computes its rows anew: at {position} of {target}"),
            Self::Paused => f.write_str("is paused"),
            Self::Failed { reason, retrying: true } => write!(f, "failed and tries again: {reason}"),
            Self::Failed { reason, retrying: false } => write!(f, "stopped until it is resumed: {reason}"),
            Self::TakenOver => f.write_str("is run by somebody else"),
            Self::Stopped => f.write_str("is shut down"),
            Self::SetAside { events } => write!(f, "has events that wait for an operator: {events}"),
            Self::Circles { events } => write!(f, "goes in circles: events set aside for that: {events}"),
            Self::CommandsWait { commands } => write!(f, "has commands that wait for an operator: {commands}"),
            Self::UndoingWaits { commands } => {
                write!(f, "has commands that undo others and wait for an operator: {commands}")
            }
            Self::Unsent { instances, time, reason } => {
                write!(f, "has not been able to send for {time:.0?}, for so many instances: {instances}: {reason}")
            }
            Self::TimersWait { timers } => write!(f, "has timers that failed and wait for an operator: {timers}"),
            Self::TimerLate { time } => write!(f, "has a timer that has been due for {time:.0?}"),
        }
    }
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

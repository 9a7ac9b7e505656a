//! Whether somebody should look at a projection, and why.

use std::{fmt, time::Duration};

use annals_core::{Position, Timestamp};
use serde::{Serialize, Serializer};
use tokio::time::Instant;

use crate::{State, Status, Thresholds, consumer::Consumer};

/// Whether somebody should look at a projection, or at several, and why. To be embedded in whatever an application says of
/// itself: it is written as text, and by serde.
///
/// What is a concern is said by the projection's [`Thresholds`]. Lag and liveness are told apart: a projection that is far
/// behind and works is [`Behind`](Cause::Behind) or [`Late`](Cause::Late), one that does nothing although it should is
/// [`Stuck`](Cause::Stuck).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// The highest level of the concerns; healthy without any.
    pub level: Level,
    /// What is the matter: of one projection after the other.
    pub concerns: Vec<Concern>,
}

/// How much something matters. A higher one is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nobody need look at it.
    #[default]
    Healthy,
    /// Somebody should look at it today.
    Warning,
    /// Somebody should look at it now.
    Critical,
}

/// One thing that is the matter with a projection. In serde's form the fields of the cause are beside the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Concern {
    /// The projection.
    pub projection: &'static str,
    /// How much it matters, never [`Level::Healthy`].
    pub level: Level,
    /// What it is.
    #[serde(flatten)]
    pub cause: Cause,
}

/// What is the matter with a projection. A projection has at most one concern of each kind.
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
}

/// What is known of a projection when its health is judged.
pub(crate) struct Vitals<'a> {
    status: &'a Status,
    /// How many positions it is behind.
    positions: u64,
    /// How long ago the first event was recorded that it has not taken in.
    time: Duration,
    /// How long nothing has moved.
    stuck: Duration,
}

impl Health {
    /// What the concerns amount to.
    #[must_use]
    pub fn of(concerns: Vec<Concern>) -> Self {
        let level = concerns.iter().map(|concern| concern.level).max().unwrap_or_default();
        Self { level, concerns }
    }

    /// Whether there is no concern.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.level == Level::Healthy
    }
}

impl FromIterator<Self> for Health {
    /// All concerns together; as bad as the worst.
    fn from_iter<I: IntoIterator<Item = Self>>(all: I) -> Self {
        Self::of(all.into_iter().flat_map(|health| health.concerns).collect())
    }
}

impl Cause {
    /// Whether it is about how far a projection is behind.
    pub(crate) fn is_lag(&self) -> bool {
        matches!(self, Self::Behind { .. } | Self::Late { .. })
    }

    /// Whether it is of the same kind, whatever its figures.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl<'a> Vitals<'a> {
    /// Those of `consumer`, whose status is `status`, at this moment.
    pub(crate) fn of(status: &'a Status, consumer: &Consumer) -> Self {
        let head = consumer.log.head().borrow().position;
        let stuck = consumer.pulse.look(status, head, Instant::now());
        let time = consumer.pulse.late(status, Timestamp::now());
        Self { status, positions: head.get().saturating_sub(status.position.get()), time, stuck }
    }

    pub(crate) fn health(&self, thresholds: &Thresholds) -> Health {
        let levels = [self.state(), self.rebuilding()].into_iter().flatten().chain(self.figures(thresholds));
        let projection = self.status.projection;
        let concerns = levels.filter(|(level, _)| *level > Level::Healthy);
        Health::of(concerns.map(|(level, cause)| Concern { projection, level, cause }).collect())
    }

    fn state(&self) -> Option<(Level, Cause)> {
        let critical = |cause| Some((Level::Critical, cause));
        match &self.status.state {
            State::Failed { reason, retrying } => {
                critical(Cause::Failed { reason: reason.clone(), retrying: *retrying })
            }
            State::TakenOver => critical(Cause::TakenOver),
            State::Stopped => critical(Cause::Stopped),
            State::Paused => Some((Level::Warning, Cause::Paused)),
            State::Starting | State::Rebuilding | State::CatchingUp | State::Live => {
                let failure = self.status.failure.as_ref()?;
                critical(Cause::Failed { reason: failure.reason.clone(), retrying: true })
            }
        }
    }

    fn rebuilding(&self) -> Option<(Level, Cause)> {
        let (position, target) = (self.status.position, self.status.target?);
        let is_rebuilding = self.status.state == State::Rebuilding;
        is_rebuilding.then_some((Level::Warning, Cause::Rebuilding { position, target }))
    }

    fn figures(&self, thresholds: &Thresholds) -> Vec<(Level, Cause)> {
        let status = self.status;
        if matches!(status.state, State::TakenOver | State::Stopped) {
            return Vec::new();
        }
        let (keys, events) = (status.parked_keys, status.parked_events);
        let mut figures = vec![
            (thresholds.stuck.level(&self.stuck), Cause::Stuck { time: self.stuck }),
            (thresholds.parked_keys.level(&keys), Cause::Parked { keys, events }),
        ];
        if status.state != State::Rebuilding {
            figures.push((thresholds.positions.level(&self.positions), Cause::Behind { positions: self.positions }));
            figures.push((thresholds.time.level(&self.time), Cause::Late { time: self.time }));
        }
        figures
    }
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.level.fmt(f)?;
        for (index, concern) in self.concerns.iter().enumerate() {
            write!(f, "{} {concern}", if index == 0 { ':' } else { ';' })?;
        }
        Ok(())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Healthy => "healthy",
            Self::Warning => "warning",
            Self::Critical => "critical",
        })
    }
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "projection {} {}", self.projection, self.cause)
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
        }
    }
}

#[cfg(test)]
mod tests;

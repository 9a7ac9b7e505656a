//! Whether somebody should look at a projection or a saga, and why.

mod cause;
mod signs;

use std::{fmt, time::Duration};

use serde::Serialize;
use tokio::time::Instant;

use crate::{Lag, State, Status, Thresholds, consumer::Consumer};

pub use cause::Cause;
pub use signs::Signs;

/// Whether somebody should look at a projection or a saga, or at several, and why. To be embedded in whatever an application
/// says of itself: it is written as text, and by serde.
///
/// What is a concern is said by the [`Thresholds`] of each. Lag and liveness are told apart: one that is far behind and works
/// is [`Behind`](Cause::Behind) or [`Late`](Cause::Late), one that does nothing although it should is
/// [`Stuck`](Cause::Stuck).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// The highest level of the concerns; healthy without any.
    pub level: Level,
    /// What is the matter: of one subject after the other.
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

/// One thing that is the matter. In serde's form the fields of subject and cause are beside the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Concern {
    /// With what.
    #[serde(flatten)]
    pub subject: Subject,
    /// How much it matters, never [`Level::Healthy`].
    pub level: Level,
    /// What it is.
    #[serde(flatten)]
    pub cause: Cause,
}

/// What something can be the matter with, by its name. In serde's form the name is in a field that is called as the kind is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Subject {
    /// A projection.
    Projection(&'static str),
    /// A saga; `$delayed` for the commands that anybody sends later.
    Saga(&'static str),
    /// A reaction.
    Reaction(&'static str),
    /// What is computed beside the rows of a projection, to be read in their place.
    Shadow(&'static str),
}

/// What is known of a build of a projection when its health is judged.
pub(crate) struct Vitals<'a> {
    status: &'a Status,
    /// How far it is behind. Of a shadow that is no concern, since nobody reads it.
    lag: Option<Lag>,
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

impl Level {
    /// The same as a figure: 0, 1 or 2.
    #[must_use]
    pub fn figure(self) -> f64 {
        match self {
            Self::Healthy => 0.0,
            Self::Warning => 1.0,
            Self::Critical => 2.0,
        }
    }
}

impl Subject {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Projection(name) | Self::Saga(name) | Self::Reaction(name) | Self::Shadow(name) => name,
        }
    }
}

impl<'a> Vitals<'a> {
    /// Those of `consumer`, whose status is `status`, at this moment.
    pub(crate) fn of(status: &'a Status, consumer: &Consumer) -> Self {
        Self { lag: Some(consumer.lag(status)), ..Self::of_shadow(status, consumer) }
    }

    /// The same of one that runs beside what is read.
    pub(crate) fn of_shadow(status: &'a Status, consumer: &Consumer) -> Self {
        let head = consumer.log.head().borrow().position;
        let stuck = consumer.pulse.look(status.position, status.state.is_at_work(), head, Instant::now());
        Self { status, lag: None, stuck }
    }

    pub(crate) fn health(&self, thresholds: &Thresholds) -> Health {
        let Self { status, lag, stuck } = *self;
        let failure = status.failure.as_ref().map(|failure| failure.reason.as_str());
        let name = status.projection;
        let (subject, positions, time) = match lag {
            Some(lag) => (Subject::Projection(name), lag.positions, lag.time),
            None => (Subject::Shadow(name), 0, Duration::ZERO),
        };
        let signs = Signs { subject, state: &status.state, failure, positions, time, stuck };
        let (keys, events) = (status.parked_keys, status.parked_events);
        let parked = (thresholds.parked_keys.level(&keys), Cause::Parked { keys, events });
        signs.health(thresholds, self.rebuilding().into_iter().chain([parked]))
    }

    fn rebuilding(&self) -> Option<(Level, Cause)> {
        let (position, target) = (self.status.position, self.status.target?);
        // A shadow does so by an operator's wish, and other rows are read meanwhile.
        let is_rebuilding = self.status.state == State::Rebuilding && self.lag.is_some();
        is_rebuilding.then_some((Level::Warning, Cause::Rebuilding { position, target }))
    }
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
        write!(f, "{} {}", self.subject, self.cause)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Projection(_) => "projection",
            Self::Saga(_) => "saga",
            Self::Reaction(_) => "reaction",
            Self::Shadow(_) => "shadow",
        };
        write!(f, "{kind} {}", self.name())
    }
}

#[cfg(test)]
mod tests;

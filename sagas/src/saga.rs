//! What a saga is.

use annals_core::{UpcastError, codec::PayloadError};
use annals_projections::{EventContext, Incoming, Subscription};
use serde::{Serialize, de::DeserializeOwned};

use crate::{BoxError, Commands, Refusal, Step};

/// A long-running process: state for each of its instances, that follows from what happened, and decides what is to be done
/// next: which commands are sent, and which timers are set. Write it as an `impl` block with
/// [`#[saga]`](https://docs.rs/annals/latest/annals/attr.saga.html), or by hand.
///
/// An instance takes one input after the other: an event, the refusal of a command that it sent, a timer. What the input
/// changes about its state, the commands and the timers are one commit, so each input takes effect once, whatever crashes. Its
/// methods are pure and synchronous: they see the state and the input, and say what is to be done; when something came in
/// between, they are run again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no saga",
    note = "write `#[saga(name = \"..\", version = 1)] impl {Self} {{ .. }}` with `#[on(Event::Variant {{ .. }})]` methods"
)]
pub trait Saga: Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its name, under which its instances are kept, for ever: lower-case letters, digits and `_`.
    const NAME: &'static str;

    /// The version of its state's shape, from 1. Instances of older versions are read by [`PAST`](Self::PAST).
    const VERSION: u32;

    /// How states of older versions are read. Without the version of an instance it cannot go on, and is set aside.
    const PAST: &'static [PastState<Self>] = &[];

    /// The timers that it may set, as far as it says so: for its [picture](crate::picture).
    const TIMERS: &'static [&'static str] = &[];

    /// Which events it is given.
    fn subscription() -> Subscription;

    /// Which commands it sends, and to which aggregates: so that those that wait can be sent after a restart.
    fn commands() -> Commands;

    /// Which instance an event is for, and whether it begins one; `None` when it is for none.
    ///
    /// # Errors
    /// When that cannot be told: the event is set aside.
    fn receive(event: Incoming<'_>, context: &EventContext<'_>) -> Result<Option<Reception>, BoxError>;

    /// Takes an event in.
    ///
    /// # Errors
    /// Any error, and a panic, leaves the instance as it was. The event is tried again, and then set aside.
    fn handle(
        &mut self,
        event: Incoming<'_>,
        context: &EventContext<'_>,
        step: &mut Step<'_, Self>,
    ) -> Result<(), BoxError>;

    /// Takes in that a command was refused. That none of its commands can be is said by leaving this out: then one that is
    /// refused all the same is set aside, and those behind it wait.
    ///
    /// # Errors
    /// Any error, and a panic, leaves the instance as it was, and the command waits for an operator.
    fn refused(&mut self, refusal: &Refusal<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        let _ = step;
        Err(Unhandled::refusal(refusal).into())
    }

    /// Takes in that a timer is due.
    ///
    /// # Errors
    /// Any error, and a panic, leaves the instance as it was. The timer is tried again, and then waits for an operator.
    fn timeout(&mut self, name: &str, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        let _ = step;
        Err(Unhandled::timer(name).into())
    }
}

/// How the state of an instance of an older version is read.
#[derive(Debug)]
pub struct PastState<S: 'static> {
    /// The version.
    pub version: u32,
    /// Reads it, and takes the steps to the state of today.
    pub decode: fn(&[u8]) -> Result<S, UpcastError>,
}

/// Which instance an event is for, and what is expected of that instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reception {
    pub(crate) key: String,
    pub(crate) starts: bool,
    pub(crate) continues: bool,
    pub(crate) otherwise: Otherwise,
}

/// What becomes of an event that meets no instance, or one that has begun or ended, where it is not expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Otherwise {
    /// It is set aside, and the later ones of the same instance behind it, until an operator decides.
    #[default]
    SetAside,
    /// It is passed by.
    Ignore,
}

impl Reception {
    /// The event begins instance `key`. It is not expected that there is one.
    pub fn starts(key: impl Into<String>) -> Self {
        Self { key: key.into(), starts: true, continues: false, otherwise: Otherwise::SetAside }
    }

    /// The event is for instance `key`, which has begun and not ended.
    pub fn continues(key: impl Into<String>) -> Self {
        Self { key: key.into(), starts: false, continues: true, otherwise: Otherwise::SetAside }
    }

    /// The event is for instance `key`, and begins it if it has not begun.
    pub fn starts_or_continues(key: impl Into<String>) -> Self {
        Self { key: key.into(), starts: true, continues: true, otherwise: Otherwise::SetAside }
    }

    /// What becomes of it where that is not so; it is set aside when nothing is said.
    #[must_use]
    pub const fn otherwise(mut self, otherwise: Otherwise) -> Self {
        self.otherwise = otherwise;
        self
    }

    /// The instance's key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// An input that a saga or a reaction has no method for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unhandled {
    /// A command was refused, and nothing is said of that.
    #[error("command {command} to {aggregate} {id} was refused, and nothing is said of what follows: {reason}")]
    Refusal {
        /// The command's name.
        command: String,
        /// The aggregate's name.
        aggregate: String,
        /// Its id.
        id: String,
        /// Why it was refused.
        reason: String,
    },
    /// A timer is due, and nothing is said of that.
    #[error("timer {name} is due, and nothing is said of what follows")]
    Timer {
        /// The timer.
        name: String,
    },
}

impl Unhandled {
    /// Nothing is said of this refusal.
    #[must_use]
    pub fn refusal(refusal: &Refusal<'_>) -> Self {
        Self::Refusal {
            command: refusal.name().to_owned(),
            aggregate: refusal.aggregate().to_owned(),
            id: refusal.id().to_owned(),
            reason: refusal.reason().to_owned(),
        }
    }

    /// Nothing is said of the timer `name`.
    #[must_use]
    pub fn timer(name: &str) -> Self {
        Self::Timer { name: name.to_owned() }
    }
}

/// Why the state of an instance cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// It was written by newer code, or by older code whose version is not among [`Saga::PAST`]. Bring that.
    #[error("the state is of version {found}, which the code of version {known} cannot read")]
    Version {
        /// Its version.
        found: u32,
        /// The version of the code.
        known: u32,
    },
    /// Its bytes are no state of its version.
    #[error("the state {0}")]
    Payload(#[from] PayloadError),
    /// A step from the older state failed.
    #[error("the state of version {version} cannot be brought to today's: {reason}")]
    Upcast {
        /// Its version.
        version: u32,
        /// Why.
        reason: UpcastError,
    },
}

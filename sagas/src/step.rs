//! What a saga or reaction says that is to be done.

use std::{marker::PhantomData, time::Duration};

use annals_core::{Aggregate, Command, JointCommand, Tenant, Timestamp, codec::EncodeError};

use crate::{BoxError, Joint, Saga, SendsTo, stored::StoredCommand};

/// The most commands that one step may send, and timers that it may set.
const EFFECTS_MAX: usize = 1000;

/// One step of an instance, while it is decided: what is known, and what is to be done.
///
/// What is said here takes effect together with the new state, or not at all. A [reaction](crate::Reaction) can send; all else needs a
/// state.
pub struct Step<'a, S> {
    about: &'a About<'a>,
    effects: &'a mut Effects,
    of: PhantomData<fn() -> S>,
}

/// What is known of an instance that takes a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) key: &'a str,
    pub(crate) tenant: Option<&'a Tenant>,
    pub(crate) step: u64,
    pub(crate) now: Timestamp,
}

/// What a step does, beside changing the state.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) sends: Vec<Send>,
    pub(crate) timers: Vec<TimerChange>,
    pub(crate) completes: bool,
    pub(crate) compensates: bool,
    failure: Option<BoxError>,
}

/// A command that a step sends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Send {
    pub(crate) command: StoredCommand,
    /// What is to be remembered, if it is one that may have to be undone.
    pub(crate) undo: Option<Option<StoredCommand>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TimerChange {
    Set(String, Timestamp),
    Cancel(String),
}

/// What undoes a command, when the saga [compensates](Step::compensate).
pub struct Undo<S> {
    command: Result<Option<StoredCommand>, EncodeError>,
    of: PhantomData<fn() -> S>,
}

impl<S> Undo<S> {
    /// `command`, sent to the aggregate `id`.
    pub fn by<A, C>(id: impl Into<A::Id>, command: C) -> Self
    where
        A: Aggregate,
        C: Command,
        S: SendsTo<A, C>,
    {
        Self { command: StoredCommand::new::<A, C>(&id.into(), &command).map(Some), of: PhantomData }
    }

    /// `command`, which [several things](JointCommand) decide about together.
    pub fn joint<C>(command: C) -> Self
    where
        C: JointCommand,
        S: SendsTo<Joint, C>,
    {
        Self { command: StoredCommand::joint(&command).map(Some), of: PhantomData }
    }

    /// There is nothing to undo.
    #[must_use]
    pub fn nothing() -> Self {
        Self { command: Ok(None), of: PhantomData }
    }
}

impl<'a, S> Step<'a, S> {
    pub(crate) fn new(about: &'a About<'a>, effects: &'a mut Effects) -> Self {
        Self { about, effects, of: PhantomData }
    }

    /// The instance's key.
    #[must_use]
    pub fn key(&self) -> &'a str {
        self.about.key
    }

    /// Whose instance it is.
    #[must_use]
    pub fn tenant(&self) -> Option<&'a Tenant> {
        self.about.tenant
    }

    /// Which step of the instance it is, from 1.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.about.step
    }

    /// The time of the step. It is another one when the step is decided again.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.about.now
    }

    /// Sends a command to the aggregate `id`, once the step is stored. The commands of an instance are sent one after the other,
    /// in this order; each takes effect once.
    pub fn send<A, C>(&mut self, id: impl Into<A::Id>, command: C)
    where
        A: Aggregate,
        C: Command,
        S: SendsTo<A, C>,
    {
        self.push(StoredCommand::new::<A, C>(&id.into(), &command), None);
    }

    /// The same of a command that has to be undone when the saga [compensates](Self::compensate): by what, or that there is
    /// nothing to undo, has to be said.
    pub fn perform<A, C>(&mut self, id: impl Into<A::Id>, command: C, undo: Undo<S>)
    where
        A: Aggregate,
        C: Command,
        S: Saga + SendsTo<A, C>,
    {
        self.push_performed(StoredCommand::new::<A, C>(&id.into(), &command), undo);
    }

    /// [Sends](Self::send) a command that [several things](JointCommand) decide about together.
    pub fn send_joint<C>(&mut self, command: C)
    where
        C: JointCommand,
        S: SendsTo<Joint, C>,
    {
        self.push(StoredCommand::joint(&command), None);
    }

    /// [Performs](Self::perform) a command that [several things](JointCommand) decide about together.
    pub fn perform_joint<C>(&mut self, command: C, undo: Undo<S>)
    where
        C: JointCommand,
        S: Saga + SendsTo<Joint, C>,
    {
        self.push_performed(StoredCommand::joint(&command), undo);
    }

    /// Sets the timer `name`, which will be due after so long: [`Saga::timeout`] is called then, not
    /// earlier. A timer of this name that is set already is moved.
    pub fn schedule(&mut self, name: impl Into<String>, after: Duration)
    where
        S: Saga,
    {
        self.schedule_at(name, self.about.now.saturating_add(after));
    }

    /// The same at a time. One that has passed is due at once.
    pub fn schedule_at(&mut self, name: impl Into<String>, due: Timestamp)
    where
        S: Saga,
    {
        self.change(TimerChange::Set(name.into(), due));
    }

    /// Cancels the timer `name`, if it is set: it will not be due.
    pub fn cancel(&mut self, name: impl Into<String>)
    where
        S: Saga,
    {
        self.change(TimerChange::Cancel(name.into()));
    }

    /// Ends the instance: what was to be done is done. Its timers are cancelled; commands that wait are still sent.
    pub fn complete(&mut self)
    where
        S: Saga,
    {
        self.effects.completes = true;
    }

    /// Undoes what the instance has [performed](Self::perform), the latest first, and ends it. It takes no inputs any more.
    ///
    /// A command that was not taken by its aggregate yet is not sent any more; one that was taken is undone. One that is
    /// [prepared](annals_core::Prepare) may have asked something outside, so it is sent on, and undone once it was taken.
    pub fn compensate(&mut self)
    where
        S: Saga,
    {
        self.effects.compensates = true;
    }

    fn push_performed(&mut self, command: Result<StoredCommand, EncodeError>, undo: Undo<S>) {
        match undo.command {
            Ok(undo) => self.push(command, Some(undo)),
            Err(error) => self.fail(error),
        }
    }

    fn push(&mut self, command: Result<StoredCommand, EncodeError>, undo: Option<Option<StoredCommand>>) {
        match command {
            Ok(_) if self.effects.sends.len() >= EFFECTS_MAX => self.fail(TooManyEffects { max: EFFECTS_MAX }),
            Ok(command) => self.effects.sends.push(Send { command, undo }),
            Err(error) => self.fail(error),
        }
    }

    fn change(&mut self, change: TimerChange) {
        if self.effects.timers.len() >= EFFECTS_MAX {
            return self.fail(TooManyEffects { max: EFFECTS_MAX });
        }
        self.effects.timers.push(change);
    }

    fn fail(&mut self, error: impl Into<BoxError>) {
        self.effects.failure.get_or_insert_with(|| error.into());
    }
}

impl Effects {
    /// What was said, unless something of it cannot be done.
    pub(crate) fn checked(mut self) -> Result<Self, BoxError> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(self),
        }
    }
}

/// A step that sends too many commands, or sets too many timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the step sends more than {max} commands, or sets more than {max} timers")]
pub struct TooManyEffects {
    /// How many are the most.
    pub max: usize,
}

impl<S> std::fmt::Debug for Step<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Step").field("about", self.about).field("effects", self.effects).finish()
    }
}

impl<S> std::fmt::Debug for Undo<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Undo").field("command", &self.command).finish()
    }
}

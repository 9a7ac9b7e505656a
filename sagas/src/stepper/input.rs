//! What an instance is given.

use annals_core::{Position, Timestamp};
use annals_projections::Delivered;

use crate::{
    Reception, Refusal, StepInput,
    commands::Refused,
    machine::Given,
    metrics::Counted,
    step::{Effects, TimerChange},
    stored::{Cause, PendingRow, StoredCommand, TimerRow},
};

use super::Consumed;

/// What an instance is given.
pub(crate) enum Input<'a> {
    /// An event: in its turn, or late, when the row is there that says that it was set aside.
    Event { event: Delivered<'a>, reception: &'a Reception, late: Option<&'a Consumed> },
    /// The refusal of a command that waits.
    Refused { pending: &'a PendingRow, consumed: &'a Consumed, refused: &'a Refused },
    /// A timer that is due.
    Timer { timer: &'a TimerRow, consumed: &'a Consumed },
    /// All that was to be undone is.
    Undone { pending: &'a PendingRow, consumed: &'a Consumed },
    /// An operator decided that a command that waits is not sent.
    Dropped { pending: &'a PendingRow, consumed: &'a Consumed, reason: &'a str },
    /// An operator ends it.
    Cancelled { reason: &'a str, compensates: bool },
    /// An operator moves a timer that is set, or cancels it.
    Timed { name: &'a str, due: Option<Timestamp>, reason: &'a str },
}

impl Input<'_> {
    pub(super) fn consumed(&self) -> Option<&Consumed> {
        match self {
            Self::Event { late, .. } => *late,
            Self::Refused { consumed, .. }
            | Self::Timer { consumed, .. }
            | Self::Undone { consumed, .. }
            | Self::Dropped { consumed, .. } => Some(consumed),
            Self::Cancelled { .. } | Self::Timed { .. } => None,
        }
    }

    /// What it is called among figures.
    pub(super) fn kind(&self) -> Counted {
        match self {
            Self::Event { .. } => Counted::InputEvent,
            Self::Refused { .. } => Counted::InputRefusal,
            Self::Timer { .. } => Counted::InputTimer,
            Self::Undone { .. } => Counted::InputUndone,
            Self::Dropped { .. } | Self::Cancelled { .. } | Self::Timed { .. } => Counted::InputOperator,
        }
    }

    /// What the saga itself has a say about.
    pub(super) fn given(&self) -> Option<Given<'_>> {
        match self {
            Self::Event { event, .. } => Some(Given::Event(event.event(), *event.context())),
            Self::Refused { pending, refused, .. } => {
                let command: &StoredCommand = pending.command()?;
                Some(Given::Refused(Refusal::new(command, refused)))
            }
            Self::Timer { timer, .. } => Some(Given::Timer(&timer.name)),
            Self::Undone { .. } | Self::Dropped { .. } | Self::Cancelled { .. } | Self::Timed { .. } => None,
        }
    }

    /// What is done without the saga's say.
    pub(super) fn effects(&self) -> Effects {
        let mut effects = Effects::default();
        effects.compensates = matches!(self, Self::Cancelled { compensates: true, .. });
        if let Self::Timed { name, due, .. } = self {
            let name = (*name).to_owned();
            effects.timers.push(due.map_or(TimerChange::Cancel(name.clone()), |due| TimerChange::Set(name, due)));
        }
        effects
    }

    /// The place of an event that comes in its turn.
    pub(super) fn place(&self) -> Option<(Position, usize)> {
        match self {
            Self::Event { event, late: None, .. } => {
                Some((event.context().record().position(), event.context().index()))
            }
            _ => None,
        }
    }

    pub(super) fn cause(&self) -> Cause {
        match self {
            Self::Event { event, .. } => Cause::of(event.context().record()),
            Self::Refused { pending, .. } | Self::Undone { pending, .. } | Self::Dropped { pending, .. } => {
                pending.cause
            }
            Self::Timer { timer, .. } => timer.cause,
            Self::Cancelled { .. } | Self::Timed { .. } => Cause { event: None, correlation: None, depth: 0 },
        }
    }

    pub(super) fn noted(&self) -> StepInput {
        match self {
            Self::Event { event, .. } => {
                let record = event.context().record();
                StepInput::Event { position: record.position(), event_type: record.event_type().as_str().to_owned() }
            }
            Self::Refused { pending, refused, .. } => {
                let command = pending.command();
                let text = |of: fn(&StoredCommand) -> &String| command.map(of).cloned().unwrap_or_default();
                StepInput::Refused {
                    command: text(|command| &command.name),
                    aggregate: text(|command| &command.aggregate),
                    id: text(|command| &command.id),
                    reason: refused.reason().to_owned(),
                }
            }
            Self::Timer { timer, .. } => StepInput::Timer { name: timer.name.clone(), due: timer.due },
            Self::Undone { .. } => StepInput::Undone,
            Self::Dropped { pending, reason, .. } => {
                let command = pending.command().map(|command| command.name.clone()).unwrap_or_default();
                StepInput::Dropped { command, reason: (*reason).to_owned() }
            }
            Self::Cancelled { reason, .. } => StepInput::Cancelled { reason: (*reason).to_owned() },
            Self::Timed { name, due, reason } => {
                let (name, reason) = ((*name).to_owned(), (*reason).to_owned());
                match *due {
                    Some(due) => StepInput::TimerMoved { name, due, reason },
                    None => StepInput::TimerCancelled { name, reason },
                }
            }
        }
    }
}

//! What an instance has been through.

use std::fmt;

use annals_core::{Position, ReadStream, StreamId, Tenant, Timestamp, Version};
use futures::TryStreamExt;

use crate::{
    InstanceId, InstanceStatus, StepInput,
    stored::{self, Stepped},
};

use super::{SagaError, SagaHandle};

/// A step of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimelineStep {
    /// Its number, from 1.
    pub number: Version,
    /// Its place in the log.
    pub position: Position,
    /// When it was stored.
    pub at: Timestamp,
    /// What the instance was given.
    pub input: StepInput,
    /// The commands that it sent, in order.
    pub sent: Vec<SentCommand>,
    /// The timers that it set, and when each is due.
    pub scheduled: Vec<(String, Timestamp)>,
    /// The timers that it cancelled.
    pub cancelled: Vec<String>,
    /// How the instance was doing behind it.
    pub status: InstanceStatus,
}

/// A command that a step sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentCommand {
    /// The name of the aggregate.
    pub aggregate: String,
    /// Its id, as text.
    pub id: String,
    /// The command's stable name.
    pub name: String,
}

impl SagaHandle {
    /// What the instance `key` of `tenant` has been through, in order; empty when there is none.
    ///
    /// # Errors
    /// [`SagaError`].
    pub async fn timeline(&self, tenant: Option<&Tenant>, key: &str) -> Result<Vec<TimelineStep>, SagaError> {
        let stream = StreamId::of(tenant, &InstanceId::category(self.name()), key)?;
        let mut records = self.stepper().annals.store().read_stream(ReadStream::all(stream));
        let mut steps = Vec::new();
        while let Some(record) = records.try_next().await? {
            let Stepped { input, sent, scheduled, cancelled, status } = stored::decode(record.payload())?;
            let sent = sent.into_iter().map(|(aggregate, id, name)| SentCommand { aggregate, id, name }).collect();
            steps.push(TimelineStep {
                number: record.version(),
                position: record.position(),
                at: record.recorded(),
                input,
                sent,
                scheduled,
                cancelled,
                status,
            });
        }
        Ok(steps)
    }
}

/// For a person: `order.placed at 17`, `charge to payment o-1 was refused: the card is declined`, `timer reminder`.
impl fmt::Display for StepInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { position, event_type } => write!(f, "{event_type} at {position}"),
            Self::Refused { command, aggregate, id, reason } => {
                write!(f, "{command} to {aggregate} {id} was refused: {reason}")
            }
            Self::Timer { name, .. } => write!(f, "timer {name}"),
            Self::Undone => write!(f, "everything is undone"),
            Self::Dropped { command, reason } => write!(f, "{command} is not sent: {reason}"),
            Self::Cancelled { reason } => write!(f, "ended by an operator: {reason}"),
            Self::TimerMoved { name, due, reason } => write!(f, "timer {name} moved to {due} by an operator: {reason}"),
            Self::TimerCancelled { name, reason } => write!(f, "timer {name} cancelled by an operator: {reason}"),
        }
    }
}

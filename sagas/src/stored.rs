//! What is stored of sagas: rows of logged tables, and the events of instances.

use std::collections::BTreeMap;

use annals_core::{
    CorrelationId, EventId, LoggedTable, Metadata, Position, Tenant, Timestamp,
    codec::{self, EncodeError, PayloadError},
};
use annals_projections::KeyBytes;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::machine::StoredState;

/// Which instance of which saga.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InstanceId {
    /// The saga's name.
    pub saga: String,
    /// Whose instance it is: the tenant of the events that it follows.
    pub tenant: Option<Tenant>,
    /// What tells it from others.
    pub key: String,
}

/// A command as it waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredCommand {
    pub(crate) aggregate: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) content: Bytes,
}

/// A row of `$sagas`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct InstanceRow {
    pub(crate) id: InstanceId,
    pub(crate) state: Bytes,
    pub(crate) state_version: u32,
    /// How many steps it has taken.
    pub(crate) version: u64,
    /// The latest event that it was given: its position, and its place among the events of its record.
    pub(crate) seen: Option<(Position, usize)>,
    pub(crate) status: InstanceStatus,
    pub(crate) timers: BTreeMap<String, Timestamp>,
    /// Where among timers those are that have failed: tried again later than they were due, or behind all others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) postponed: BTreeMap<String, Timestamp>,
    /// What was done that may have to be undone, in order.
    pub(crate) performed: Vec<Performed>,
    /// What is being undone, and what undoes it, both as step and ordinal.
    #[serde(default)]
    pub(crate) undoing: Vec<((u64, u32), (u64, u32))>,
    pub(crate) started: Timestamp,
    pub(crate) latest: Timestamp,
}

/// How an instance is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum InstanceStatus {
    /// It takes inputs.
    Running,
    /// What it did is being undone; it takes no inputs any more.
    Compensating,
    /// It has ended: what was to be done is done.
    Completed,
    /// It has ended: what it did is undone.
    Compensated,
    /// An operator has ended it.
    Cancelled,
}

/// A command that may have to be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Performed {
    pub(crate) step: u64,
    pub(crate) ordinal: u32,
    pub(crate) undo: Option<StoredCommand>,
}

/// A row of `$commands`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PendingRow {
    pub(crate) instance: InstanceId,
    /// The step that sent it, and its place among those that the step sent.
    pub(crate) step: u64,
    pub(crate) ordinal: u32,
    pub(crate) what: Pending,
    /// The event that led to it, and the conversation.
    pub(crate) cause: Cause,
    pub(crate) sent: Timestamp,
    /// How it failed; it waits for an operator then.
    pub(crate) failure: Option<Failure>,
}

/// What waits to be done for an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Pending {
    Command(StoredCommand),
    /// A command that undoes another one, by step and ordinal of that.
    Undo(StoredCommand, (u64, u32)),
    /// Everything before was undone: the instance has ended.
    Undone,
}

/// What led to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cause {
    pub(crate) event: Option<EventId>,
    pub(crate) correlation: Option<CorrelationId>,
    /// How many events and commands led to it without anything from outside.
    pub(crate) depth: u32,
}

/// A row of `$timers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TimerRow {
    pub(crate) instance: InstanceId,
    pub(crate) name: String,
    /// When it was to fire first.
    pub(crate) due: Timestamp,
    pub(crate) cause: Cause,
    /// What is sent when it is due, in place of telling the instance.
    #[serde(default)]
    pub(crate) command: Option<StoredCommand>,
    /// How it failed.
    pub(crate) failure: Option<Failure>,
    /// When it is due instead then.
    pub(crate) moved_to: Option<Timestamp>,
}

/// How something failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// Why, the last time.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it failed first.
    pub since: Timestamp,
    /// When it failed last.
    pub latest: Timestamp,
    /// Whether it waits for an operator.
    pub given_up: bool,
}

/// A row of `$aside`: an event that could not be taken in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AsideRow {
    /// The instance, whose later events wait; none when it cannot be told which it is for, and then none waits.
    pub(crate) instance: Option<InstanceId>,
    pub(crate) position: Position,
    /// How many instances have taken it, of those that one record is for.
    pub(crate) next: usize,
    pub(crate) failure: Failure,
    /// When it is to be tried again.
    pub(crate) due: Option<Timestamp>,
    /// Whether it is part of a circle.
    #[serde(default)]
    pub(crate) in_circle: bool,
}

/// An event of an instance's stream: what a step was about, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stepped {
    pub(crate) input: StepInput,
    /// What it sent: aggregate, id, command.
    pub(crate) sent: Vec<(String, String, String)>,
    pub(crate) scheduled: Vec<(String, Timestamp)>,
    pub(crate) cancelled: Vec<String>,
    pub(crate) status: InstanceStatus,
}

/// What an instance was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum StepInput {
    /// An event.
    Event {
        /// Its place in the log.
        position: Position,
        /// Its stored name.
        event_type: String,
    },
    /// The refusal of a command.
    Refused {
        /// The command's name.
        command: String,
        /// The aggregate's name.
        aggregate: String,
        /// Its id.
        id: String,
        /// Why.
        reason: String,
    },
    /// A timer.
    Timer {
        /// Its name.
        name: String,
        /// When it was due.
        due: Timestamp,
    },
    /// Everything that it did is undone.
    Undone,
    /// An operator decided that a command that waited is not sent.
    Dropped {
        /// The command's name.
        command: String,
        /// Why.
        reason: String,
    },
    /// An operator ended it.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// An operator moved a timer.
    TimerMoved {
        /// Its name.
        name: String,
        /// When it is due now.
        due: Timestamp,
        /// Why.
        reason: String,
    },
    /// An operator cancelled a timer.
    TimerCancelled {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
}

/// The stored name of the events of instances.
pub(crate) const STEPPED: &str = "saga.stepped";

impl InstanceRow {
    /// An instance that has taken no step yet. `version` steps were taken by those of its key that were forgotten.
    pub(crate) fn new(id: InstanceId, version: u64, now: Timestamp) -> Self {
        Self {
            id,
            state: Bytes::new(),
            state_version: 0,
            version,
            seen: None,
            status: InstanceStatus::Running,
            timers: BTreeMap::new(),
            postponed: BTreeMap::new(),
            performed: Vec::new(),
            undoing: Vec::new(),
            started: now,
            latest: now,
        }
    }

    pub(crate) fn state(&self) -> StoredState {
        StoredState { version: self.state_version, content: self.state.clone() }
    }
}

impl InstanceStatus {
    /// Whether it takes nothing any more.
    #[must_use]
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Running | Self::Compensating)
    }
}

impl Stepped {
    /// A step that was about `input`, and does nothing yet.
    pub(crate) fn new(input: StepInput, status: InstanceStatus) -> Self {
        Self { input, sent: Vec::new(), scheduled: Vec::new(), cancelled: Vec::new(), status }
    }

    pub(crate) fn send(&mut self, command: &StoredCommand) {
        self.sent.push((command.aggregate.clone(), command.id.clone(), command.name.clone()));
    }
}

impl InstanceId {
    /// The category of the streams of the saga's instances.
    pub(crate) fn category(saga: &str) -> String {
        format!("saga:{saga}")
    }

    /// The part of keys that tells the instance.
    pub(crate) fn bytes(&self) -> KeyBytes {
        KeyBytes::of(&(self.saga.as_str(), self.tenant.as_ref().map(Tenant::as_str), self.key.as_str()))
    }

    pub(crate) fn row(&self) -> (LoggedTable, Bytes) {
        (LoggedTable::SAGAS, copied(&self.bytes()))
    }

    pub(crate) fn aside(&self) -> (LoggedTable, Bytes) {
        (LoggedTable::ASIDE, copied(&self.bytes()))
    }

    /// The key of its pending commands, to which step and ordinal are appended.
    pub(crate) fn pending(&self, step: u64, ordinal: u32) -> (LoggedTable, Bytes) {
        pending(self.bytes().as_slice(), step, ordinal)
    }

    /// The beginning of the keys of all of them.
    pub(crate) fn all_pending(&self) -> Bytes {
        copied(&self.bytes())
    }

    /// The row of its timer `name` that is due at `due`.
    pub(crate) fn timer(&self, name: &str, due: Timestamp) -> (LoggedTable, Bytes) {
        let tenant = self.tenant.as_ref().map(Tenant::as_str);
        let key = KeyBytes::of(&(self.saga.as_str(), due, tenant, self.key.as_str(), name));
        (LoggedTable::TIMERS, copied(&key))
    }

    /// The beginning of the keys of all timers of saga `saga` that are due at `due`.
    pub(crate) fn timers_at(saga: &str, due: Timestamp) -> Bytes {
        copied(&KeyBytes::of(&(saga, due)))
    }

    /// The row that says something about saga `saga` as a whole.
    pub(crate) fn saga_row(saga: &str, what: &str) -> (LoggedTable, Bytes) {
        (LoggedTable::CONSUMERS, copied(&KeyBytes::of(&(Self::category(saga).as_str(), what))))
    }

    /// Beginnings of keys of all rows of saga `saga`.
    pub(crate) fn prefix(saga: &str) -> Bytes {
        copied(&KeyBytes::of(saga))
    }
}

impl AsideRow {
    /// An event that has not failed yet.
    pub(crate) fn new(instance: Option<InstanceId>, position: Position) -> Self {
        let (since, error) = (Timestamp::EPOCH, String::new());
        let failure = Failure { error, attempts: 0, since, latest: since, given_up: false };
        Self { instance, position, next: 0, failure, due: None, in_circle: false }
    }

    pub(crate) fn row(&self, saga: &str) -> (LoggedTable, Bytes) {
        match &self.instance {
            Some(instance) => instance.aside(),
            // Behind all instances: the text of no tenant begins so.
            None => {
                let mut key = KeyBytes::of(saga);
                key.push_raw(&[u8::MAX]);
                key.push_raw(&self.position.get().to_be_bytes());
                (LoggedTable::ASIDE, copied(&key))
            }
        }
    }
}

impl PendingRow {
    pub(crate) fn row(&self) -> (LoggedTable, Bytes) {
        self.instance.pending(self.step, self.ordinal)
    }

    /// Whether it is to undo something.
    pub(crate) fn undoes(&self) -> bool {
        !matches!(self.what, Pending::Command(_))
    }

    /// What spreads commands that are tried again.
    pub(crate) fn seed(&self) -> u64 {
        u64::from(self.ordinal).wrapping_add(self.step.wrapping_mul(31))
    }

    pub(crate) fn command(&self) -> Option<&StoredCommand> {
        match &self.what {
            Pending::Command(command) | Pending::Undo(command, _) => Some(command),
            Pending::Undone => None,
        }
    }
}

impl Cause {
    /// The name under which the depth is kept among metadata.
    const DEPTH: &'static str = "depth";

    /// What a record leads to.
    pub(crate) fn of(record: &annals_core::Record) -> Self {
        let depth = record.metadata().extra.get(Self::DEPTH).and_then(|depth| depth.parse().ok()).unwrap_or(0);
        Self { event: Some(record.id()), correlation: record.metadata().correlation, depth }
    }

    /// The metadata of what it leads to.
    pub(crate) fn metadata(self) -> Metadata {
        let mut metadata = Metadata { correlation: self.correlation, causation: self.event, ..Metadata::default() };
        metadata.extra.insert(Self::DEPTH.to_owned(), self.depth.to_string());
        metadata
    }
}

impl Failure {
    /// The next failure behind `before`.
    pub(crate) fn next(before: Option<&Self>, error: String, now: Timestamp, given_up: bool) -> Self {
        let (attempts, since) = before.map_or((0, now), |before| (before.attempts, before.since));
        Self { error, attempts: attempts.saturating_add(1), since, latest: now, given_up }
    }
}

pub(crate) fn encode<T: Serialize>(what: &'static str, row: &T) -> Result<Bytes, EncodeError> {
    codec::encode(what, row)
}

pub(crate) fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, PayloadError> {
    codec::decode(bytes)
}

/// The row of a pending command of the instance whose key is `instance`.
pub(crate) fn pending(instance: &[u8], step: u64, ordinal: u32) -> (LoggedTable, Bytes) {
    let key = [instance, &step.to_be_bytes(), &ordinal.to_be_bytes()].concat();
    (LoggedTable::COMMANDS, key.into())
}

fn copied(key: &KeyBytes) -> Bytes {
    Bytes::copy_from_slice(key.as_slice())
}

//! One step of an instance: what it was given, what it decides, and the one commit that holds both.

mod draft;

use std::sync::{Arc, PoisonError, RwLock};

use annals_core::{
    Annals, Commit, CommitError, Condition, Epoch, Failure as FailedCondition, InvalidText, LoggedTable, Position,
    ReadError, ReadStream, Record, RowIs, RowWrite, Scan, StreamId, Timestamp,
    codec::{EncodeError, PayloadError},
};
use annals_projections::Delivered;
use bytes::Bytes;
use futures::TryStreamExt;

use crate::{
    BoxError, Commands, InstanceId, InstanceStatus, Otherwise, Reception, Refusal, SagaOptions,
    commands::Refused,
    machine::{Decided, Given, Machine},
    outbox::Outbox,
    step::{About, Effects},
    stored::{self, Cause, InstanceRow, PendingRow, Performed, StepInput, StoredCommand, TimerRow},
    timers::Alarms,
};
use draft::{Draft, Finished};

/// Takes the steps of all instances of a saga.
pub(crate) struct Stepper {
    pub(crate) machine: Arc<dyn Machine>,
    pub(crate) commands: Commands,
    pub(crate) options: SagaOptions,
    pub(crate) annals: Annals,
    pub(crate) outbox: Outbox,
    pub(crate) alarms: Alarms,
    epoch: RwLock<Option<Epoch>>,
}

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
}

/// A row that an input is: whoever deletes it has taken the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Consumed {
    pub(crate) table: LoggedTable,
    pub(crate) key: Bytes,
    pub(crate) value: Bytes,
    /// What it becomes instead, when it stands for more than the input.
    pub(crate) becomes: Option<Bytes>,
}

/// What became of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The instance took a step.
    Stepped,
    /// There was nothing to do: it had taken it before, or it is of no interest to it.
    Passed,
}

/// Why an input was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    /// The saga's own error, or what it says cannot be done.
    #[error("{0}")]
    Handler(BoxError),
    /// It is not expected in the state that the instance is in.
    #[error(transparent)]
    Unexpected(#[from] Unexpected),
    /// The instance cannot be read, or what follows cannot be written down.
    #[error("what is stored of the instance {0}")]
    Payload(#[from] PayloadError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Name(#[from] InvalidText),
    /// The store's fault, none of the input.
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// Somebody else has taken over.
    #[error("another runner has taken over")]
    TakenOver,
}

/// An input that is not expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unexpected {
    /// The event does not begin an instance, and there is none.
    #[error("there is no instance {key} of saga {saga}, and the event begins none")]
    NoInstance {
        /// The saga.
        saga: String,
        /// The instance's key.
        key: String,
    },
    /// The event begins an instance, and it has begun already.
    #[error("instance {key} of saga {saga} has begun already")]
    HasBegun {
        /// The saga.
        saga: String,
        /// The instance's key.
        key: String,
    },
    /// The instance has ended.
    #[error("instance {key} of saga {saga} has ended")]
    HasEnded {
        /// The saga.
        saga: String,
        /// The instance's key.
        key: String,
    },
    /// More events and commands led to it, one by the other, than may.
    #[error("{depth} events and commands led to it, one by the other, and {max} may: sagas go in circles")]
    TooDeep {
        /// How many.
        depth: u32,
        /// How many may.
        max: u32,
    },
}

/// An instance as it was read, and what is read with it.
struct Read {
    row: Option<Bytes>,
    instance: Option<InstanceRow>,
}

impl Stepper {
    pub(crate) fn new(machine: Arc<dyn Machine>, options: SagaOptions, annals: Annals) -> Self {
        Self {
            commands: machine.commands(),
            machine,
            options,
            annals,
            outbox: Outbox::default(),
            alarms: Alarms::default(),
            epoch: RwLock::default(),
        }
    }

    pub(crate) fn saga(&self) -> &'static str {
        self.machine.name()
    }

    /// From now on every commit holds only while this epoch is the latest.
    pub(crate) fn set_epoch(&self, epoch: Epoch) {
        *self.epoch.write().unwrap_or_else(PoisonError::into_inner) = Some(epoch);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.annals.clock().now()
    }

    pub(crate) fn instance_id(&self, record: &Record, reception: &Reception) -> InstanceId {
        // A stream's tenant was checked when the id was made.
        let tenant = record.stream.tenant().and_then(|tenant| annals_core::Tenant::new(tenant).ok());
        InstanceId { saga: self.saga().to_owned(), tenant, key: reception.key.clone() }
    }

    /// Lets an instance take an input, and stores what follows: all of it, or nothing.
    pub(crate) async fn take(&self, id: &InstanceId, input: &Input<'_>) -> Result<Taken, StepError> {
        loop {
            let read = self.read(id, input).await?;
            let Some(read) = read else { return Ok(Taken::Passed) };
            let Some(Finished { commit, pending, earliest, withdraws }) = self.decide(id, read, input).await? else {
                return self.pass(input).await;
            };
            if self.commit(commit).await? {
                self.outbox.add(id, pending);
                self.alarms.set(earliest);
                if withdraws {
                    self.outbox.release(id);
                }
                return Ok(Taken::Stepped);
            }
            // Something else came in between; the input is decided about again.
        }
    }

    /// The first rows of a scan: a page may be empty although there are more.
    pub(crate) async fn first_rows(&self, scan: Scan) -> Result<Vec<(Bytes, Bytes)>, ReadError> {
        let mut next = Some(scan);
        while let Some(scan) = next {
            let page = self.annals.store().scan(scan).await?;
            if !page.rows.is_empty() {
                return Ok(page.rows);
            }
            next = page.next;
        }
        Ok(Vec::new())
    }

    /// The instance, unless the input was taken before.
    async fn read(&self, id: &InstanceId, input: &Input<'_>) -> Result<Option<Read>, StepError> {
        let (table, key) = id.row();
        let mut keys = vec![(table.into(), key)];
        let consumed = input.consumed();
        keys.extend(consumed.map(|consumed| (consumed.table.clone().into(), consumed.key.clone())));
        let mut rows = self.annals.store().get(&keys).await?.into_iter();
        let row = rows.next().flatten();
        if consumed.is_some_and(|consumed| rows.next().flatten().as_ref() != Some(&consumed.value)) {
            return Ok(None);
        }
        let instance = row.as_deref().map(stored::decode).transpose()?;
        Ok(Some(Read { row, instance }))
    }

    /// What follows from an input, as a commit; `None` when nothing does.
    async fn decide(&self, id: &InstanceId, read: Read, input: &Input<'_>) -> Result<Option<Finished>, StepError> {
        let now = self.now();
        let Read { row, instance } = read;
        match self.is_expected(id, instance.as_ref(), input) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(StepError::Unexpected(Unexpected::HasEnded { .. }))
                if self.was_undone_later(id, instance.as_ref(), input).await? =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        let state = instance.as_ref().map(InstanceRow::state);
        let is_running = instance.as_ref().is_none_or(|instance| instance.status == InstanceStatus::Running);
        let step = instance.as_ref().map_or(0, |instance| instance.version) + 1;
        let decided = match (input.given().filter(|_| is_running), state) {
            (Some(given), state) => {
                let about = About { key: &id.key, tenant: id.tenant.as_ref(), step, now };
                self.machine.decide(state.as_ref(), &given, &about).map_err(StepError::Handler)?
            }
            (None, Some(state)) => Decided { state, effects: input.effects() },
            (None, None) => return Ok(None),
        };
        let leads_to_nothing = decided.effects.sends.is_empty() && matches!(input, Input::Event { .. });
        if leads_to_nothing && !self.machine.remembers() {
            return Ok(None);
        }
        let mut draft = Draft::new(id, instance, row, input, now)?;
        let undoing = draft.apply(decided, input)?;
        if draft.compensates() {
            self.undo_all(id, &mut draft, undoing).await?;
        }
        draft.finish().map(Some)
    }

    fn is_expected(
        &self,
        id: &InstanceId,
        instance: Option<&InstanceRow>,
        input: &Input<'_>,
    ) -> Result<bool, StepError> {
        let (saga, key) = (id.saga.clone(), id.key.clone());
        let has_ended = instance.is_none_or(|instance| instance.status.has_ended());
        let (event, reception, late) = match input {
            Input::Event { event, reception, late } => (event, reception, late),
            Input::Refused { .. } if has_ended => return Err(Unexpected::HasEnded { saga, key }.into()),
            // It was cancelled or moved, and the row of a timer that had failed was elsewhere.
            Input::Timer { timer, .. } => {
                let set = instance.and_then(|instance| instance.timers.get(&timer.name));
                return Ok(!has_ended && set == Some(&timer.due));
            }
            Input::Refused { .. } | Input::Undone { .. } | Input::Dropped { .. } | Input::Cancelled { .. } => {
                return Ok(!has_ended);
            }
        };
        let place = (event.context().record().position, event.context().index());
        if late.is_none() && instance.is_some_and(|instance| instance.seen.is_some_and(|seen| seen >= place)) {
            return Ok(false);
        }
        let (depth, max) = (Cause::of(event.context().record()).depth, self.options.depth_max);
        if depth > max {
            return Err(Unexpected::TooDeep { depth, max }.into());
        }
        let unexpected = match instance.map(|instance| instance.status) {
            None if reception.starts => return Ok(true),
            None => Unexpected::NoInstance { saga, key },
            Some(InstanceStatus::Running) if reception.continues => return Ok(true),
            Some(InstanceStatus::Running) => Unexpected::HasBegun { saga, key },
            // What happens while it is undone changes nothing about what is to be undone.
            Some(InstanceStatus::Compensating) => return Ok(true),
            Some(_) => Unexpected::HasEnded { saga, key },
        };
        match reception.otherwise {
            Otherwise::Ignore => Ok(false),
            Otherwise::SetAside => Err(unexpected.into()),
        }
    }

    /// Whether the instance has undone what it did, and the event is of before that: it changes nothing any more, as one that comes
    /// while it is undone.
    async fn was_undone_later(
        &self,
        id: &InstanceId,
        instance: Option<&InstanceRow>,
        input: &Input<'_>,
    ) -> Result<bool, StepError> {
        let Input::Event { event, .. } = input else { return Ok(false) };
        if instance.is_none_or(|instance| instance.status != InstanceStatus::Compensated) {
            return Ok(false);
        }
        let stream = StreamId::of(id.tenant.as_ref(), &InstanceId::category(&id.saga), &id.key)?;
        let latest = ReadStream::all(stream).backward().limit(1);
        let ended = self.annals.store().read_stream(latest).try_next().await?.map(|record| record.position);
        Ok(ended.is_some_and(|ended| event.context().record().position < ended))
    }

    /// An input that nothing follows from is taken all the same, when it is a row.
    async fn pass(&self, input: &Input<'_>) -> Result<Taken, StepError> {
        let Some(consumed) = input.consumed() else { return Ok(Taken::Passed) };
        // Or somebody else took it.
        self.commit(consumed.take(Commit::new())).await.map(|_| Taken::Passed)
    }

    /// Undoes what was performed, the latest first. What waits yet is not sent any more.
    async fn undo_all(&self, id: &InstanceId, draft: &mut Draft, performed: Vec<Performed>) -> Result<(), StepError> {
        let keys = performed.iter().map(|done| id.pending(done.step, done.ordinal));
        let keys: Vec<_> = keys.map(|(table, key)| (table.into(), key)).collect();
        let waiting = self.annals.store().get(&keys).await?;
        for (done, row) in performed.into_iter().zip(waiting).rev() {
            let pending: Option<PendingRow> = row.as_deref().map(stored::decode).transpose()?;
            let command = pending.as_ref().and_then(PendingRow::command);
            match (command, row) {
                (Some(command), Some(value)) if !self.commands.is_prepared(command) => {
                    draft.withdraw(&Consumed::new(id.pending(done.step, done.ordinal), value));
                }
                _ => draft.undo(done)?,
            }
        }
        draft.undone()
    }

    /// Commits on condition that this runner still has the right to; false when another condition does not hold.
    pub(crate) async fn commit(&self, commit: Commit) -> Result<bool, StepError> {
        match self.annals.store().commit(self.guard(commit)).await {
            Ok(_) => Ok(true),
            Err(CommitError::Conflict { failures }) if self.is_taken_over(&failures) => Err(StepError::TakenOver),
            Err(CommitError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn guard(&self, commit: Commit) -> Commit {
        let epoch = self.epoch.read().unwrap_or_else(PoisonError::into_inner);
        let Some(epoch) = &*epoch else { return commit };
        let (table, key) = epoch.row();
        commit.when(Condition::Row { table, key, is: RowIs::Equals(epoch.to_row()) })
    }

    fn is_taken_over(&self, failures: &[FailedCondition]) -> bool {
        failures
            .iter()
            .any(|failure| matches!(failure, FailedCondition::Row { table, .. } if *table == LoggedTable::EPOCHS))
    }
}

impl StepError {
    /// Whether it may be another time: what is not expected by now never will be.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Handler(_))
    }

    /// Whether the store is at fault, or that somebody else runs the saga: none of the input.
    pub(crate) fn is_of_the_store(&self) -> bool {
        match self {
            Self::Read(_) | Self::TakenOver => true,
            // What breaks a limit of the store is the saga's own fault.
            Self::Commit(error) => !matches!(error, CommitError::Invalid(_) | CommitError::Closed { .. }),
            _ => false,
        }
    }
}

impl InstanceStatus {
    /// Whether it takes nothing any more.
    #[must_use]
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Running | Self::Compensating)
    }
}

impl Consumed {
    /// The row as it is.
    pub(crate) fn new((table, key): (LoggedTable, Bytes), value: Bytes) -> Self {
        Self { table, key, value, becomes: None }
    }

    /// `commit`, which takes the row away, on condition that it is there.
    pub(crate) fn take(&self, commit: Commit) -> Commit {
        let (table, key) = (self.table.clone(), self.key.clone());
        commit.when(self.demand()).row(RowWrite { table, key, value: self.becomes.clone() })
    }

    /// `commit`, which makes the row `value`, on condition that it is as it was.
    pub(crate) fn put(&self, commit: Commit, value: Bytes) -> Commit {
        commit.when(self.demand()).row(RowWrite::put(self.table.clone(), self.key.clone(), value))
    }

    fn demand(&self) -> Condition {
        Condition::Row { table: self.table.clone(), key: self.key.clone(), is: RowIs::Equals(self.value.clone()) }
    }
}

impl Input<'_> {
    fn consumed(&self) -> Option<&Consumed> {
        match self {
            Self::Event { late, .. } => *late,
            Self::Refused { consumed, .. }
            | Self::Timer { consumed, .. }
            | Self::Undone { consumed, .. }
            | Self::Dropped { consumed, .. } => Some(consumed),
            Self::Cancelled { .. } => None,
        }
    }

    /// What the saga itself has a say about.
    fn given(&self) -> Option<Given<'_>> {
        match self {
            Self::Event { event, .. } => Some(Given::Event(event.event(), *event.context())),
            Self::Refused { pending, refused, .. } => {
                let command: &StoredCommand = pending.command()?;
                Some(Given::Refused(Refusal::new(command, refused)))
            }
            Self::Timer { timer, .. } => Some(Given::Timer(&timer.name)),
            Self::Undone { .. } | Self::Dropped { .. } | Self::Cancelled { .. } => None,
        }
    }

    /// What is done without the saga's say.
    fn effects(&self) -> Effects {
        let mut effects = Effects::default();
        effects.compensates = matches!(self, Self::Cancelled { compensates: true, .. });
        effects
    }

    /// The place of an event that comes in its turn.
    fn place(&self) -> Option<(Position, usize)> {
        match self {
            Self::Event { event, late: None, .. } => Some((event.context().record().position, event.context().index())),
            _ => None,
        }
    }

    fn cause(&self) -> Cause {
        match self {
            Self::Event { event, .. } => Cause::of(event.context().record()),
            Self::Refused { pending, .. } | Self::Undone { pending, .. } | Self::Dropped { pending, .. } => {
                pending.cause
            }
            Self::Timer { timer, .. } => timer.cause,
            Self::Cancelled { .. } => Cause { event: None, correlation: None, depth: 0 },
        }
    }

    fn noted(&self) -> StepInput {
        match self {
            Self::Event { event, .. } => {
                let record = event.context().record();
                StepInput::Event { position: record.position, event_type: record.event_type.as_str().to_owned() }
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
        }
    }
}

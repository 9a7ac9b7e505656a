//! One step of an instance: what it was given, what it decides, and the one commit that holds both.

mod draft;
mod input;
mod kept;
mod together;

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use annals_core::{
    Annals, Commit, CommitError, Condition, Epoch, Failure as FailedCondition, InvalidText, LoggedTable, ReadError,
    ReadStream, Record, RowIs, RowWrite, Scan, StreamId, Timestamp,
    codec::{EncodeError, PayloadError},
};
use annals_projections::{
    Delivered,
    engine::{Beats, Pulse},
};
use bytes::Bytes;
use futures::TryStreamExt;

use crate::{
    BoxError, Commands, InstanceId, InstanceStatus, Otherwise, Reception, SagaOptions,
    census::{Census, Counting},
    ended,
    machine::{Decided, Machine},
    metrics::{self, Counted, Counts},
    outbox::{Outbox, Storing},
    step::About,
    stored::{self, Cause, InstanceRow, PendingRow, Performed, TimerRow},
    timers::Alarms,
    trouble::{Troubles, ago},
};
use draft::{Draft, Finished, Follows};
pub(crate) use input::Input;
use kept::{Kept, KeptInstance};

/// Takes the steps of all instances of a saga.
pub(crate) struct Stepper {
    pub(crate) machine: Arc<dyn Machine>,
    pub(crate) commands: Commands,
    pub(crate) options: SagaOptions,
    pub(crate) annals: Annals,
    pub(crate) outbox: Outbox,
    pub(crate) alarms: Alarms,
    kept: Kept,
    pub(crate) troubles: Troubles,
    pub(crate) census: Census,
    pub(crate) counts: Counts,
    pub(crate) pulse: Pulse,
    beats: Beats,
    /// Whether an instance that begins may have had a life before that is forgotten.
    forgets: AtomicBool,
    epoch: RwLock<Option<Epoch>>,
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
    /// An event that was read is not where it was: it is read again.
    #[error("an event that was read is not there any more")]
    Lost,
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
    /// The key of its row.
    key: Bytes,
    row: Option<Bytes>,
    instance: Option<InstanceRow>,
    /// How many steps were taken by instances of the key that are forgotten, if there is none.
    steps_before: u64,
    /// Whether that is how its latest step left it: what is stored may be another by now.
    is_kept: bool,
}

impl Stepper {
    pub(crate) fn new(machine: Arc<dyn Machine>, options: SagaOptions, annals: Annals) -> Self {
        let pulse = Pulse::default();
        Self {
            commands: machine.commands(),
            machine,
            options,
            annals,
            outbox: Outbox::default(),
            alarms: Alarms::default(),
            kept: Kept::default(),
            troubles: Troubles::default(),
            census: Census::default(),
            counts: Counts::default(),
            beats: pulse.beats(),
            pulse,
            forgets: AtomicBool::new(false),
            epoch: RwLock::default(),
        }
    }

    pub(crate) fn saga(&self) -> &'static str {
        self.machine.name()
    }

    /// From now on every commit holds only while this epoch is the latest.
    pub(crate) fn set_epoch(&self, epoch: Epoch) {
        *self.epoch.write().unwrap_or_else(PoisonError::into_inner) = Some(epoch);
        // Somebody else may have taken steps meanwhile.
        self.kept.clear();
    }

    /// Whether an instance that begins may have had a life before that is forgotten.
    pub(crate) fn forgets(&self) -> bool {
        self.forgets.load(Ordering::Acquire)
    }

    pub(crate) fn set_forgets(&self, forgets: bool) {
        self.forgets.store(forgets, Ordering::Release);
    }

    /// Notes that something is done.
    pub(crate) fn beat(&self) {
        self.beats.beat();
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
        self.counts.add(input.kind());
        self.take_alone(id, input).await
    }

    /// The same with one that is counted.
    async fn take_alone(&self, id: &InstanceId, input: &Input<'_>) -> Result<Taken, StepError> {
        loop {
            self.beat();
            let read = self.read(id, input).await?;
            let Some(read) = read else { return Ok(Taken::Passed) };
            let is_kept = read.is_kept;
            let Finished { commit, follows } = match self.decide(id, read, input).await {
                Ok(Some(finished)) => finished,
                // What is kept may have changed since, which only a commit would tell: it is decided about again, by what is stored.
                Ok(None) | Err(_) if is_kept => continue,
                Ok(None) => return self.pass(input).await,
                Err(error) => return Err(error),
            };
            let (counting, storing) = (self.census.counting().await, self.outbox.storing(id));
            if self.commit(commit).await? {
                self.follow(id, input, follows, storing, &counting);
                return Ok(Taken::Stepped);
            }
            storing.nothing();
            // Something else came in between; the input is decided about again.
        }
    }

    /// Lets everybody know of a step that is stored.
    fn follow(
        &self,
        id: &InstanceId,
        input: &Input<'_>,
        follows: Follows,
        storing: Storing<'_>,
        counting: &Counting<'_>,
    ) {
        let Follows { key, row, instance, sent, earliest, withdraws, begins, becomes } = follows;
        counting.follow(&self.census, id, begins, becomes);
        self.troubles.timers_that_wait(id, |name| instance.postponed.contains_key(name));
        self.kept.put(key, row, instance);
        self.alarms.set(earliest);
        self.count(input, begins, becomes);
        storing.sends(sent);
        if withdraws {
            self.outbox.release(id);
        }
    }

    /// Counts a step that is stored.
    fn count(&self, input: &Input<'_>, begins: bool, becomes: Option<InstanceStatus>) {
        self.counts.add(Counted::Step);
        if let Input::Timer { timer, .. } = input {
            self.counts.add(Counted::TimerFired);
            metrics::fired(self.saga(), ago(self.now(), timer.next()));
        }
        if !self.machine.remembers() {
            return;
        }
        if begins {
            self.counts.add(Counted::Begun);
        }
        if let Some(counted) = becomes.and_then(Counted::of) {
            self.counts.add(counted);
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

    /// Whether a row is there as it was read.
    pub(crate) async fn is_there(&self, consumed: &Consumed) -> Result<bool, ReadError> {
        let keys = [(consumed.table.clone().into(), consumed.key.clone())];
        let found = self.annals.store().get(&keys).await?;
        Ok(found.into_iter().next().flatten().as_ref() == Some(&consumed.value))
    }

    /// `commit`, which also notes in the row of its instance, if there is one, that a timer is elsewhere.
    pub(crate) async fn note_postponed(&self, timer: &TimerRow, commit: Commit) -> Result<Commit, StepError> {
        let (table, key) = timer.instance.row();
        let found = self.annals.store().get(&[(table.clone().into(), key.clone())]).await?;
        let Some(stored) = found.into_iter().next().flatten() else { return Ok(commit) };
        // One that cannot be read stays as it is.
        let Ok(mut instance) = stored::decode::<InstanceRow>(&stored) else { return Ok(commit) };
        if instance.timers.get(&timer.name) != Some(&timer.due) {
            return Ok(commit);
        }
        instance.postponed.insert(timer.name.clone(), timer.next());
        let row = stored::encode("instance of a saga", &instance)?;
        Ok(Consumed::new((table, key), stored).put(commit, row))
    }

    /// The instance, unless the input was taken before.
    async fn read(&self, id: &InstanceId, input: &Input<'_>) -> Result<Option<Read>, StepError> {
        let consumed = input.consumed();
        let (table, key) = id.row();
        if consumed.is_none()
            && let Some(kept) = self.kept.take(&key)
        {
            return Ok(Some(Read::kept(key, kept)));
        }
        let mut keys = vec![(table.into(), key.clone())];
        keys.extend(consumed.map(|consumed| (consumed.table.clone().into(), consumed.key.clone())));
        let mut rows = self.annals.store().get(&keys).await?.into_iter();
        let row = rows.next().flatten();
        if consumed.is_some_and(|consumed| rows.next().flatten().as_ref() != Some(&consumed.value)) {
            return Ok(None);
        }
        self.as_stored(id, key, row).await.map(Some)
    }

    /// The instance that is stored as `row`, if that is there.
    async fn as_stored(&self, id: &InstanceId, key: Bytes, row: Option<Bytes>) -> Result<Read, StepError> {
        let instance = row.as_deref().map(stored::decode).transpose()?;
        let begins = row.is_none() && self.forgets();
        let steps_before = if begins { ended::steps_before(self, id).await? } else { 0 };
        Ok(Read { key, row, instance, steps_before, is_kept: false })
    }

    /// What follows from an input, as a commit; `None` when nothing does.
    async fn decide(&self, id: &InstanceId, read: Read, input: &Input<'_>) -> Result<Option<Finished>, StepError> {
        let now = self.now();
        let Read { key, row, instance, steps_before, .. } = read;
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
        let step = instance.as_ref().map_or(steps_before, |instance| instance.version) + 1;
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
        let before = instance.unwrap_or_else(|| InstanceRow::new(id.clone(), steps_before, now));
        let mut draft = Draft::new(key, before, row, input, now)?;
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
        let names = || (id.saga.clone(), id.key.clone());
        let has_ended = instance.is_none_or(|instance| instance.status.has_ended());
        let (event, reception, late) = match input {
            Input::Event { event, reception, late } => (event, reception, late),
            Input::Refused { .. } if has_ended => {
                let (saga, key) = names();
                return Err(Unexpected::HasEnded { saga, key }.into());
            }
            // It was cancelled or moved, and the row of a timer that had failed was elsewhere.
            Input::Timer { timer, .. } => {
                let set = instance.and_then(|instance| instance.timers.get(&timer.name));
                return Ok(!has_ended && set == Some(&timer.due));
            }
            Input::Timed { name, .. } => {
                return Ok(!has_ended && instance.is_some_and(|instance| instance.timers.contains_key(*name)));
            }
            Input::Refused { .. } | Input::Undone { .. } | Input::Dropped { .. } | Input::Cancelled { .. } => {
                return Ok(!has_ended);
            }
        };
        let place = (event.context().record().position, event.context().index());
        if late.is_none() && instance.is_some_and(|instance| instance.seen.is_some_and(|seen| seen >= place)) {
            return Ok(false);
        }
        let status = instance.map(|instance| instance.status);
        let is_awaited = match status {
            None => reception.starts,
            Some(InstanceStatus::Running) => reception.continues,
            // What happens while it is undone changes nothing about what is to be undone.
            Some(InstanceStatus::Compensating) => return Ok(true),
            Some(_) => false,
        };
        if is_awaited {
            return self.is_near(event);
        }
        match reception.otherwise {
            Otherwise::Ignore => Ok(false),
            Otherwise::SetAside => {
                let (saga, key) = names();
                Err(match status {
                    None => Unexpected::NoInstance { saga, key },
                    Some(InstanceStatus::Running) => Unexpected::HasBegun { saga, key },
                    Some(_) => Unexpected::HasEnded { saga, key },
                }
                .into())
            }
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

    /// That not too many events and commands led to an event, one by the other.
    fn is_near(&self, event: &Delivered<'_>) -> Result<bool, StepError> {
        let (depth, max) = (Cause::of(event.context().record()).depth, self.options.depth_max);
        if depth > max { Err(Unexpected::TooDeep { depth, max }.into()) } else { Ok(true) }
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

impl Read {
    fn kept(key: Bytes, (row, instance): KeptInstance) -> Self {
        Self { key, row: Some(row), instance: Some(instance), steps_before: 0, is_kept: true }
    }
}

impl StepError {
    /// Whether it may be another time: what is not expected by now never will be.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Handler(_))
    }

    /// Whether more events and commands led to the input than may.
    pub(crate) fn is_circle(&self) -> bool {
        matches!(self, Self::Unexpected(Unexpected::TooDeep { .. }))
    }

    /// Whether the store is at fault, or that somebody else runs the saga: none of the input.
    pub(crate) fn is_of_the_store(&self) -> bool {
        match self {
            Self::Read(_) | Self::Lost | Self::TakenOver => true,
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

//! What an instance decides about an input: whether it takes it, and what follows.

use annals_core::{ReadStream, StreamId};
use annals_projections::Delivered;
use futures::TryStreamExt;

use crate::{
    InstanceId, InstanceStatus, Otherwise,
    machine::Decided,
    step::About,
    stored::{self, Cause, InstanceRow, PendingRow, Performed},
};

use super::{
    Consumed, Input, StepError, Stepper, Unexpected,
    draft::{Draft, Finished},
    reading::Read,
};

impl Stepper {
    /// What follows from an input, as a commit; `None` when nothing does.
    pub(super) async fn decide(
        &self,
        id: &InstanceId,
        read: Read,
        input: &Input<'_>,
    ) -> Result<Option<Finished>, StepError> {
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
        let place = (event.context().record().position(), event.context().index());
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
        let ended = self.annals.store().read_stream(latest).try_next().await?.map(|record| record.position());
        Ok(ended.is_some_and(|ended| event.context().record().position() < ended))
    }

    /// That not too many events and commands led to an event, one by the other.
    fn is_near(&self, event: &Delivered<'_>) -> Result<bool, StepError> {
        let (depth, max) = (Cause::of(event.context().record()).depth, self.options.depth_max);
        if depth > max { Err(Unexpected::TooDeep { depth, max }.into()) } else { Ok(true) }
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
}

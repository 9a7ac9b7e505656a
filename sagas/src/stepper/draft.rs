//! A step as it is to be committed.

use annals_core::{Commit, Condition, EventType, LoggedTable, NewEvent, RowIs, RowWrite, StreamId, Timestamp};
use bytes::Bytes;

use crate::{
    InstanceId, InstanceStatus,
    machine::Decided,
    outbox::Waiting,
    step::{Effects, Send, TimerChange},
    stored::{self, Cause, InstanceRow, Pending, PendingRow, Performed, STEPPED, Stepped, TimerRow},
};

use super::{Consumed, Input, StepError};

/// A step as it is to be committed: the instance as it will be, and rows of what is to be done.
pub(super) struct Draft {
    commit: Commit,
    /// The key of the instance's row.
    key: Bytes,
    instance: InstanceRow,
    noted: Stepped,
    event: NewEvent,
    /// What is to be done is caused by the step.
    cause: Cause,
    sent: Vec<Waiting>,
    earliest: Option<Timestamp>,
    compensates: bool,
    withdraws: bool,
    /// Whether there was no instance before.
    begins: bool,
    before: InstanceStatus,
}

/// A step that is ready to be committed, and what is to be known of it when it is.
pub(super) struct Finished {
    pub(super) commit: Commit,
    pub(super) follows: Follows,
}

/// What follows in memory from a step, once it is stored.
pub(super) struct Follows {
    /// The instance behind it, and its row.
    pub(super) key: Bytes,
    pub(super) row: Bytes,
    pub(super) instance: InstanceRow,
    /// The commands that wait behind it and did not before.
    pub(super) sent: Vec<Waiting>,
    /// When the earliest of the timers is due that it sets.
    pub(super) earliest: Option<Timestamp>,
    /// Whether commands that wait are not to be sent any more.
    pub(super) withdraws: bool,
    /// Whether the instance begins.
    pub(super) begins: bool,
    /// How it is doing from now on, if not as before.
    pub(super) becomes: Option<InstanceStatus>,
}

impl Draft {
    /// The step of the instance `before`, which is stored as `row` if it has begun.
    pub(super) fn new(
        key: Bytes,
        before: InstanceRow,
        row: Option<Bytes>,
        input: &Input<'_>,
        now: Timestamp,
    ) -> Result<Self, StepError> {
        let mut instance = before;
        instance.version += 1;
        instance.seen = input.place().max(instance.seen);
        instance.latest = now;
        let id = &instance.id;
        let stream = StreamId::of(id.tenant.as_ref(), &InstanceId::category(&id.saga), &id.key)?;
        let led_by = input.cause();
        let event = NewEvent::new(stream, EventType::new(STEPPED)?, Bytes::new());
        let event = NewEvent { metadata: led_by.metadata(), ..event };
        let cause = Cause { event: Some(event.id), correlation: led_by.correlation, depth: led_by.depth + 1 };
        let begins = row.is_none();
        let is = row.map_or(RowIs::Absent, RowIs::Equals);
        let mut commit = Commit::new();
        // Its own row, what is taken with it, and the epoch.
        commit.conditions.reserve_exact(3);
        commit.events.reserve_exact(1);
        commit = commit.when(Condition::Row { table: LoggedTable::SAGAS, key: key.clone(), is });
        if let Some(consumed) = input.consumed() {
            commit = consumed.take(commit);
        }
        let (noted, before) = (Stepped::new(input.noted(), instance.status), instance.status);
        let (sent, earliest, compensates, withdraws) = (Vec::new(), None, false, false);
        Ok(Self { commit, key, instance, noted, event, cause, sent, earliest, compensates, withdraws, begins, before })
    }

    /// Applies what was decided. Returned is what is to be undone, in the order in which it was done.
    pub(super) fn apply(&mut self, decided: Decided, input: &Input<'_>) -> Result<Vec<Performed>, StepError> {
        let Decided { state, effects } = decided;
        (self.instance.state, self.instance.state_version) = (state.content, state.version);
        self.forget_refused(input);
        self.note_fired(input);
        let Effects { sends, timers, completes, compensates, .. } = effects;
        self.commit.rows.reserve_exact(1 + sends.len() + timers.len());
        self.sent.reserve_exact(sends.len());
        self.send_all(sends)?;
        self.change_timers(&timers)?;
        let was_running = self.instance.status == InstanceStatus::Running;
        self.compensates = was_running && compensates;
        self.instance.status = match self.instance.status {
            _ if matches!(input, Input::Undone { .. }) => InstanceStatus::Compensated,
            InstanceStatus::Running if compensates => InstanceStatus::Compensating,
            InstanceStatus::Running if completes => InstanceStatus::Completed,
            InstanceStatus::Running if matches!(input, Input::Cancelled { .. }) => InstanceStatus::Cancelled,
            status => status,
        };
        if self.instance.status != InstanceStatus::Running {
            for name in self.instance.timers.keys().cloned().collect::<Vec<_>>() {
                self.cancel(&name);
            }
        }
        let performed = match self.instance.status {
            InstanceStatus::Running => Vec::new(),
            _ => std::mem::take(&mut self.instance.performed),
        };
        Ok(if self.compensates { performed } else { Vec::new() })
    }

    /// Whether what was performed is to be undone.
    pub(super) fn compensates(&self) -> bool {
        self.compensates
    }

    /// The row of a command that is not to be sent any more.
    pub(super) fn withdraw(&mut self, consumed: &Consumed) {
        self.commit = consumed.take(std::mem::take(&mut self.commit));
    }

    /// Notes what undoes a command, if anything has to.
    pub(super) fn undo(&mut self, performed: Performed) -> Result<(), StepError> {
        let Some(undo) = performed.undo else { return Ok(()) };
        let undone = (performed.step, performed.ordinal);
        self.noted.send(&undo);
        let ordinal = self.send(Pending::Undo(undo, undone))?;
        self.instance.undoing.push((undone, (self.instance.version, ordinal)));
        Ok(())
    }

    /// Notes that everything that is to be undone is noted.
    pub(super) fn undone(&mut self) -> Result<(), StepError> {
        self.send(Pending::Undone).map(drop)
    }

    pub(super) fn finish(mut self) -> Result<Finished, StepError> {
        self.noted.status = self.instance.status;
        let payload = stored::encode("step of a saga", &self.noted)?;
        self.commit.events.push(NewEvent { payload, ..self.event });
        let row = stored::encode("instance of a saga", &self.instance)?;
        self.commit.rows.push(RowWrite::put(LoggedTable::SAGAS, self.key.clone(), row.clone()));
        let becomes = Some(self.instance.status).filter(|status| *status != self.before);
        let Self { commit, key, instance, sent, earliest, compensates, withdraws, begins, .. } = self;
        let withdraws = compensates || withdraws;
        let follows = Follows { key, row, instance, sent, earliest, withdraws, begins, becomes };
        Ok(Finished { commit, follows })
    }

    /// A command that was refused was not performed, so nothing undoes it.
    fn forget_refused(&mut self, input: &Input<'_>) {
        let (Input::Refused { pending, .. } | Input::Dropped { pending, .. }) = input else { return };
        let refused = (pending.step, pending.ordinal);
        self.instance.performed.retain(|performed| (performed.step, performed.ordinal) != refused);
        let (undone, rest) = self.instance.undoing.iter().partition(|(undone, _)| *undone == refused);
        self.instance.undoing = rest;
        let undone: Vec<((u64, u32), (u64, u32))> = undone;
        for (_, (step, ordinal)) in undone {
            let (table, key) = stored::pending(&self.key, step, ordinal);
            self.commit.rows.push(RowWrite::delete(table, key));
            self.withdraws = true;
        }
    }

    /// A timer that fired is not set any more.
    fn note_fired(&mut self, input: &Input<'_>) {
        if let Input::Timer { timer, .. } = input
            && self.instance.timers.get(&timer.name) == Some(&timer.due)
        {
            self.instance.timers.remove(&timer.name);
            self.instance.postponed.remove(&timer.name);
        }
    }

    fn send_all(&mut self, sends: Vec<Send>) -> Result<(), StepError> {
        for Send { command, undo } in sends {
            self.noted.send(&command);
            let ordinal = self.send(Pending::Command(command))?;
            if let Some(undo) = undo {
                self.instance.performed.push(Performed { step: self.instance.version, ordinal, undo });
            }
        }
        Ok(())
    }

    fn change_timers(&mut self, timers: &[TimerChange]) -> Result<(), StepError> {
        for change in timers {
            match change {
                TimerChange::Set(name, due) => {
                    self.cancel(name);
                    self.set(name, *due)?;
                    self.noted.scheduled.push((name.clone(), *due));
                }
                TimerChange::Cancel(name) => {
                    if self.cancel(name) {
                        self.noted.cancelled.push(name.clone());
                    }
                }
            }
        }
        Ok(())
    }

    /// Notes something that waits to be done; its place among what the step sends.
    fn send(&mut self, what: Pending) -> Result<u32, StepError> {
        let step = self.instance.version;
        let ordinal = u32::try_from(self.sent.len()).unwrap_or(u32::MAX);
        let instance = self.instance.id.clone();
        let sent = self.instance.latest;
        let pending = PendingRow { instance, step, ordinal, what, cause: self.cause, sent, failure: None };
        let (table, key) = stored::pending(&self.key, step, ordinal);
        let value = stored::encode("pending command", &pending)?;
        self.commit.rows.push(RowWrite::put(table.clone(), key.clone(), value.clone()));
        self.sent.push(Waiting { pending, row: Consumed::new((table, key), value) });
        Ok(ordinal)
    }

    fn set(&mut self, name: &str, due: Timestamp) -> Result<(), StepError> {
        // What a timer leads to is led to by time, so it goes in no circle.
        let cause = Cause { depth: 0, ..self.cause };
        let instance = self.instance.id.clone();
        let timer =
            TimerRow { instance, name: name.to_owned(), due, cause, command: None, failure: None, moved_to: None };
        let (table, key) = self.instance.id.timer(name, due);
        self.commit.rows.push(RowWrite::put(table, key, stored::encode("timer", &timer)?));
        self.instance.timers.insert(name.to_owned(), due);
        self.earliest = Some(self.earliest.map_or(due, |earliest| earliest.min(due)));
        Ok(())
    }

    fn cancel(&mut self, name: &str) -> bool {
        let Some(due) = self.instance.timers.remove(name) else { return false };
        // One that has failed is elsewhere.
        let at = self.instance.postponed.remove(name).unwrap_or(due);
        let (table, key) = self.instance.id.timer(name, at);
        self.commit.rows.push(RowWrite::delete(table, key));
        true
    }
}

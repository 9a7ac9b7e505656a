//! How a step is stored, under which conditions, and who is told of it then.

use std::sync::PoisonError;

use annals_core::{Commit, CommitError, Condition, Failure as FailedCondition, LoggedTable, RowIs};

use crate::{
    InstanceId, InstanceStatus,
    census::Counting,
    metrics::{self, Counted},
    outbox::Storing,
    stored::{self, InstanceRow, TimerRow},
    trouble::ago,
};

use super::{Consumed, Input, StepError, Stepper, Taken, draft::Follows};

impl Stepper {
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

    /// An input that nothing follows from is taken all the same, when it is a row.
    pub(super) async fn pass(&self, input: &Input<'_>) -> Result<Taken, StepError> {
        let Some(consumed) = input.consumed() else { return Ok(Taken::Passed) };
        // Or somebody else took it.
        self.commit(consumed.take(Commit::new())).await.map(|_| Taken::Passed)
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

    /// Lets everybody know of a step that is stored.
    pub(super) fn follow(
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
}

//! Timers that are set.

use annals_core::{LoggedTable, Scan, Tenant, Timestamp};

use crate::{
    Failure, InstanceId,
    stepper::{Input, Taken},
    stored::{self, TimerRow},
};

use super::{SagaError, SagaHandle};

/// A timer that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetTimer {
    /// The instance that set it.
    pub instance: InstanceId,
    /// Its name.
    pub name: String,
    /// When it is due.
    pub due: Timestamp,
    /// How it failed, if it did: it waits for an operator when that says so, and is tried again else.
    pub failure: Option<Failure>,
}

impl SagaHandle {
    /// A page of timers, in the order in which they are due: the first one, or the one that begins at `next`.
    ///
    /// # Errors
    /// [`SagaError`].
    pub async fn timers(&self, next: Option<Scan>) -> Result<(Vec<SetTimer>, Option<Scan>), SagaError> {
        let scan = next.unwrap_or_else(|| Scan::prefix(LoggedTable::TIMERS, InstanceId::prefix(self.name())));
        let page = self.stepper().annals.store().scan(scan).await?;
        let mut timers = Vec::new();
        for (_, row) in page.rows {
            let row: TimerRow = stored::decode(&row)?;
            let due = row.next();
            let TimerRow { instance, name, failure, .. } = row;
            timers.push(SetTimer { instance, name, due, failure });
        }
        Ok((timers, page.next))
    }

    /// Lets the timer `name` of the instance `key` of `tenant` be due at another time, for that reason, which is kept in the
    /// timeline of the instance: at once when that has passed. One that failed too often is tried anew then. False when it is
    /// not set: it has fired meanwhile, was cancelled, or the instance has ended.
    ///
    /// # Errors
    /// [`SagaError`].
    pub async fn move_timer(
        &self,
        tenant: Option<&Tenant>,
        key: &str,
        name: &str,
        due: Timestamp,
        reason: &str,
    ) -> Result<bool, SagaError> {
        self.change_timer(tenant, key, &Input::Timed { name, due: Some(due), reason }).await
    }

    /// Lets the timer `name` of the instance `key` of `tenant` not be due, for that reason, which is kept in the timeline of the
    /// instance. The saga is told nothing of it. False when it is not set: it has fired meanwhile, was cancelled, or the
    /// instance has ended.
    ///
    /// # Errors
    /// [`SagaError`].
    pub async fn cancel_timer(
        &self,
        tenant: Option<&Tenant>,
        key: &str,
        name: &str,
        reason: &str,
    ) -> Result<bool, SagaError> {
        self.change_timer(tenant, key, &Input::Timed { name, due: None, reason }).await
    }

    async fn change_timer(&self, tenant: Option<&Tenant>, key: &str, input: &Input<'_>) -> Result<bool, SagaError> {
        let taken = self.stepper().take(&self.id(tenant, key), input).await?;
        Ok(taken == Taken::Stepped)
    }
}

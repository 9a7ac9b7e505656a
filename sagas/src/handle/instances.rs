//! Instances: how they are doing, and what they hold.

use std::collections::BTreeMap;

use annals_core::{LoggedTable, Position, Scan, Tenant, Timestamp};

use crate::{
    InstanceId, InstanceStatus, Saga,
    machine::open,
    stepper::{Input, Taken},
    stored::{self, InstanceRow},
};

use super::{SagaError, SagaHandle};

/// How an instance is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instance {
    /// Which one it is.
    pub id: InstanceId,
    /// Whether it runs, or how it ended.
    pub status: InstanceStatus,
    /// How many inputs it has taken.
    pub steps: u64,
    /// The latest event that it was given.
    pub seen: Option<Position>,
    /// The timers that are set, and when each is due.
    pub timers: BTreeMap<String, Timestamp>,
    /// When it took its first input.
    pub started: Timestamp,
    /// When it took the latest.
    pub latest: Timestamp,
}

/// A page of instances.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Instances {
    /// Some of them, in the order of tenant and key.
    pub instances: Vec<Instance>,
    /// Where the next page begins, if there may be one: for [`SagaHandle::instances`].
    pub next: Option<Scan>,
}

impl SagaHandle {
    /// The instance `key` of `tenant`, if there is one.
    ///
    /// # Errors
    /// [`SagaError`].
    pub async fn instance(&self, tenant: Option<&Tenant>, key: &str) -> Result<Option<Instance>, SagaError> {
        Ok(self.row(&self.id(tenant, key)).await?.map(InstanceRow::show))
    }

    /// The state of the instance `key` of `tenant`, if there is one.
    ///
    /// # Errors
    /// [`SagaError`].
    pub async fn state<S: Saga>(&self, tenant: Option<&Tenant>, key: &str) -> Result<Option<S>, SagaError> {
        let row = self.row(&self.id(tenant, key)).await?;
        Ok(row.map(|row| open(&row.state())).transpose()?)
    }

    /// A page of instances of every tenant: the first one, or the one that [`Instances::next`] names. Those of which `wanted`
    /// says so are in it, so a page may be short, or empty, before the last.
    ///
    /// # Errors
    /// [`SagaError`].
    pub async fn instances(
        &self,
        next: Option<Scan>,
        wanted: impl Fn(&Instance) -> bool,
    ) -> Result<Instances, SagaError> {
        let scan = next.unwrap_or_else(|| Scan::prefix(LoggedTable::SAGAS, InstanceId::prefix(self.name())));
        let page = self.stepper().annals.store().scan(scan).await?;
        let mut instances = Vec::new();
        for (_, row) in &page.rows {
            instances.push(stored::decode::<InstanceRow>(row)?.show());
        }
        instances.retain(wanted);
        Ok(Instances { instances, next: page.next })
    }

    /// Ends an instance, for that reason, which is kept in its timeline: with `compensate` what it has performed is undone, else
    /// it stays. Commands that wait and may not be undone are still sent. False when there is none, or it has ended.
    ///
    /// # Errors
    /// [`SagaError`].
    pub async fn cancel(
        &self,
        tenant: Option<&Tenant>,
        key: &str,
        reason: &str,
        compensate: bool,
    ) -> Result<bool, SagaError> {
        let id = self.id(tenant, key);
        let taken = self.stepper().take(&id, &Input::Cancelled { reason, compensates: compensate }).await?;
        Ok(taken == Taken::Stepped)
    }

    async fn row(&self, id: &InstanceId) -> Result<Option<InstanceRow>, SagaError> {
        let (table, key) = id.row();
        let found = self.stepper().annals.store().get(&[(table.into(), key)]).await?;
        Ok(found.into_iter().next().flatten().as_deref().map(stored::decode).transpose()?)
    }
}

impl InstanceRow {
    fn show(self) -> Instance {
        let Self { id, status, version, seen, timers, started, latest, .. } = self;
        Instance { id, status, steps: version, seen: seen.map(|(position, _)| position), timers, started, latest }
    }
}

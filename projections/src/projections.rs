//! All projections that run on a store.

mod handle;
mod shadow;
mod start;

use std::{any::TypeId, marker::PhantomData, sync::Arc};

use annals_core::{Annals, Component, OpenError, Running, Store, Tenant, async_trait};

use crate::{
    Alarm, Projection, ProjectionOptions, Row, View, ViewError,
    alarm::AlarmHook,
    monitor::Monitor,
    reading::RowsOf,
    registration::{self, Registration},
};

pub use handle::{OperatorError, ProjectionHandle, WaitError};
pub use shadow::{Difference, RowDifference, Shadow, ShadowError, TableDifference};
use start::{Started, start};

/// The projections of an application, before they run. [`WithProjections`](crate::WithProjections) adds to them.
#[derive(Default)]
pub struct ProjectionSet {
    all: Vec<Registration>,
    hook: AlarmHook,
}

/// The projections that run on a store.
///
/// They stop when the store is shut down, or when the last handle of the application is dropped.
pub struct Projections {
    all: Vec<Arc<Started>>,
    monitor: Monitor,
}

impl ProjectionSet {
    /// Adds a projection.
    pub fn add<P: Projection>(&mut self, projection: P, options: ProjectionOptions) {
        self.all.push(Registration::of(projection, options));
    }

    /// Calls `hook` with each [`Alarm`], in place of another one. It is called by the task that looks at all projections, so
    /// it must not block: what takes long belongs into a task of its own. A panic is caught and told to `tracing`.
    pub fn on_alarm(&mut self, hook: impl Fn(&Alarm) + Send + Sync + 'static) {
        self.hook = AlarmHook::new(hook);
    }
}

#[async_trait]
impl Component for ProjectionSet {
    async fn start(self: Box<Self>, annals: &Annals) -> Result<Arc<dyn Running>, OpenError> {
        registration::check(&self.all).map_err(OpenError::component)?;
        let store: &Arc<dyn Store> = annals.store();
        let all = start(store, self.all).await.map_err(OpenError::component)?;
        let watched = all.iter().map(|started| started.watched()).collect();
        let monitor = Monitor::begin(watched, self.hook, store.head());
        Ok(Arc::new(Projections { all, monitor }))
    }
}

#[async_trait]
impl Running for Projections {
    async fn stop(&self) {
        // First, so that it says nothing of what follows.
        self.monitor.end().await;
        for started in &self.all {
            started.tell_to_stop();
        }
        for started in &self.all {
            started.ended().await;
        }
    }
}

impl Drop for Projections {
    fn drop(&mut self) {
        for started in &self.all {
            started.tell_to_stop();
        }
    }
}

impl Projections {
    /// The projection `P`, if it was registered.
    #[must_use]
    pub fn of<P: Projection>(&self) -> Option<ProjectionHandle> {
        let started = self.all.iter().find(|started| started.projection == TypeId::of::<P>())?;
        Some(ProjectionHandle::new(started))
    }

    /// The projection of this name, if there is one.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<ProjectionHandle> {
        self.all.iter().find(|started| started.name == name).map(ProjectionHandle::new)
    }

    /// All of them, in the order in which they were registered.
    pub fn iter(&self) -> impl Iterator<Item = ProjectionHandle> {
        self.all.iter().map(ProjectionHandle::new)
    }

    /// The table of the rows `R`, as `tenant` has it.
    ///
    /// # Errors
    /// [`ViewError::NotRegistered`] when no projection keeps it.
    pub fn view<R: Row>(&self, tenant: Option<&Tenant>) -> Result<View<R>, ViewError> {
        let keeps = |started: &&Arc<Started>| started.reading.specs.iter().any(|spec| spec.row == TypeId::of::<R>());
        let Some(started) = self.all.iter().find(keeps) else {
            return Err(ViewError::NotRegistered { row: std::any::type_name::<R>() });
        };
        let reading = Arc::clone(&started.reading);
        let rows = RowsOf { reading: Arc::clone(&reading), tenant: tenant.cloned(), of: PhantomData::<fn() -> R> };
        Ok(View::new(Arc::clone(&reading.rows), rows))
    }
}

impl std::fmt::Debug for Projections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all.iter().map(|started| started.name)).finish()
    }
}

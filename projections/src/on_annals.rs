//! What projections add to the handle of an application, its builder, and commands.

use std::{fmt, future::IntoFuture, sync::Arc, time::Duration};

use annals_core::{Annals, Builder, ExecuteError, Executed, Receipt, Sending, Targets};
use futures::future::BoxFuture;

use crate::{
    Alarm, Projection, ProjectionHandle, ProjectionOptions, ProjectionSet, Projections, Row, View, ViewError, WaitError,
};

/// Registers projections: `Annals::builder("bank.annals").projection(Balances)`.
pub trait WithProjections: Sized {
    /// Runs `projection` while the store is open.
    fn projection<P: Projection>(self, projection: P) -> Self {
        self.projection_with(projection, ProjectionOptions::default())
    }

    /// The same with options.
    fn projection_with<P: Projection>(self, projection: P, options: ProjectionOptions) -> Self;

    /// Calls `hook` whenever something begins to be the matter with a projection, matters more or less, or is over: see
    /// [`Alarm`]. Without a hook `tracing` is told, under [`ALARM_TARGET`](crate::ALARM_TARGET).
    ///
    /// The hook must not block. A panic in it is caught.
    fn on_projection_alarm(self, hook: impl Fn(&Alarm) + Send + Sync + 'static) -> Self;
}

impl WithProjections for Builder {
    fn projection_with<P: Projection>(self, projection: P, options: ProjectionOptions) -> Self {
        self.component::<ProjectionSet>(|set| set.add(projection, options))
    }

    fn on_projection_alarm(self, hook: impl Fn(&Alarm) + Send + Sync + 'static) -> Self {
        self.component::<ProjectionSet>(|set| set.on_alarm(hook))
    }
}

/// The read side of an application: `bank.view::<Balance>()?.get("ada").await?`.
pub trait ReadModels {
    /// The table of the rows `R`, as this handle's tenant has it.
    ///
    /// # Errors
    /// [`ViewError::NotRegistered`] when no projection keeps it.
    fn view<R: Row>(&self) -> Result<View<R>, ViewError>;

    /// The projections that run, if any were registered.
    fn projections(&self) -> Option<Arc<Projections>>;

    /// The projection `P`, if it was registered.
    fn projection<P: Projection>(&self) -> Option<ProjectionHandle> {
        self.projections()?.of::<P>()
    }
}

impl ReadModels for Annals {
    fn view<R: Row>(&self) -> Result<View<R>, ViewError> {
        match self.projections() {
            Some(projections) => projections.view(self.tenant()),
            None => Err(ViewError::NotRegistered { row: std::any::type_name::<R>() }),
        }
    }

    fn projections(&self) -> Option<Arc<Projections>> {
        self.component()
    }
}

/// Sends a command and waits until a projection has seen what came of it:
/// `bank.on::<Account>("ada").send(command).and_wait::<Balances>().await?`.
pub trait AndWait<'a>: Sized {
    /// The command's answer.
    type Reply;
    /// The command's refusal.
    type Error;

    /// Waits for `P`, for 5 s unless [`within`](Waiting::within) says otherwise.
    fn and_wait<P: Projection>(self) -> Waiting<'a, Self::Reply, Self::Error>;
}

/// How long a projection is waited for when nothing is said.
const WAIT: Duration = Duration::from_secs(5);

/// A command on its way, and then a projection that is waited for. Await it.
#[must_use = "nothing is sent before it is awaited"]
pub struct Waiting<'a, R, E> {
    sending: BoxFuture<'a, Result<Executed<R>, ExecuteError<E>>>,
    handle: Option<ProjectionHandle>,
    projection: &'static str,
    within: Duration,
}

/// A command that was executed, and whether a projection has seen it. That it has not changes nothing about the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waited<R> {
    /// What the decision replied.
    pub reply: R,
    /// What the commit returned.
    pub receipt: Receipt,
    /// Whether the projection has seen it, and else why not.
    pub seen: Result<(), WaitError>,
}

impl<'a, T, C, R, E> AndWait<'a> for Sending<'a, T, C, R, E>
where
    T: Targets + 'a,
    C: Clone + Send + Sync + 'static,
    R: Send + 'a,
    E: Send + 'a,
{
    type Reply = R;
    type Error = E;

    fn and_wait<P: Projection>(self) -> Waiting<'a, R, E> {
        let handle = ReadModels::projection::<P>(self.annals());
        Waiting { sending: self.into_future(), handle, projection: P::NAME, within: WAIT }
    }
}

impl<R, E> Waiting<'_, R, E> {
    /// Waits so long for the projection, not longer.
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }
}

impl<'a, R: Send + 'a, E: Send + 'a> IntoFuture for Waiting<'a, R, E> {
    type Output = Result<Waited<R>, ExecuteError<E>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Executed { reply, receipt } = self.sending.await?;
            let seen = match self.handle {
                Some(handle) => handle.wait_within(&receipt, self.within).await,
                None => Err(WaitError::NotRegistered { projection: self.projection }),
            };
            Ok(Waited { reply, receipt, seen })
        })
    }
}

impl<R, E> fmt::Debug for Waiting<'_, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("projection", &self.projection).finish_non_exhaustive()
    }
}

//! How a decision is made, and what it waits for before.

use std::{
    any::{Any, type_name},
    panic::AssertUnwindSafe,
    sync::Arc,
};

use futures::{FutureExt, future::BoxFuture};

use crate::{
    Aggregate, Annals, At, ExecuteError, Handle, IdempotencyKey, JointCommand, Preparation, Prepare, Targets,
    load::{Held, message},
};

use super::Terms;

/// A decision, to be run on every attempt.
pub(crate) type Decide<'a, T, R, E> = Box<dyn for<'d> FnMut(<T as Targets>::In<'d>) -> Result<R, E> + Send + 'a>;

/// What comes before a decision: the first look at what is held, and services to wait for.
type Preparing<'a, T, R, E> = Box<
    dyn for<'h> FnOnce(
            &'h <T as Targets>::Held,
            Around<'h>,
        ) -> BoxFuture<'h, Result<Decide<'a, T, R, E>, ExecuteError<E>>>
        + Send
        + 'a,
>;

/// What surrounds a decision.
#[derive(Clone, Copy)]
pub(crate) struct Around<'h> {
    pub(super) annals: &'h Annals,
    pub(super) terms: &'h Terms,
    pub(super) key: Option<&'h IdempotencyKey>,
}

/// How a decision is made.
pub(crate) enum Deciding<'a, T: Targets, R, E> {
    /// At once.
    Now(Decide<'a, T, R, E>),
    /// With what was prepared, once, on what was loaded first.
    Prepared(Preparing<'a, T, R, E>),
}

impl<'a, T: Targets, R, E> Deciding<'a, T, R, E> {
    /// Whether something is prepared on what is held, by a service that must not be asked about what is out of date.
    pub(super) const fn prepares(&self) -> bool {
        matches!(self, Self::Prepared(_))
    }

    /// The decision, prepared on what is `held`.
    pub(super) async fn on(self, held: &T::Held, around: Around<'_>) -> Result<Decide<'a, T, R, E>, ExecuteError<E>> {
        match self {
            Self::Now(decide) => Ok(decide),
            Self::Prepared(prepare) => prepare(held, around).await,
        }
    }
}

impl<T: Targets, R, E> Deciding<'_, T, R, E> {
    /// The command knows how it is decided about.
    pub(crate) fn jointly<C>(command: C) -> Self
    where
        C: JointCommand<Targets = T, Reply = R, Error = E>,
    {
        Self::Now(Box::new(move |of| command.decide(of)))
    }
}

impl<'a, A: Aggregate, R, E> Deciding<'a, At<A>, R, E> {
    /// The aggregate handles the command.
    pub(super) fn handling<C>(command: C) -> Self
    where
        A: Handle<C, Reply = R, Error = E>,
        C: Clone + Send + 'static,
    {
        Self::Now(Box::new(move |aggregate| A::handle(aggregate, command.clone())))
    }

    /// The aggregate prepares the command, and handles what came of that.
    pub(super) fn preparing<C>(command: C) -> Self
    where
        A: Prepare<C, Error = E> + Handle<A::Prepared, Reply = R, Error = E>,
        C: Clone + Send + Sync + 'static,
    {
        Self::Prepared(Box::new(move |held: &Arc<Held<A>>, Around { annals, terms, key }| {
            Box::pin(async move {
                let service = annals.service::<A::Service>();
                let service = service.ok_or(ExecuteError::NoService { service: type_name::<A::Service>() })?;
                let Held { id, state, version, .. } = &**held;
                let (version, now, metadata) = (*version, terms.now, &terms.metadata);
                let preparation = Preparation { state, id, version, now, metadata, key };
                let preparing = AssertUnwindSafe(A::prepare(preparation, command, service)).catch_unwind().await;
                let panicked = |panic: Box<dyn Any + Send>| message(&*panic);
                let prepared = preparing
                    .map_err(|panic| ExecuteError::Panicked { message: panicked(panic) })?
                    .map_err(ExecuteError::Refused)?;
                let decide: Decide<'a, At<A>, R, E> =
                    Box::new(move |aggregate| A::handle(aggregate, A::Prepared::clone(&prepared)));
                Ok(decide)
            })
        }))
    }
}

//! What sagas add to the builder of an application and to its handle.

use std::sync::Arc;

use annals_core::{Annals, Builder, Command, Handle};

use annals_projections::{Alarm, Health};

use crate::{Commands, Reaction, Saga, SagaHandle, SagaOptions, SagaSet, Sagas};

/// Registers sagas: `Annals::builder("shop.annals").saga::<Fulfilment>()`.
pub trait WithSagas: Sized {
    /// Runs the saga `S` while the store is open.
    fn saga<S: Saga>(self) -> Self {
        self.saga_with::<S>(SagaOptions::default())
    }

    /// The same with options.
    fn saga_with<S: Saga>(self, options: SagaOptions) -> Self;

    /// Runs the reaction `R` while the store is open.
    fn reaction<R: Reaction>(self) -> Self {
        self.reaction_with::<R>(SagaOptions::default())
    }

    /// The same with options.
    fn reaction_with<R: Reaction>(self, options: SagaOptions) -> Self;

    /// Lets `C` be sent to an `A` later: see [`SendLater`](crate::SendLater).
    fn delayed<A, C>(self) -> Self
    where
        A: Handle<C>,
        C: Command,
        A::Error: std::fmt::Display + Send + Sync + 'static;

    /// Calls `hook` whenever something begins to be the matter with a saga or reaction, matters more or less, or is over: see
    /// [`Alarm`]. Without a hook `tracing` is told, under [`SAGA_ALARM_TARGET`](annals_projections::SAGA_ALARM_TARGET).
    ///
    /// The hook must not block. A panic in it is caught.
    fn on_saga_alarm(self, hook: impl Fn(&Alarm) + Send + Sync + 'static) -> Self;
}

impl WithSagas for Builder {
    fn saga_with<S: Saga>(self, options: SagaOptions) -> Self {
        self.component::<SagaSet>(|set| set.add::<S>(options))
    }

    fn reaction_with<R: Reaction>(self, options: SagaOptions) -> Self {
        self.component::<SagaSet>(|set| set.add_reaction::<R>(options))
    }

    fn delayed<A, C>(self) -> Self
    where
        A: Handle<C>,
        C: Command,
        A::Error: std::fmt::Display + Send + Sync + 'static,
    {
        self.component::<SagaSet>(|set| set.delay(Commands::new().with::<A, C>()))
    }

    fn on_saga_alarm(self, hook: impl Fn(&Alarm) + Send + Sync + 'static) -> Self {
        self.component::<SagaSet>(|set| set.on_alarm(hook))
    }
}

/// The sagas of an application that runs.
pub trait RunningSagas {
    /// All of them, if any were registered.
    fn sagas(&self) -> Option<Arc<Sagas>>;

    /// Whether somebody should look at any of them, and why; healthy when none was registered.
    fn sagas_health(&self) -> Health {
        self.sagas().map(|sagas| sagas.health()).unwrap_or_default()
    }

    /// The saga `S`, if it was registered.
    fn saga<S: Saga>(&self) -> Option<SagaHandle> {
        self.sagas()?.of::<S>()
    }

    /// The reaction `R`, if it was registered.
    fn reaction<R: Reaction>(&self) -> Option<SagaHandle> {
        self.sagas()?.of_reaction::<R>()
    }
}

impl RunningSagas for Annals {
    fn sagas(&self) -> Option<Arc<Sagas>> {
        self.component()
    }
}

//! What sagas add to the builder of an application and to its handle.

use std::sync::Arc;

use annals_core::{Annals, Builder, Command, Handle};

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
}

/// The sagas of an application that runs.
pub trait RunningSagas {
    /// All of them, if any were registered.
    fn sagas(&self) -> Option<Arc<Sagas>>;

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

//! What sagas add to the builder of an application and to its handle.

use std::sync::Arc;

use annals_core::{Annals, Builder};

use crate::{Saga, SagaHandle, SagaOptions, SagaSet, Sagas};

/// Registers sagas: `Annals::builder("shop.annals").saga::<Fulfilment>()`.
pub trait WithSagas: Sized {
    /// Runs the saga `S` while the store is open.
    fn saga<S: Saga>(self) -> Self {
        self.saga_with::<S>(SagaOptions::default())
    }

    /// The same with options.
    fn saga_with<S: Saga>(self, options: SagaOptions) -> Self;
}

impl WithSagas for Builder {
    fn saga_with<S: Saga>(self, options: SagaOptions) -> Self {
        self.component::<SagaSet>(|set| set.add::<S>(options))
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
}

impl RunningSagas for Annals {
    fn sagas(&self) -> Option<Arc<Sagas>> {
        self.component()
    }
}

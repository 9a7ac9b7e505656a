//! The handle that applications hold: a store, and what is needed to run decisions on it.

mod builder;
mod open_store;

use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
};

use crate::{
    Aggregate, At, Clock, Component, Interceptor, JointCommand, NameKey, On, Running, Sending, SnapshotCounts, Store,
    Targets, Tenant, Together, at,
    cache::Cache,
    execute::{Deciding, RetryPolicy},
    prepare::Services,
    schemas::Registry,
    snapshot::Keeper,
};

pub use builder::Builder;
pub use open_store::{OpenError, OpenStore};

/// An open store and everything that runs on it. Cloning is cheap and gives another handle on the same.
///
/// ```
/// use annals_core::{Annals, MemoryStore};
#[doc = include_str!("doc/counter.txt")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let annals = Annals::over(MemoryStore::new()).aggregate::<Counter>().open().await?;
/// let executed = annals.on::<Counter>("visits").send(Increment { by: 2 }).await?;
/// assert_eq!(executed.reply, 2);
///
/// let again = || annals.on::<Counter>("visits").send(Increment { by: 3 }).idempotency_key("click-1");
/// assert!(!again().await?.receipt.repeated);
/// assert!(again().await?.receipt.repeated);
/// assert_eq!(annals.on::<Counter>("visits").load().await?.state.total, 5);
/// annals.shut_down().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Annals {
    inner: Arc<Inner>,
    /// Beside the rest, because what runs on the store has a handle too, and must not keep itself.
    components: Components,
    tenant: Option<Tenant>,
}

/// What runs on the store; set once all of it has started.
type Components = Arc<OnceLock<Vec<Arc<dyn Running>>>>;

struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    retry: RetryPolicy,
    cache: Cache,
    keeper: Keeper,
    interceptors: Vec<Arc<dyn Interceptor>>,
    services: Services,
    registry: Registry,
    /// Known once it was needed.
    name_key: OnceLock<NameKey>,
}

impl Annals {
    /// Begins to open `store`: a [`MemoryStore`](crate::MemoryStore), the options of a durable one, or a store that is
    /// open already (`Arc<dyn Store>`).
    pub fn over(store: impl OpenStore + 'static) -> Builder {
        Builder::new(Box::new(store))
    }

    /// The same for `tenant`: its streams, idempotency keys and snapshots, and nobody else's.
    #[must_use]
    pub fn in_tenant(&self, tenant: Tenant) -> Self {
        Self { tenant: Some(tenant), ..self.clone() }
    }

    /// Whose handle it is.
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        self.tenant.as_ref()
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// One aggregate, to send commands to. It need not exist: its first event makes it.
    pub fn on<A: Aggregate>(&self, id: impl Into<A::Id>) -> On<'_, A> {
        On::new(self, at::<A>(id))
    }

    /// Decides about several aggregates at once, or within a [`boundary`](crate::boundary): all are loaded, then `decide` runs
    /// on them, then everything that they emitted is one commit, which takes effect only if none of them has moved. Pure
    /// like [`handle`](crate::Handle::handle): `decide` is run again when something came in between.
    ///
    /// The targets are tuples, of different kinds too, and `Vec`s of one kind, of which `decide` gets a slice.
    ///
    /// ```
    /// use annals_core::{Annals, MemoryStore, at};
    #[doc = include_str!("doc/counter.txt")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let annals = Annals::over(MemoryStore::new()).open().await?;
    /// let moved = annals.together((at::<Counter>("a"), at::<Counter>("b")), |(a, b)| {
    ///     a.emit(Counted::Incremented { by: 1 });
    ///     b.emit(Counted::Incremented { by: 2 });
    ///     Ok::<_, String>(a.total + b.total)
    /// });
    /// assert_eq!(moved.await?.reply, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn together<T: Targets, R, E>(
        &self,
        targets: T,
        decide: impl for<'d> FnMut(T::In<'d>) -> Result<R, E> + Send + 'static,
    ) -> Together<'_, T, R, E> {
        Together::new(self, targets, Box::new(decide))
    }

    /// Sends a command that [several things](JointCommand) decide about together: it knows which, and how.
    pub fn send<C: JointCommand>(&self, command: C) -> Sending<'_, C::Targets, C, C::Reply, C::Error> {
        Sending::new(self, command.targets(), command, Deciding::jointly)
    }

    /// What became of snapshots since the store was opened.
    #[must_use]
    pub fn snapshot_counts(&self) -> SnapshotCounts {
        self.inner.keeper.counts()
    }

    /// What runs on the store of the type `C`, if anything: see [`Builder::component`].
    #[must_use]
    pub fn component<C: Running>(&self) -> Option<Arc<C>> {
        let components = self.components.get()?;
        components.iter().find_map(|running| {
            let running: Arc<dyn Any + Send + Sync> = Arc::<dyn Running>::clone(running);
            running.downcast().ok()
        })
    }

    /// Ends what runs on the store, the latest first, waits for the snapshots under way, then shuts the store down. Idempotent. Afterwards everything that reads or
    /// writes answers that the store is shut down, also through other handles.
    pub async fn shut_down(&self) {
        for running in self.components.get().into_iter().flatten().rev() {
            running.stop().await;
        }
        self.inner.keeper.settle().await;
        self.inner.store.shut_down().await;
    }

    /// Starts `components`. When one cannot be started, those before it are ended again, and the store is shut down.
    async fn start(&self, components: Vec<Box<dyn Component>>) -> Result<(), OpenError> {
        let mut running = Vec::new();
        let mut failed = None;
        let handle = Self { components: Components::default(), ..self.clone() };
        for component in components {
            match component.start(&handle).await {
                Ok(started) => running.push(started),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        // Nobody else has this handle yet, so it is set once.
        drop(self.components.set(running));
        match failed {
            Some(error) => {
                self.shut_down().await;
                Err(error)
            }
            None => Ok(()),
        }
    }

    /// Where decisions take the time from.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    pub(crate) fn retry(&self) -> RetryPolicy {
        self.inner.retry
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    pub(crate) fn keeper(&self) -> &Keeper {
        &self.inner.keeper
    }

    pub(crate) fn interceptors(&self) -> &[Arc<dyn Interceptor>] {
        &self.inner.interceptors
    }

    pub(crate) fn service<S: 'static>(&self) -> Option<&S> {
        self.inner.services.get()
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    pub(crate) fn name_key(&self) -> &OnceLock<NameKey> {
        &self.inner.name_key
    }

    /// The stream of `target` for this handle's tenant.
    pub(crate) fn stream<A: Aggregate>(&self, target: &At<A>) -> Result<crate::StreamId, crate::InvalidText> {
        crate::StreamId::of(self.tenant(), A::NAME, &crate::AggregateId::to_key(&target.id))
    }
}

impl fmt::Debug for Annals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Annals").field("tenant", &self.tenant).field("retry", &self.inner.retry).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

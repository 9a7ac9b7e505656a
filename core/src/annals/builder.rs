//! What a store is opened with.

use std::{
    any::Any,
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use crate::{
    Aggregate, Annals, Category, Clock, Component, Event, EventSchemas, Interceptor, OpenError, OpenStore, Schemas,
    SystemClock,
    cache::Cache,
    execute::RetryPolicy,
    prepare::Services,
    schemas::{ClaimedTwice, Registry, claimed_twice},
    snapshot::Keeper,
};

use super::{Components, Inner};

/// The number of aggregates that are kept in memory unless [`Builder::cache`] says otherwise.
const CACHE_ENTRIES: usize = 10_000;

/// What a store is opened with. Everything but the store has a default.
#[must_use = "nothing is opened before `open` is awaited"]
pub struct Builder {
    store: Box<dyn OpenStore>,
    aggregates: Vec<&'static str>,
    events: Vec<EventSchemas>,
    schemas: Schemas,
    clock: Arc<dyn Clock>,
    retry: RetryPolicy,
    cache_entries: usize,
    interceptors: Vec<Arc<dyn Interceptor>>,
    services: Services,
    components: Vec<Box<dyn Component>>,
}

impl Builder {
    pub(super) fn new(store: Box<dyn OpenStore>) -> Self {
        Self {
            store,
            aggregates: Vec::new(),
            events: Vec::new(),
            schemas: Schemas::new(),
            clock: Arc::new(SystemClock),
            retry: RetryPolicy::default(),
            cache_entries: CACHE_ENTRIES,
            interceptors: Vec::new(),
            services: Services::default(),
            components: Vec::new(),
        }
    }

    /// Registers an aggregate and its events, so that [`open`](Self::open) finds a bad or repeated name.
    ///
    /// Optional: commands can be sent to aggregates that are not registered. Two aggregates of one name would share
    /// their streams, and nothing but this check notices before an event of the one is read as an event of the other.
    pub fn aggregate<A: Aggregate>(mut self) -> Self {
        self.aggregates.push(A::NAME);
        self.events::<A::Event>()
    }

    /// Registers the events of a boundary or a reader, so that [`open`](Self::open) finds two enums that claim one stored
    /// name, present or past. A name that an enum has retired is claimed by nobody, so that another one can take it over.
    pub fn events<E: Event>(mut self) -> Self {
        self.events.push(EventSchemas::of::<E>());
        self
    }

    /// Registers what the application stores: as [`events`](Self::events) for each of its enums, and the store keeps which
    /// names, versions and shapes it has ever held ([`Annals::held_schemas`]). From then on an event whose shape does not
    /// get along with these by [`Schemas::compatibility`] is refused when it is to be stored, whatever other code wrote them.
    ///
    /// Whatever else is registered by [`aggregate`](Self::aggregate) and [`events`](Self::events) has to be among them, so
    /// that none is forgotten. Said twice, the later ones take the place of the earlier.
    ///
    /// It looks at events of commands and decisions. A commit that is made on the [`Store`](crate::Store) itself is not
    /// looked at, and what it holds is not kept.
    pub fn schemas(mut self, schemas: Schemas) -> Self {
        self.schemas = schemas;
        self
    }

    /// Where decisions take the time from; by default the system's clock. The recorded times of events are the store's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How often a command is decided again when another one came in between.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Adds an interceptor behind those that are there: it sees every command before anything is looked up.
    pub fn interceptor(mut self, interceptor: impl Interceptor) -> Self {
        self.interceptors.push(Arc::new(interceptor));
        self
    }

    /// Registers what commands are prepared with ([`Prepare`](crate::Prepare)), in place of another value of its type.
    pub fn service<S: Send + Sync + 'static>(mut self, service: S) -> Self {
        self.services.register(service);
        self
    }

    /// Registers what is to run on the store beside commands, or adds to it: `add` is given the component of the type `C`, a
    /// new one the first time. Components start in the order in which they were registered first.
    pub fn component<C: Component + Default>(mut self, add: impl FnOnce(&mut C)) -> Self {
        let mut all = self.components.iter().map(|component| &**component as &dyn Any);
        let index = all.position(|component| component.is::<C>()).unwrap_or_else(|| {
            self.components.push(Box::new(C::default()));
            self.components.len() - 1
        });
        let component = self.components.get_mut(index).map(|component| &mut **component as &mut dyn Any);
        if let Some(component) = component.and_then(|component| component.downcast_mut()) {
            add(component);
        }
        self
    }

    /// How many aggregates and boundaries are kept in memory, the least recently used giving way; 10,000 by default, 0 keeps
    /// none.
    ///
    /// A kept aggregate only saves reading its old events again: what came since is always read from the store.
    pub fn cache(mut self, entries: usize) -> Self {
        self.cache_entries = entries;
        self
    }

    /// Checks what was registered, opens the store, and starts what runs on it.
    ///
    /// # Errors
    /// [`OpenError`]; nothing is left open.
    pub async fn open(self) -> Result<Annals, OpenError> {
        check_names(&self.aggregates)?;
        check_events(&self.events, &self.schemas)?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| OpenError::NoRuntime)?;
        let store = self.store.open_store().await?;
        let keeper = Keeper::start(Arc::clone(&store), &runtime);
        let cache = Cache::new(self.cache_entries);
        let registry = Registry::open(&*store, &self.schemas).await.map_err(OpenError::store)?;
        let Self { clock, retry, interceptors, services, components, .. } = self;
        let name_key = OnceLock::new();
        let inner = Inner { store, clock, retry, cache, keeper, interceptors, services, registry, name_key };
        let annals = Annals { inner: Arc::new(inner), components: Components::default(), tenant: None };
        annals.start(components).await?;
        Ok(annals)
    }
}

fn check_names(names: &[&'static str]) -> Result<(), OpenError> {
    let mut seen = BTreeSet::new();
    for name in names {
        Category::new(name).map_err(OpenError::InvalidAggregate)?;
        if !seen.insert(name) {
            return Err(OpenError::DuplicateAggregate { name });
        }
    }
    Ok(())
}

fn check_events(registered: &[EventSchemas], schemas: &Schemas) -> Result<(), OpenError> {
    let all = registered.iter().chain(schemas.events());
    if let Some(ClaimedTwice { name, first, second }) = claimed_twice(all).into_iter().next() {
        return Err(OpenError::DuplicateEvent { name, first, second });
    }
    let is_known = |events: &&EventSchemas| schemas.events().any(|known| known.type_name() == events.type_name());
    match registered.iter().find(|events| !is_known(events)) {
        Some(events) if !schemas.is_empty() => Err(OpenError::NotInSchemas { events: events.type_name() }),
        _ => Ok(()),
    }
}

//! All sagas that run on a store.

use std::{
    any::TypeId,
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use annals_core::{Annals, Component, OpenError, Running, async_trait};
use annals_projections::{
    Alarm, Health,
    engine::{AlarmHook, Log, Monitor, check_name},
};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    Commands, Reaction, Saga, SagaHandle, SagaOptions,
    delayed::Delayed,
    machine::{Machine, MachineOf},
    reaction::ReactionOf,
    runner::{Orders, Runner},
    status::Board,
    stepper::Stepper,
};

/// The sagas of an application, before they run. [`WithSagas`](crate::WithSagas) adds to them.
#[derive(Default)]
pub struct SagaSet {
    all: Vec<Registration>,
    /// What may be sent later by whoever asks for it.
    delayed: Commands,
    hook: AlarmHook,
}

struct Registration {
    saga: TypeId,
    machine: Arc<dyn Machine>,
    options: SagaOptions,
}

/// The sagas that run on a store.
///
/// They stop when the store is shut down, or when the last handle of the application is dropped.
pub struct Sagas {
    all: Vec<Arc<Started>>,
    monitor: Monitor,
}

/// A saga that runs.
pub(crate) struct Started {
    pub(crate) saga: TypeId,
    pub(crate) runner: Runner,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// Why sagas cannot be run as they are registered. Nothing runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SagaRegistrationError {
    /// A name is none. Correct it.
    #[error(transparent)]
    Name(#[from] annals_projections::InvalidName),
    /// A saga's name holds what separates it from the keys of its instances. Use `_`.
    #[error("saga {name:?} has a `-` in its name, which begins the key of an instance: use `_`")]
    Hyphen {
        /// The name.
        name: &'static str,
    },
    /// Two sagas of one name would share their instances. Rename one.
    #[error("two sagas are called {name}")]
    Duplicate {
        /// The name.
        name: &'static str,
    },
    /// A saga is given no event, so that none of its instances could begin.
    #[error("saga {name} subscribes to no event")]
    NoEvents {
        /// The name.
        name: &'static str,
    },
}

impl SagaSet {
    /// Adds a saga.
    pub fn add<S: Saga>(&mut self, options: SagaOptions) {
        self.all.push(Registration { saga: TypeId::of::<S>(), machine: Arc::new(MachineOf::<S>::new()), options });
    }

    /// Adds a reaction.
    pub fn add_reaction<R: Reaction>(&mut self, options: SagaOptions) {
        self.all.push(Registration { saga: TypeId::of::<R>(), machine: Arc::new(ReactionOf::<R>::new()), options });
    }

    /// Lets these commands be sent later.
    pub fn delay(&mut self, commands: Commands) {
        self.delayed.extend(commands);
    }

    /// Calls `hook` with each [`Alarm`], in place of another one. It is called by the task that looks at all sagas, so it must
    /// not block: what takes long belongs into a task of its own. A panic is caught and told to `tracing`.
    pub fn on_alarm(&mut self, hook: impl Fn(&Alarm) + Send + Sync + 'static) {
        self.hook = AlarmHook::new(hook);
    }

    fn check(&self) -> Result<(), SagaRegistrationError> {
        let mut names = BTreeSet::new();
        for registration in &self.all {
            let name = registration.machine.name();
            check_name("saga", name)?;
            if name.contains('-') {
                return Err(SagaRegistrationError::Hyphen { name });
            }
            if !names.insert(name) {
                return Err(SagaRegistrationError::Duplicate { name });
            }
            if registration.machine.subscription().is_empty() {
                return Err(SagaRegistrationError::NoEvents { name });
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Component for SagaSet {
    async fn start(mut self: Box<Self>, annals: &Annals) -> Result<Arc<dyn Running>, OpenError> {
        self.check().map_err(OpenError::component)?;
        if self.delayed.names().next().is_some() {
            let machine = Arc::new(Delayed(std::mem::take(&mut self.delayed)));
            let (saga, options) = (TypeId::of::<Delayed>(), SagaOptions::default());
            self.all.push(Registration { saga, machine, options });
        }
        let subscriptions = self.all.iter().map(|registration| registration.machine.subscription());
        let subscriptions = subscriptions.filter(|subscription| !subscription.is_empty()).collect();
        let log = Log::new(Arc::clone(annals.store()), subscriptions);
        let start = |Registration { saga, machine, options }| {
            let board = Board::new(machine.name());
            // A handle of its own would keep the store, and with it the sagas, for ever.
            let stepper = Arc::new(Stepper::new(machine, options, annals.clone()));
            let orders = watch::Sender::new(Orders::default());
            let runner = Runner { stepper, log: log.clone(), board, orders };
            Arc::new(Started { saga, runner, task: Mutex::default() })
        };
        let all: Vec<Arc<Started>> = self.all.into_iter().map(start).collect();
        for started in &all {
            let runner = &started.runner;
            let paused = runner.is_paused().await.map_err(OpenError::component)?;
            runner.orders.send_modify(|orders| orders.paused = paused);
            // Before the application has the store, so that no event of its is before where a saga begins.
            if runner.follows() {
                runner.begin().await.map_err(OpenError::component)?;
            }
        }
        for started in &all {
            let running = Arc::clone(started);
            let task = tokio::spawn(async move { running.runner.run().await });
            *started.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        }
        let watched = all.iter().map(|started| started.watched()).collect();
        let monitor = Monitor::begin(watched, self.hook, annals.store().head());
        Ok(Arc::new(Sagas { all, monitor }))
    }
}

#[async_trait]
impl Running for Sagas {
    async fn stop(&self) {
        // First, so that it says nothing of what follows.
        self.monitor.end().await;
        self.tell_to_stop();
        for started in &self.all {
            let task = started.task.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(task) = task {
                // What became of it is on its board.
                drop(task.await);
            }
        }
    }
}

impl Drop for Sagas {
    fn drop(&mut self) {
        self.tell_to_stop();
    }
}

impl Sagas {
    /// The saga `S`, if it was registered.
    #[must_use]
    pub fn of<S: Saga>(&self) -> Option<SagaHandle> {
        let started = self.all.iter().find(|started| started.saga == TypeId::of::<S>())?;
        Some(SagaHandle::new(started))
    }

    /// The reaction `R`, if it was registered.
    #[must_use]
    pub fn of_reaction<R: Reaction>(&self) -> Option<SagaHandle> {
        self.all.iter().find(|started| started.saga == TypeId::of::<R>()).map(SagaHandle::new)
    }

    /// What is to be sent later, if any command was registered for that.
    #[must_use]
    pub fn delayed(&self) -> Option<SagaHandle> {
        self.started_delayed().as_ref().map(SagaHandle::new)
    }

    pub(crate) fn started_delayed(&self) -> Option<Arc<Started>> {
        self.all.iter().find(|started| started.saga == TypeId::of::<Delayed>()).cloned()
    }

    /// The saga of this name, if there is one.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<SagaHandle> {
        self.all.iter().find(|started| started.runner.stepper.saga() == name).map(SagaHandle::new)
    }

    /// All of them, in the order in which they were registered, reactions and what is sent later included.
    pub fn iter(&self) -> impl Iterator<Item = SagaHandle> {
        self.all.iter().map(SagaHandle::new)
    }

    pub(crate) fn started(&self) -> &[Arc<Started>] {
        &self.all
    }

    /// Where the log ends; `None` when there are no sagas.
    pub(crate) fn head(&self) -> Option<annals_core::Position> {
        self.all.first().map(|started| started.runner.stepper.annals.store().head().borrow().position)
    }

    /// Whether somebody should look at any of them, and why: the concerns of all, as bad as the worst.
    #[must_use]
    pub fn health(&self) -> Health {
        self.all.iter().map(|started| started.runner.health()).collect()
    }

    fn tell_to_stop(&self) {
        for started in &self.all {
            started.runner.orders.send_modify(|orders| orders.stop = true);
        }
    }
}

impl std::fmt::Debug for Sagas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all.iter().map(|started| started.runner.stepper.saga())).finish()
    }
}

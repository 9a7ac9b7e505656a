//! Starts projections.

use std::{
    any::TypeId,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use annals_core::{Limits, MemoryStore, Position, ReadError, Store, SystemClock};
use thiserror::Error;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    State, Status,
    builds::{Build, Builds, BuildsError, Code},
    checkpoint::{BeginError, Checkpoints},
    consumer::Consumer,
    feed::Feed,
    parked::History,
    pulse::Pulse,
    reading::{InUse, Reading},
    rebuild::Scope,
    registration::Registration,
    session::Setup,
    status::Board,
    unused,
    worker::Worker,
};

/// The pause before a build that is complete is tried again to be made the one that is read.
const SWAP_PAUSE: Duration = Duration::from_secs(1);

/// A projection that runs.
pub(crate) struct Started {
    pub(crate) projection: TypeId,
    pub(crate) name: &'static str,
    pub(crate) code: Code,
    /// Runs the build that is read, or is to be read as soon as it is complete.
    pub(crate) worker: Worker,
    pub(crate) reading: Arc<Reading>,
    /// Whoever changes which builds there are, and what runs, has this.
    pub(crate) changing: Arc<tokio::sync::Mutex<()>>,
    beside: Mutex<Option<Arc<Beside>>>,
    /// Signals that another one runs beside, or none any more.
    beside_changed: watch::Sender<()>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// A build that runs beside the one that is read.
pub(crate) struct Beside {
    pub(crate) build: u64,
    pub(crate) worker: Worker,
}

/// Why projections could not be started.
#[derive(Debug, Error)]
pub(crate) enum StartError {
    #[error("the state of projection {name} could not be read: {source}")]
    Read { name: &'static str, source: ReadError },
    #[error("the checkpoint of projection {name} could not be begun: {source}")]
    Begin { name: &'static str, source: BeginError },
    #[error("a build of projection {name} could not be begun: {source}")]
    Builds { name: &'static str, source: BuildsError },
}

/// Starts all of them. Those that only choose by type read the log together.
pub(crate) async fn start(
    store: &Arc<dyn Store>,
    registrations: Vec<Registration>,
) -> Result<Vec<Arc<Started>>, StartError> {
    let together = registrations.iter().map(|registration| &registration.subscription);
    let together: Vec<_> = together.filter(|subscription| !subscription.is_restricted()).cloned().collect();
    let feed = Arc::new(Feed::new(Arc::clone(store), together));
    let mut prepared = Vec::new();
    for registration in registrations {
        prepared.push(Prepared::of(store, registration, &feed).await?);
    }
    Ok(prepared.into_iter().map(Prepared::run).collect())
}

/// A projection that could be started: nothing can go wrong any more.
struct Prepared {
    projection: TypeId,
    code: Code,
    setup: Setup,
    /// What is to run beside it.
    beside: Option<Setup>,
    reading: Arc<Reading>,
    paused: bool,
}

impl Prepared {
    async fn of(store: &Arc<dyn Store>, registration: Registration, together: &Arc<Feed>) -> Result<Self, StartError> {
        let (name, code, projection) = (registration.name, registration.code(), registration.projection);
        let read = |source| StartError::Read { name, source };
        let rows: Arc<dyn Store> =
            if registration.options.in_memory { Arc::new(in_memory()) } else { Arc::clone(store) };
        let specs = registration.tables.specs();
        let chosen = Builds::change(&*rows, name, |builds| (builds.of_code(&code, specs), builds.clone())).await;
        let (build, builds) = chosen.map_err(|source| StartError::Builds { name, source })?;
        let (live, running) = (builds.live, build.number);
        let is_alike = builds.get(live).is_some_and(|build| build.code.tables == code.tables);
        let is_readable = is_alike && Checkpoints::were_complete(&*rows, name, live).await.map_err(read)?;
        let consumer = consumer_of(&registration, store, &rows, build);
        let feed = match consumer.subscription.is_restricted() {
            true => Arc::new(Feed::new(Arc::clone(store), vec![consumer.subscription.clone()])),
            false => Arc::clone(together),
        };
        let begin = |source| StartError::Begin { name, source };
        let setup = Setup::begin(consumer, registration.handler, feed).await.map_err(begin)?;
        let beside = match builds.beside.and_then(|number| builds.get(number)) {
            Some(build) => Some(setup.of_build(build.number, build.scope.clone()).await.map_err(begin)?),
            None => None,
        };
        let (specs, in_use) = (Arc::clone(&setup.consumer.specs), InUse { live, running });
        let reading = Arc::new(Reading::new(name, rows, specs, in_use, is_readable, Arc::clone(&setup.board)));
        let paused_row = Consumer::pause_row(name);
        let paused = store.get(&[(paused_row.0.into(), paused_row.1)]).await.map_err(read)?;
        let paused = paused.into_iter().flatten().next().is_some();
        Ok(Self { projection, code, setup, beside, reading, paused })
    }

    fn run(self) -> Arc<Started> {
        let Self { projection, code, setup, beside, reading, paused } = self;
        let (name, head) = (setup.consumer.name, setup.consumer.log.head().borrow().position);
        let started = Arc::new(Started {
            projection,
            name,
            code,
            worker: Worker::start(setup, paused),
            reading: Arc::clone(&reading),
            changing: Arc::default(),
            beside: Mutex::new(beside.map(Beside::start)),
            beside_changed: watch::Sender::default(),
            tasks: Mutex::default(),
        });
        let board = Arc::clone(&started.worker.board);
        let (consumer, orders) = (started.worker.consumer(), started.worker.orders.subscribe());
        started.spawn(async move {
            if !reading.is_swapped() {
                swap_when_complete(board, &reading, head).await;
            }
            unused::delete(&consumer, orders).await;
        });
        started
    }
}

impl Setup {
    /// What `consumer` is run with. The first time, it is noted where its rows are complete.
    async fn begin(
        consumer: Arc<Consumer>,
        handler: Arc<dyn crate::run::Handler>,
        feed: Arc<Feed>,
    ) -> Result<Self, BeginError> {
        let checkpoints = Checkpoints::begin(&consumer).await?;
        let board = Arc::new(Board::new(consumer.name, consumer.build, checkpoints.floor.checkpoint));
        Ok(Self { consumer, handler, feed, board })
    }

    /// The same for another build.
    pub(crate) async fn of_build(&self, build: u64, scope: Scope) -> Result<Self, BeginError> {
        let consumer = Arc::new(Consumer { build, scope, ..(*self.consumer).clone() });
        Self::begin(consumer, Arc::clone(&self.handler), Arc::clone(&self.feed)).await
    }
}

impl Beside {
    pub(crate) fn start(setup: Setup) -> Arc<Self> {
        Arc::new(Self { build: setup.consumer.build, worker: Worker::start(setup, false) })
    }
}

impl Started {
    /// The build that runs beside the one that is read.
    pub(crate) fn beside(&self) -> Option<Arc<Beside>> {
        locked(&self.beside).clone()
    }

    /// A signal whenever that changes.
    pub(crate) fn watch_beside(&self) -> watch::Receiver<()> {
        self.beside_changed.subscribe()
    }

    pub(crate) fn set_beside(&self, beside: Option<Arc<Beside>>) {
        *locked(&self.beside) = beside;
        self.beside_changed.send_replace(());
        if self.worker.is_told_to_stop() {
            self.tell_to_stop();
        }
    }

    /// Lets `task` run until it ends or the projection does.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = locked(&self.tasks);
        tasks.retain(|task| !task.is_finished());
        tasks.push(tokio::spawn(task));
    }

    pub(crate) fn tell_to_stop(&self) {
        self.worker.tell_to_stop();
        if let Some(beside) = self.beside() {
            beside.worker.tell_to_stop();
        }
    }

    /// Waits until nothing of it runs any more.
    pub(crate) async fn ended(&self) {
        // Whoever changes what runs comes to an end, because it is told to stop.
        let _changing = self.changing.lock().await;
        drop(self.worker.rests().await);
        if let Some(beside) = self.beside() {
            drop(beside.worker.rests().await);
        }
        for task in std::mem::take(&mut *locked(&self.tasks)) {
            task.abort();
        }
    }
}

/// Where rows are that are in memory alone: of a batch as many as a lane gathers.
fn in_memory() -> MemoryStore {
    let limits = Limits { batch_rows: usize::MAX, batch_bytes: usize::MAX, ..Limits::default() };
    MemoryStore::with(limits, Arc::new(SystemClock))
}

fn consumer_of(
    registration: &Registration,
    log: &Arc<dyn Store>,
    rows: &Arc<dyn Store>,
    build: Build,
) -> Arc<Consumer> {
    Arc::new(Consumer {
        name: registration.name,
        build: build.number,
        scope: build.scope,
        subscription: registration.subscription.clone(),
        specs: registration.tables.specs().into(),
        options: registration.options.clone(),
        log: Arc::clone(log),
        rows: Arc::clone(rows),
        pulse: Pulse::default(),
        history: History::default(),
    })
}

/// Lets a build be read as soon as it holds what it should, and what the log held when it was started. Ends with the runner of
/// the build.
async fn swap_when_complete(board: Arc<Board>, reading: &Reading, head: Position) {
    let mut status = board.watch();
    let has_ended = |status: &Status| matches!(status.state, State::Stopped | State::TakenOver);
    let is_due = |status: &Status| status.is_complete() && status.position >= head;
    loop {
        // The board is here too, so waiting does not fail.
        drop(status.wait_for(|status| is_due(status) || has_ended(status)).await);
        let now = board.now();
        if !is_due(&now) {
            return;
        }
        let swapped = Builds::change(&*reading.rows, reading.projection, |builds| builds.swap(now.build)).await;
        match swapped {
            Ok(true) => return reading.swap(),
            // Its tables are lost, and it will begin anew.
            Ok(false) => return,
            Err(error) => {
                tracing::error!(projection = reading.projection, %error, "a new build is complete, and could not take over");
            }
        }
        if has_ended(&now) {
            return;
        }
        tokio::time::sleep(SWAP_PAUSE).await;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

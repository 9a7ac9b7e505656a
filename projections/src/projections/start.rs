//! Starts projections.

use std::{
    any::TypeId,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use annals_core::{MemoryStore, ReadError, Store};
use thiserror::Error;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use crate::{
    State, Status,
    builds::{BuildsError, BuildsRow},
    checkpoint::{BeginError, Checkpoints},
    consumer::Consumer,
    control::{Control, Discarded, Orders, Request},
    feed::Feed,
    parked::History,
    pulse::Pulse,
    reading::Reading,
    registration::Registration,
    runner,
    session::Setup,
    status::Board,
};

/// The pause before a build that is complete is tried again to be made the one that is read.
const SWAP_PAUSE: Duration = Duration::from_secs(1);

/// How many requests may wait for a consumer.
const REQUESTS: usize = 16;

/// A projection that runs.
pub(crate) struct Started {
    pub(crate) projection: TypeId,
    pub(crate) name: &'static str,
    pub(crate) consumer: Arc<Consumer>,
    pub(crate) board: Arc<Board>,
    pub(crate) reading: Arc<Reading>,
    pub(crate) orders: watch::Sender<Orders>,
    pub(crate) requests: mpsc::Sender<Request>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
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
    setup: Setup,
    reading: Arc<Reading>,
    builds: BuildsRow,
    paused: bool,
}

impl Prepared {
    async fn of(store: &Arc<dyn Store>, registration: Registration, together: &Arc<Feed>) -> Result<Self, StartError> {
        let (name, code) = (registration.name, registration.code());
        let read = |source| StartError::Read { name, source };
        let rows: Arc<dyn Store> =
            if registration.options.in_memory { Arc::new(MemoryStore::new()) } else { Arc::clone(store) };
        let mut builds = BuildsRow::load(&*rows, name).await.map_err(read)?;
        let running = builds.of_code(&*rows, &code).await.map_err(|source| StartError::Builds { name, source })?;
        let live = builds.builds.live;
        let is_alike = builds.builds.all.iter().any(|build| build.number == live && build.code.tables == code.tables);
        let is_readable = is_alike && Checkpoints::were_complete(&*rows, name, live).await.map_err(read)?;
        let subscription = registration.subscription;
        let feed = if subscription.is_restricted() {
            Arc::new(Feed::new(Arc::clone(store), vec![subscription.clone()]))
        } else {
            Arc::clone(together)
        };
        let specs: Arc<[_]> = registration.tables.specs().into();
        let (log, options) = (Arc::clone(store), registration.options);
        let (pulse, history) = (Pulse::default(), History::default());
        let consumer = Consumer { name, build: running, subscription, specs, options, log, rows, pulse, history };
        let consumer = Arc::new(consumer);
        let checkpoints = Checkpoints::begin(&consumer).await.map_err(|source| StartError::Begin { name, source })?;
        let board = Arc::new(Board::new(name, running, checkpoints.floor.checkpoint));
        let (rows, specs) = (Arc::clone(&consumer.rows), Arc::clone(&consumer.specs));
        let reading = Arc::new(Reading::new(name, rows, specs, (live, running), is_readable, Arc::clone(&board)));
        let paused_row = Consumer::pause_row(name);
        let paused = store.get(&[(paused_row.0.into(), paused_row.1)]).await.map_err(read)?;
        let paused = paused.into_iter().flatten().next().is_some();
        let setup = Setup { consumer, handler: registration.handler, feed, board };
        Ok(Self { projection: registration.projection, setup, reading, builds, paused })
    }

    fn run(self) -> Arc<Started> {
        let Self { projection, setup, reading, builds, paused } = self;
        let orders = watch::Sender::new(Orders { paused, ..Orders::default() });
        let (requests, inbox) = mpsc::channel(REQUESTS);
        let control = Control { orders: orders.subscribe(), requests: inbox };
        let started = Started {
            projection,
            name: setup.consumer.name,
            consumer: Arc::clone(&setup.consumer),
            board: Arc::clone(&setup.board),
            reading: Arc::clone(&reading),
            orders,
            requests,
            tasks: Mutex::default(),
        };
        let mut tasks = Vec::new();
        if !reading.is_swapped() {
            tasks.push(tokio::spawn(swap_when_complete(Arc::clone(&setup.board), reading, builds)));
        }
        tasks.push(tokio::spawn(runner::run(setup, control, Discarded::default())));
        *started.tasks.lock().unwrap_or_else(PoisonError::into_inner) = tasks;
        Arc::new(started)
    }
}

impl Started {
    pub(crate) fn tell_to_stop(&self) {
        self.orders.send_modify(|orders| orders.stop = true);
    }

    /// Waits until nothing of it runs any more.
    pub(crate) async fn ended(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let mut tasks = tasks;
        if let Some(runner) = tasks.pop() {
            // What became of it is on the board.
            drop(runner.await);
        }
        for task in tasks {
            task.abort();
        }
    }
}

/// Lets a build be read as soon as it holds what it should. Ends with the runner of the build.
async fn swap_when_complete(board: Arc<Board>, reading: Arc<Reading>, mut builds: BuildsRow) {
    let mut status = board.watch();
    let has_ended = |status: &Status| matches!(status.state, State::Stopped | State::TakenOver);
    loop {
        // The board is here too, so waiting does not fail.
        drop(status.wait_for(|status| status.is_complete() || has_ended(status)).await);
        let now = board.now();
        if !now.is_complete() {
            return;
        }
        let Err(error) = builds.swap(&*reading.rows, now.build).await else { return reading.swap() };
        tracing::error!(projection = reading.projection, %error, "a new build is complete, and could not take over");
        if has_ended(&now) {
            return;
        }
        tokio::time::sleep(SWAP_PAUSE).await;
        // What is stored may be other than it was; what cannot be read is tried again.
        if let Ok(stored) = BuildsRow::load(&*reading.rows, reading.projection).await {
            builds = stored;
        }
    }
}

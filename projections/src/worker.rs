//! A build that runs.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use annals_core::Position;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use crate::{
    Lag, State, Status,
    consumer::Consumer,
    control::{Control, Discarded, Orders, Request},
    runner,
    session::Setup,
    status::Board,
};

/// How many requests may wait for a consumer.
const REQUESTS: usize = 16;

/// A build that runs: how it is doing, what it can be told and asked. What it runs can be exchanged for another build.
pub(crate) struct Worker {
    pub(crate) board: Arc<Board>,
    pub(crate) orders: watch::Sender<Orders>,
    pub(crate) requests: mpsc::Sender<Request>,
    setup: Mutex<Setup>,
    runner: Mutex<Option<JoinHandle<Control>>>,
}

impl Worker {
    /// Lets it run, or wait until it is resumed when it is `paused`.
    pub(crate) fn start(setup: Setup, paused: bool) -> Self {
        let orders = watch::Sender::new(Orders { paused, ..Orders::default() });
        let (requests, inbox) = mpsc::channel(REQUESTS);
        let control = Control { orders: orders.subscribe(), requests: inbox, until: None, apart: None };
        let board = Arc::clone(&setup.board);
        let worker = Self { board, orders, requests, setup: Mutex::new(setup), runner: Mutex::default() };
        worker.go_on(control, None);
        worker
    }

    pub(crate) fn setup(&self) -> Setup {
        locked(&self.setup).clone()
    }

    pub(crate) fn consumer(&self) -> Arc<Consumer> {
        Arc::clone(&locked(&self.setup).consumer)
    }

    /// How far it is behind the log.
    pub(crate) fn lag(&self) -> Lag {
        self.consumer().lag(&self.board.now())
    }

    /// Lets it end what it is at, and then do nothing until it [goes on](Self::go_on) with what is returned: nothing if nothing
    /// is left of it. The board says meanwhile what it said.
    pub(crate) async fn hold(&self) -> Option<Control> {
        self.orders.send_modify(|orders| orders.held = true);
        self.rests().await
    }

    /// Waits until it does nothing.
    pub(crate) async fn rests(&self) -> Option<Control> {
        let runner = locked(&self.runner).take()?;
        // What became of it is on the board.
        runner.await.ok()
    }

    /// Lets it go on, up to `until` if that is said. One that has ended stays so.
    pub(crate) fn go_on(&self, mut control: Control, until: Option<Position>) {
        if matches!(self.board.now().state, State::TakenOver | State::Stopped) {
            return;
        }
        self.orders.send_modify(|orders| orders.held = false);
        control.until = until;
        *locked(&self.runner) = Some(tokio::spawn(runner::run(self.setup(), control, Discarded::default())));
    }

    /// Lets it go on to `to` and holds it there; where it is, when it fails for good or takes longer than `limit`.
    pub(crate) async fn go_to(&self, control: Control, to: Position, limit: Duration) -> Option<Control> {
        self.go_on(control, Some(to));
        let mut status = self.board.watch();
        let has_failed = |status: &Status| matches!(status.state, State::Failed { retrying: false, .. });
        let given_up = async {
            // The board is here too, so waiting does not fail.
            drop(tokio::time::timeout(limit, status.wait_for(has_failed)).await);
            self.orders.send_modify(|orders| orders.held = true);
        };
        let mut rests = std::pin::pin!(self.rests());
        tokio::select! {
            biased;
            control = &mut rests => return control,
            () = given_up => {}
        }
        rests.await
    }

    /// Goes on with another build, which is where `board` says.
    pub(crate) fn exchange(&self, control: Option<Control>, consumer: Arc<Consumer>, board: &Board) {
        locked(&self.setup).consumer = consumer;
        self.board.take_over(board.now());
        if let Some(control) = control {
            self.go_on(control, None);
        }
    }

    pub(crate) fn tell_to_stop(&self) {
        self.orders.send_modify(|orders| orders.stop = true);
    }

    pub(crate) fn is_told_to_stop(&self) -> bool {
        self.orders.borrow().stop
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

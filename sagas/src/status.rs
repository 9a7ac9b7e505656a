//! How a saga is doing.

use annals_core::Position;
use annals_projections::State;
use tokio::sync::{Mutex, mpsc, watch};

use crate::aside::{Aside, Request};

/// How many requests may wait for a saga.
const REQUESTS: usize = 16;

/// How a saga is doing.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SagaStatus {
    /// The saga.
    pub saga: &'static str,
    /// What it is doing.
    pub state: State,
    /// Every event up to here was taken in or set aside.
    pub position: Position,
    /// How many events are set aside: what waits behind one of them is not counted.
    pub aside: usize,
    /// How many of these wait for an operator; the others are tried again.
    pub waiting: usize,
    /// How many of these are part of a circle: more events and commands led to them than may.
    pub circles: usize,
    /// Why it failed last, until it has worked for some seconds without failing.
    pub failure: Option<String>,
}

/// Where a saga says how it is doing, and is asked.
pub(crate) struct Board {
    status: watch::Sender<SagaStatus>,
    requests: mpsc::Sender<Request>,
    inbox: Mutex<mpsc::Receiver<Request>>,
}

impl Board {
    pub(crate) fn new(saga: &'static str) -> Self {
        let (requests, inbox) = mpsc::channel(REQUESTS);
        let (state, position) = (State::Starting, Position::ZERO);
        let status = SagaStatus { saga, state, position, aside: 0, waiting: 0, circles: 0, failure: None };
        Self { status: watch::Sender::new(status), requests, inbox: Mutex::new(inbox) }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<SagaStatus> {
        self.status.subscribe()
    }

    pub(crate) fn now(&self) -> SagaStatus {
        self.status.borrow().clone()
    }

    pub(crate) fn state(&self, state: State) {
        self.update(|status| {
            match &state {
                State::Failed { reason, .. } => status.failure = Some(reason.clone()),
                state if state.is_at_work() => {}
                _ => status.failure = None,
            }
            status.state = state;
        });
    }

    /// It is where it was when it was run last.
    pub(crate) fn begun(&self, position: Position) {
        self.update(|status| status.position = position);
    }

    /// It has come so far, and so much is set aside.
    pub(crate) fn reached(&self, position: Position, aside: &Aside) {
        let (waiting, circles) = aside.waiting();
        self.update(|status| {
            (status.position, status.aside) = (position, aside.len());
            (status.waiting, status.circles) = (waiting, circles);
        });
    }

    /// What it failed at last is no matter any more.
    pub(crate) fn proven(&self) {
        self.update(|status| status.failure = None);
    }

    /// Asks the saga; it may not be running.
    pub(crate) async fn ask(&self, request: Request) {
        // The inbox is here too, so sending does not fail.
        drop(self.requests.send(request).await);
    }

    /// What it is asked next.
    pub(crate) async fn next_request(&self) -> Request {
        let mut inbox = self.inbox.lock().await;
        match inbox.recv().await {
            Some(request) => request,
            // The sender is here too.
            None => std::future::pending().await,
        }
    }

    fn update(&self, change: impl FnOnce(&mut SagaStatus)) {
        self.status.send_if_modified(|status| {
            let before = status.clone();
            change(status);
            *status != before
        });
    }
}

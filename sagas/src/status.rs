//! How a saga is doing.

use annals_core::Position;
use annals_projections::State;
use tokio::sync::{Mutex, mpsc, watch};

use crate::aside::Request;

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
        let status = SagaStatus { saga, state: State::Starting, position: Position::ZERO, aside: 0 };
        Self { status: watch::Sender::new(status), requests, inbox: Mutex::new(inbox) }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<SagaStatus> {
        self.status.subscribe()
    }

    pub(crate) fn now(&self) -> SagaStatus {
        self.status.borrow().clone()
    }

    pub(crate) fn state(&self, state: State) {
        self.update(|status| status.state = state);
    }

    pub(crate) fn reached(&self, position: Position, aside: usize) {
        self.update(|status| (status.position, status.aside) = (position, aside));
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

//! What a running consumer is told and asked.

use std::{
    collections::HashSet,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use annals_core::{CommitError, LoggedTable, Position, ReadError, RowWrite, Scan, Store, Tenant};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    KeyBytes,
    lane::Undone,
    parked::{ParkedId, ParkedKey},
};

/// How long a consumer that is told to stop may go on with what it is at.
const GRACE: Duration = Duration::from_secs(5);

/// What a consumer is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Orders {
    /// End for good.
    pub(crate) stop: bool,
    /// Do nothing for now.
    pub(crate) paused: bool,
    /// Leave everything as it is, because which build runs is about to change.
    pub(crate) held: bool,
    /// Counts how often it was told to go on after a failure.
    pub(crate) resumed: u64,
}

/// Why a consumer stopped, being told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// For good.
    Ended,
    /// Until it is resumed.
    Paused,
    /// Until somebody else lets it go on.
    Held,
}

/// What a consumer at work is asked.
pub(crate) enum Request {
    Stop(Stop),
    /// What is parked?
    Parked(oneshot::Sender<Vec<ParkedKey>>),
    /// Which is the first of these positions, both included, that is parked?
    ParkedBetween(Position, Position, oneshot::Sender<Option<ParkedAt>>),
    /// Take in what is parked of a key. Answered with how many events were done.
    Replay(ParkedId, oneshot::Sender<usize>),
    /// Compute the rows of a key of a tenant anew.
    Anew(Option<Tenant>, KeyBytes, oneshot::Sender<Result<usize, Undone>>),
    /// Pass by the event of a key that failed, and take in those behind it.
    Discard(Discard),
}

/// A decision to pass by an event, which takes effect only while that is the first of its parked key: nobody takes it in
/// meanwhile.
pub(crate) struct Discard {
    pub(crate) id: ParkedId,
    pub(crate) position: Position,
    /// The decision as it is recorded.
    pub(crate) row: RowWrite,
    /// Answered with how many events were done, `None` when the event is not parked there.
    pub(crate) answer: oneshot::Sender<Result<Option<usize>, CommitError>>,
}

/// An event that is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ParkedAt {
    pub(crate) position: Position,
    /// Whether its key will be tried again.
    pub(crate) retrying: bool,
}

/// The consumer's end.
pub(crate) struct Control {
    pub(crate) orders: watch::Receiver<Orders>,
    pub(crate) requests: mpsc::Receiver<Request>,
    /// Where it is held, if anywhere.
    pub(crate) until: Option<Position>,
    /// What follows from the pieces of the log that begin up to here is stored piece by piece.
    pub(crate) apart: Option<Position>,
}

/// Positions that an operator has decided to pass by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Discarded(Arc<Mutex<Arc<HashSet<Position>>>>);

impl Discarded {
    pub(crate) fn positions(&self) -> Arc<HashSet<Position>> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The row that records the decision about `position` of projection `name`.
    pub(crate) fn row_key(name: &str, position: Position) -> Bytes {
        let mut key = KeyBytes::of(&(name, "discarded"));
        key.push_raw(&position.get().to_be_bytes());
        Bytes::copy_from_slice(key.as_slice())
    }

    /// The rows that record the decisions about projection `name`, in the order of the log that they are about.
    pub(crate) async fn rows(log: &dyn Store, name: &str) -> Result<Vec<(Position, Bytes)>, ReadError> {
        let prefix = Bytes::copy_from_slice(KeyBytes::of(&(name, "discarded")).as_slice());
        let position = |key: &Bytes| {
            let position = key.get(prefix.len()..)?.try_into().ok()?;
            Position::new(u64::from_be_bytes(position)).ok()
        };
        let mut rows = Vec::new();
        let mut scan = Some(Scan::prefix(LoggedTable::CONSUMERS, prefix.clone()));
        while let Some(next) = scan {
            let page = log.scan(next).await?;
            rows.extend(page.rows.into_iter().filter_map(|(key, row)| Some((position(&key)?, row))));
            scan = page.next;
        }
        Ok(rows)
    }

    /// Adds those of projection `name` that `log` has.
    pub(crate) async fn load(&self, log: &dyn Store, name: &str) -> Result<(), ReadError> {
        let rows = Self::rows(log, name).await?;
        self.add(rows.into_iter().map(|(position, _)| position));
        Ok(())
    }

    pub(crate) fn add(&self, positions: impl IntoIterator<Item = Position>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut all).extend(positions);
    }
}

impl Control {
    /// The next request, or that it is to stop. Nothing is lost when it is dropped.
    pub(crate) async fn next(&mut self) -> Request {
        loop {
            if let Some(stop) = self.told() {
                return Request::Stop(stop);
            }
            tokio::select! {
                changed = self.orders.changed() => if changed.is_err() {
                    return Request::Stop(Stop::Ended);
                },
                Some(request) = self.requests.recv() => return request,
            }
        }
    }

    /// Whether it is to stop.
    pub(crate) fn told(&self) -> Option<Stop> {
        let orders = *self.orders.borrow();
        match orders {
            _ if self.orders.has_changed().is_err() => Some(Stop::Ended),
            Orders { stop: true, .. } => Some(Stop::Ended),
            Orders { held: true, .. } => Some(Stop::Held),
            Orders { paused: true, .. } => Some(Stop::Paused),
            _ => None,
        }
    }

    /// Waits until it is no longer told to pause.
    ///
    /// # Errors
    /// What it is told otherwise.
    pub(crate) async fn may_work(&mut self) -> Result<(), Stop> {
        loop {
            match self.told() {
                None => return Ok(()),
                Some(Stop::Paused) => drop(self.orders.changed().await),
                Some(stop) => return Err(stop),
            }
        }
    }

    /// Waits until it is told anything new.
    pub(crate) async fn changed(&mut self) {
        // That nobody is there to tell it anything is seen by `told`.
        drop(self.orders.changed().await);
    }

    /// Does `work` to its end, unless it is told to stop and the work goes on for longer than the grace: then the work is
    /// dropped, and what of it was not stored is done again later.
    pub(crate) async fn while_not_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        let mut orders = self.orders.clone();
        let told = async {
            while self.told().is_none() {
                // That nobody is there to tell it anything is seen by `told`.
                drop(orders.changed().await);
            }
            tokio::time::sleep(GRACE).await;
            self.told().unwrap_or(Stop::Ended)
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            stop = told => Err(stop),
        }
    }
}

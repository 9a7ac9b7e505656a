//! What can be asked and told of one projection.

mod health;
mod history;

use std::{sync::Arc, time::Duration};

use annals_core::{
    Commit, CommitError, LoggedTable, Position, ReadError, Receipt, RowWrite, Tenant, codec::EncodeError,
};
use bytes::Bytes;
use thiserror::Error;
use tokio::sync::{oneshot, watch};

use crate::{
    KeyBytes, Lag, ParkedKey, Rebuild, RowKey, RowsError, State, Status,
    consumer::Consumer,
    control::{Discard, Discarded, ParkedAt, Request},
    decision::Decided,
    lane::Undone,
    parked::{self, ParkedId},
};

use super::{
    shadow::{self, Shadow, ShadowError},
    start::Started,
};

/// One projection that runs. Cloning is cheap.
#[derive(Clone)]
pub struct ProjectionHandle {
    started: Arc<Started>,
}

/// Why a projection has not seen what was waited for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WaitError {
    /// An event of the receipt is parked, or waits behind one that is. Replay or discard it.
    #[error("projection {projection} has parked record {position}")]
    Parked {
        /// The projection.
        projection: &'static str,
        /// The first such event.
        position: Position,
    },
    /// It does not run, or computes its rows anew, and waiting could take for ever.
    #[error("projection {projection} is at {position} and will not see {wanted} for now: it is {}", describe(.state))]
    NotRunning {
        /// The projection.
        projection: &'static str,
        /// What it is doing.
        state: State,
        /// Where it is.
        position: Position,
        /// The position that was waited for.
        wanted: Position,
    },
    /// No such projection was registered. Add it to the builder.
    #[error("projection {projection} is not registered")]
    NotRegistered {
        /// The projection.
        projection: &'static str,
    },
    /// It did not get there in time. It goes on.
    #[error("projection {projection} has not seen {wanted} after {after:?}, it is at {position}")]
    TimedOut {
        /// The projection.
        projection: &'static str,
        /// Where it is.
        position: Position,
        /// The position that was waited for.
        wanted: Position,
        /// How long was waited.
        after: Duration,
    },
}

/// Why an operator's decision did not take effect.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum OperatorError {
    /// The projection does not run: see its state.
    #[error("projection {projection} does not run: it is {}", describe(.state))]
    NotRunning {
        /// The projection.
        projection: &'static str,
        /// What it is doing.
        state: State,
    },
    /// The event is not the first that is parked of its key, or no more: it was taken in meanwhile. List what is parked again.
    #[error("projection {projection} has not parked this event, or no more")]
    NotParked {
        /// The projection.
        projection: &'static str,
    },
    /// Rows of this table need not belong to one key. Key it by the lane's key and say `#[row(keyed_by_lane)]`, or
    /// [rebuild](ProjectionHandle::rebuild) all rows.
    #[error(
        "the rows of one key cannot be told in table {table} of projection {projection}: it is not keyed by the lane's key"
    )]
    NotKeyedByLane {
        /// The projection.
        projection: &'static str,
        /// The table.
        table: &'static str,
    },
    /// It sees each event at most once, so no rows can be computed anew.
    #[error("projection {projection} sees each event at most once, so its rows cannot be computed anew")]
    AtMostOnce {
        /// The projection.
        projection: &'static str,
    },
    /// The handler failed at an event of the key. Its rows are what they were.
    #[error("projection {projection} failed at record {position}: {error}")]
    Failed {
        /// The projection.
        projection: &'static str,
        /// The record.
        position: Position,
        /// Why.
        error: String,
    },
    /// The rows of the key cannot be read, or not be stored at once. They are what they were.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// The decision could not be recorded.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The reason cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// What is stored could not be read now. Ask again.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What is stored is not what this version of annals writes. Ask the version that wrote it.
    #[error("{what} cannot be read: {reason}")]
    Unreadable {
        /// What it is about.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl ProjectionHandle {
    pub(super) fn new(started: &Arc<Started>) -> Self {
        Self { started: Arc::clone(started) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.started.name
    }

    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        self.started.worker.board.now()
    }

    /// The same, and a signal whenever that changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.started.worker.board.watch()
    }

    /// How far it is behind.
    #[must_use]
    pub fn lag(&self) -> Lag {
        self.started.worker.lag()
    }

    /// Waits until it has seen what `receipt` is about: from then on its rows hold what follows from that. At once when
    /// nothing was written. An event that failed and will be tried again by itself is waited for.
    ///
    /// # Errors
    /// [`WaitError`], at once where waiting is of no use.
    pub async fn wait_for(&self, receipt: &Receipt) -> Result<(), WaitError> {
        let Some((first, last)) = receipt.positions else { return Ok(()) };
        let mut status = self.started.worker.board.watch();
        loop {
            self.wait_until(last).await?;
            if status.borrow_and_update().parked_events == 0 {
                return Ok(());
            }
            match self.parked_between(first, last).await {
                Ok(None) => return Ok(()),
                Ok(Some(ParkedAt { position, retrying: false })) => {
                    return Err(WaitError::Parked { projection: self.name(), position });
                }
                // It is tried again, which changes what is parked.
                Ok(Some(_)) => drop(status.changed().await),
                Err(_) => {
                    let (projection, Status { state, position, .. }) = (self.name(), self.status());
                    return Err(WaitError::NotRunning { projection, state, position, wanted: last });
                }
            }
        }
    }

    /// The same as [`wait_for`](Self::wait_for), for not longer than `limit`.
    ///
    /// # Errors
    /// [`WaitError`].
    pub async fn wait_within(&self, receipt: &Receipt, limit: Duration) -> Result<(), WaitError> {
        let waited = tokio::time::timeout(limit, self.wait_for(receipt)).await;
        waited.unwrap_or_else(|_| {
            let wanted = receipt.positions.map_or(Position::ZERO, |(_, last)| last);
            let (projection, position) = (self.name(), self.status().position);
            Err(WaitError::TimedOut { projection, position, wanted, after: limit })
        })
    }

    /// Waits until it has come to `position`: everything up to there was taken in or set aside.
    ///
    /// # Errors
    /// [`WaitError`], at once where waiting is of no use.
    pub async fn wait_until(&self, position: Position) -> Result<(), WaitError> {
        let mut status = self.started.worker.board.watch();
        let is_hopeless = |state: &State| !matches!(state, State::Starting | State::CatchingUp | State::Live);
        let settled = status
            .wait_for(|status| (status.position >= position && status.is_complete()) || is_hopeless(&status.state));
        let status = settled.await.map_or_else(|_| self.status(), |status| status.clone());
        if status.position >= position && status.is_complete() {
            // What was waited for is in the rows of this build, so those are to be the ones that are read.
            self.started.reading.swapped().await;
            return Ok(());
        }
        let (projection, state) = (self.name(), status.state);
        Err(WaitError::NotRunning { projection, state, position: status.position, wanted: position })
    }

    /// What it has set aside, in no particular order.
    ///
    /// # Errors
    /// [`OperatorError::NotRunning`].
    pub async fn parked(&self) -> Result<Vec<ParkedKey>, OperatorError> {
        self.ask(Request::Parked).await
    }

    /// Takes in what is parked of `key`, in order, through the code that runs now. Returns how many events were done; when
    /// one fails again, it and those behind it stay parked.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn replay(&self, key: &ParkedKey) -> Result<usize, OperatorError> {
        self.ask(|answer| Request::Replay(Self::id(key), answer)).await
    }

    /// Takes in what is parked of every key that `matching` accepts, as [`replay`](Self::replay) does. Returns each of these
    /// keys and how many of its events were done. What it would be is seen without doing anything by
    /// [`parked`](Self::parked) and the same function.
    ///
    /// # Errors
    /// [`OperatorError`]; the keys before were taken in.
    pub async fn replay_all(
        &self,
        matching: impl Fn(&ParkedKey) -> bool,
    ) -> Result<Vec<(ParkedKey, usize)>, OperatorError> {
        let mut done = Vec::new();
        for key in self.parked().await?.into_iter().filter(matching) {
            let events = self.replay(&key).await?;
            done.push((key, events));
        }
        Ok(done)
    }

    /// Passes by the event of `key` that failed, for ever, also when the rows are computed anew, and takes in those behind it.
    /// The decision and its reason are recorded in the log. Returns how many events were done, this one included.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn discard(&self, key: &ParkedKey, reason: &str) -> Result<usize, OperatorError> {
        let (id, position) = (Self::id(key), key.position);
        let row = Decided::row(LoggedTable::CONSUMERS, Discarded::row_key(self.name(), position), reason)?;
        let done = self.ask(|answer| Request::Discard(Discard { id, position, row, answer })).await??;
        done.ok_or(OperatorError::NotParked { projection: self.name() })
    }

    /// Lets it do nothing until it is resumed, also after a restart. What it is at, it ends. The decision and its reason are
    /// recorded in the log.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn pause(&self, reason: &str) -> Result<(), OperatorError> {
        let (table, key) = Consumer::pause_row(self.name());
        self.record(table, key, Some(reason)).await?;
        self.started.worker.orders.send_modify(|orders| orders.paused = true);
        Ok(())
    }

    /// Lets it go on, when it was paused, and when it failed.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn resume(&self) -> Result<(), OperatorError> {
        let (table, key) = Consumer::pause_row(self.name());
        self.record(table, key, None).await?;
        self.started.worker.orders.send_modify(|orders| {
            orders.paused = false;
            orders.resumed += 1;
        });
        Ok(())
    }

    /// Computes its rows anew, beside those that are read meanwhile; they are read when they are [swapped](Shadow::swap). Goes on
    /// after a restart. When the same is being computed already, this is that.
    ///
    /// # Errors
    /// [`ShadowError`]; [`UnderWay`](ShadowError::UnderWay) while something else runs beside it.
    pub async fn rebuild(&self, rebuild: Rebuild) -> Result<Shadow, ShadowError> {
        shadow::begin(&self.started, rebuild).await
    }

    /// Computes the rows of one key of nobody or of a tenant anew: what there is of it is replaced, at once, by what follows from
    /// its events, and nothing of it is set aside any more. The key is that of the lane, by default the key of a stream; every
    /// table has to be keyed by it. The log is read from the start, and meanwhile nothing else is taken in. Returns how many events
    /// the rows now follow from.
    ///
    /// # Errors
    /// [`OperatorError`]; the rows are then what they were.
    pub async fn rebuild_key<K: RowKey + ?Sized>(
        &self,
        tenant: Option<&Tenant>,
        key: &K,
    ) -> Result<usize, OperatorError> {
        let (consumer, projection) = (self.started.worker.consumer(), self.name());
        if consumer.is_at_most_once() {
            return Err(OperatorError::AtMostOnce { projection });
        }
        if let Some(spec) = consumer.specs.iter().find(|spec| !spec.keyed_by_lane) {
            return Err(OperatorError::NotKeyedByLane { projection, table: spec.name });
        }
        let (tenant, key) = (tenant.cloned(), KeyBytes::of(key));
        let done = self.ask(|answer| Request::Anew(tenant, key, answer)).await?;
        done.map_err(|undone| match undone {
            Undone::Failed { position, error } => {
                OperatorError::Failed { projection, position, error: error.to_string() }
            }
            Undone::Rows(error) => OperatorError::Rows(error),
        })
    }

    /// Lets the rows go on that were read before the latest swap, from where they were then. They are read when they are
    /// [swapped](Shadow::swap) back.
    ///
    /// # Errors
    /// [`ShadowError`]; [`NoPrevious`](ShadowError::NoPrevious) when there are none, or none that this code computed.
    pub async fn bring_back(&self) -> Result<Shadow, ShadowError> {
        shadow::bring_back(&self.started).await
    }

    /// What is computed beside the rows that are read, by [`rebuild`](Self::rebuild) or [`bring_back`](Self::bring_back), maybe
    /// before a restart.
    #[must_use]
    pub fn shadow(&self) -> Option<Shadow> {
        shadow::present(&self.started)
    }

    fn id(key: &ParkedKey) -> ParkedId {
        parked::id(key.tenant.as_ref().map(Tenant::as_str), &key.key)
    }

    async fn record(&self, table: LoggedTable, key: Bytes, reason: Option<&str>) -> Result<(), OperatorError> {
        let row = match reason {
            Some(reason) => Decided::row(table, key, reason)?,
            None => RowWrite::delete(table, key),
        };
        self.started.worker.consumer().log.commit(Commit::new().row(row)).await?;
        Ok(())
    }

    async fn parked_between(&self, first: Position, last: Position) -> Result<Option<ParkedAt>, OperatorError> {
        self.ask(|answer| Request::ParkedBetween(first, last, answer)).await
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, OperatorError> {
        let (answer, answered) = oneshot::channel();
        let not_running = || OperatorError::NotRunning { projection: self.name(), state: self.status().state };
        if !matches!(self.status().state, State::Starting | State::Rebuilding | State::CatchingUp | State::Live) {
            return Err(not_running());
        }
        self.started.worker.requests.send(request(answer)).await.map_err(|_| not_running())?;
        answered.await.map_err(|_| not_running())
    }
}

impl std::fmt::Debug for ProjectionHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProjectionHandle").field("status", &self.status()).finish()
    }
}

/// What a projection is doing, behind "it is".
pub(super) fn describe(state: &State) -> String {
    match state {
        State::Starting => "starting".into(),
        State::Rebuilding => "computing its rows anew".into(),
        State::CatchingUp => "catching up".into(),
        State::Live => "live".into(),
        State::Paused => "paused".into(),
        State::Failed { reason, .. } => format!("stopped: {reason}"),
        State::TakenOver => "run by somebody else".into(),
        State::Stopped => "shut down".into(),
    }
}

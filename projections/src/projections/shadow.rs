//! A build beside the one that is read.

mod difference;
mod error;
mod place;

use std::{future::Future, sync::Arc};

use annals_core::{Commit, LoggedTable, Position};
use bytes::Bytes;
use tokio::sync::watch;

use super::start::{Beside, Started};
use crate::{
    KeyBytes, Lag, Rebuild, State, Status, builds::Builds, decision::Decided, rebuild::Scope, session::Setup, unused,
};

pub use difference::{Difference, RowDifference, TableDifference};
pub use error::ShadowError;
use place::Held;

/// Rows of a projection that are computed beside those that are read: by an operator's wish anew
/// ([`rebuild`](crate::ProjectionHandle::rebuild)), or going on from where they were when others were read in their place
/// ([`bring_back`](crate::ProjectionHandle::bring_back)). They follow the log as those that are read do, until they are
/// [swapped](Self::swap) or [abandoned](Self::abandon), also after a restart.
///
/// ```
/// # use annals_projections::{ProjectionHandle, Rebuild, ShadowError};
/// # async fn rebuild(balances: ProjectionHandle) -> Result<(), ShadowError> {
/// let shadow = balances.rebuild(Rebuild::new()).await?;
/// shadow.caught_up().await?;
/// let difference = shadow.compare(10).await?;
/// println!("{difference}");
/// shadow.swap("the rows of March were written by a faulty version").await?;
/// // And if that was a mistake:
/// let shadow = balances.bring_back().await?;
/// shadow.caught_up().await?;
/// shadow.swap("the faulty version was right").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Shadow {
    started: Arc<Started>,
    beside: Arc<Beside>,
}

/// Begins to compute what `rebuild` says, or goes on with the same.
pub(super) async fn begin(started: &Arc<Started>, rebuild: Rebuild) -> Result<Shadow, ShadowError> {
    let started = Arc::clone(started);
    let projection = started.name;
    if let Some(problem) = rebuild.invalid() {
        return Err(ShadowError::Name { projection, problem: problem.clone() });
    }
    whole(projection, async move {
        let _changing = Arc::clone(&started.changing).lock_owned().await;
        let setup = started.worker.setup();
        let scope = rebuild.scope(&*setup.consumer.log).await?;
        if let Some(beside) = started.beside() {
            // What was brought back is not computed anew, although it may be from the same events.
            let is_former = Builds::load(&*setup.consumer.rows, projection).await?.previous == Some(beside.build);
            let is_same = !is_former && beside.worker.consumer().scope.is_like(&scope);
            return if is_same { Ok(Shadow { started, beside }) } else { Err(started.under_way(beside.build)) };
        }
        started.check_may_begin()?;
        let begin = |builds: &mut Builds| builds.begin_beside(&started.code, &setup.consumer.specs, scope.clone());
        let number = Builds::change(&*setup.consumer.rows, projection, begin).await?;
        started.run_beside(&setup, number, scope).await
    })
    .await
}

/// Lets the build run on that was read before the present one.
pub(super) async fn bring_back(started: &Arc<Started>) -> Result<Shadow, ShadowError> {
    let started = Arc::clone(started);
    let projection = started.name;
    whole(projection, async move {
        let _changing = Arc::clone(&started.changing).lock_owned().await;
        let setup = started.worker.setup();
        let builds = Builds::load(&*setup.consumer.rows, projection).await?;
        let previous = builds.previous;
        if let Some(beside) = started.beside() {
            let is_same = previous == Some(beside.build);
            return if is_same { Ok(Shadow { started, beside }) } else { Err(started.under_way(beside.build)) };
        }
        started.check_may_begin()?;
        let found = previous.and_then(|number| builds.get(number)).filter(|build| build.code == started.code);
        let build = found.cloned().ok_or(ShadowError::NoPrevious { projection })?;
        Builds::change(&*setup.consumer.rows, projection, |builds| builds.beside = Some(build.number)).await?;
        started.run_beside(&setup, build.number, build.scope).await
    })
    .await
}

/// The build that runs beside the one that is read.
pub(super) fn present(started: &Arc<Started>) -> Option<Shadow> {
    Some(Shadow { started: Arc::clone(started), beside: started.beside()? })
}

impl Started {
    /// Whether something may run beside what is read, if nothing does yet.
    fn check_may_begin(&self) -> Result<(), ShadowError> {
        self.check_ours()?;
        if self.worker.consumer().is_at_most_once() {
            return Err(ShadowError::AtMostOnce { projection: self.name });
        }
        let builds = self.reading.builds();
        if builds.is_swapped() { Ok(()) } else { Err(self.under_way(builds.running)) }
    }

    /// Whether what is read is ours to change.
    fn check_ours(&self) -> Result<(), ShadowError> {
        let state = self.worker.board.now().state;
        if matches!(state, State::TakenOver | State::Stopped) || self.worker.is_told_to_stop() {
            return Err(ShadowError::NotRunning { projection: self.name, state });
        }
        Ok(())
    }

    async fn run_beside(self: Arc<Self>, setup: &Setup, build: u64, scope: Scope) -> Result<Shadow, ShadowError> {
        let beside = Beside::start(setup.of_build(build, scope).await?);
        self.set_beside(Some(Arc::clone(&beside)));
        Ok(Shadow { started: self, beside })
    }

    fn under_way(&self, build: u64) -> ShadowError {
        ShadowError::UnderWay { projection: self.name, build }
    }

    fn delete_unused(&self) {
        let (consumer, orders) = (self.worker.consumer(), self.worker.orders.subscribe());
        self.spawn(async move { unused::delete(&consumer, orders).await });
    }
}

impl Shadow {
    /// The number of the build.
    #[must_use]
    pub fn build(&self) -> u64 {
        self.beside.build
    }

    /// How it is doing: it is rebuilding until it holds what the log held when it was begun.
    #[must_use]
    pub fn status(&self) -> Status {
        self.beside.worker.board.now()
    }

    /// The same, and a signal whenever that changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.beside.worker.board.watch()
    }

    /// How far it is behind the log, and when it will have caught up.
    #[must_use]
    pub fn lag(&self) -> Lag {
        self.beside.worker.lag()
    }

    /// Waits until it has come to where the log is now.
    ///
    /// # Errors
    /// [`ShadowError::NotRunning`] when it cannot go on; [`ShadowError::Gone`].
    pub async fn caught_up(&self) -> Result<(), ShadowError> {
        let head = self.started.worker.consumer().log.head().borrow().position;
        let mut status = self.watch();
        let has_ended =
            |state: &State| matches!(state, State::TakenOver | State::Stopped | State::Failed { retrying: false, .. });
        let is_there = |status: &Status| status.is_complete() && status.position >= head;
        // The board is here too, so waiting does not fail.
        drop(status.wait_for(|status| is_there(status) || has_ended(&status.state)).await);
        let now = self.status();
        if is_there(&now) {
            return Ok(());
        }
        self.check_present()?;
        Err(ShadowError::NotRunning { projection: self.started.name, state: now.state })
    }

    /// Compares its rows with those that are read, both as of one position: how many are alike and not, and up to `examples` of
    /// each table that are not. Neither takes events in meanwhile.
    ///
    /// # Errors
    /// [`ShadowError`].
    pub async fn compare(&self, examples: usize) -> Result<Difference, ShadowError> {
        let shadow = self.clone();
        whole(self.started.name, async move {
            let _changing = shadow.started.changing.lock().await;
            shadow.check_complete()?;
            let mut held = shadow.hold_both().await;
            let position = held.bring_to_one_position().await?;
            difference::between(&shadow.started, shadow.build(), position, examples).await
        })
        .await
    }

    /// Lets it be read from now on, and run in place of the one that was. Readers see no earlier rows than before; what was read
    /// until now can be [brought back](crate::ProjectionHandle::bring_back) until the next swap. The decision and its reason are
    /// recorded in the log.
    ///
    /// # Errors
    /// [`ShadowError`]; what is read is then what it was.
    pub async fn swap(&self, reason: &str) -> Result<(), ShadowError> {
        let (shadow, reason) = (self.clone(), reason.to_owned());
        whole(self.started.name, async move {
            let _changing = shadow.started.changing.lock().await;
            shadow.check_complete()?;
            let mut held = shadow.hold_both().await;
            held.beside_not_behind().await?;
            let Setup { consumer, board, .. } = shadow.beside.worker.setup();
            let mut key = KeyBytes::of(&(consumer.name, "swapped"));
            key.push_raw(&shadow.build().to_be_bytes());
            let row = Decided::row(LoggedTable::CONSUMERS, Bytes::copy_from_slice(key.as_slice()), &reason)?;
            consumer.log.commit(Commit::new().row(row)).await?;
            if !Builds::change(&*consumer.rows, consumer.name, |builds| builds.swap(shadow.build())).await? {
                return Err(shadow.gone());
            }
            tracing::info!(projection = consumer.name, build = shadow.build(), reason, "another build is read");
            let control = held.swapped();
            board.state(State::Stopped);
            shadow.started.set_beside(None);
            // Read before the board says where they are: whoever waits must not be told of rows that are not the ones read.
            shadow.started.reading.exchange(shadow.build());
            shadow.started.worker.exchange(control, consumer, &board);
            shadow.started.delete_unused();
            Ok(())
        })
        .await
    }

    /// Gives it up. Its rows are deleted, unless it is the build that was read before.
    ///
    /// # Errors
    /// [`ShadowError`].
    pub async fn abandon(&self) -> Result<(), ShadowError> {
        let shadow = self.clone();
        whole(self.started.name, async move {
            let _changing = shadow.started.changing.lock().await;
            shadow.check_present()?;
            let consumer = shadow.beside.worker.consumer();
            Builds::change(&*consumer.rows, consumer.name, |builds| builds.beside = None).await?;
            shadow.beside.worker.tell_to_stop();
            drop(shadow.beside.worker.rests().await);
            shadow.started.set_beside(None);
            shadow.started.delete_unused();
            Ok(())
        })
        .await
    }

    async fn hold_both(&self) -> Held<'_> {
        Held::both(self.started.name, &self.started.worker, &self.beside.worker).await
    }

    fn check_present(&self) -> Result<(), ShadowError> {
        let is_present = self.started.beside().is_some_and(|beside| beside.build == self.build());
        if is_present { Ok(()) } else { Err(self.gone()) }
    }

    fn gone(&self) -> ShadowError {
        ShadowError::Gone { projection: self.started.name, build: self.build() }
    }

    /// Whether it holds what it should, and the one that is read is ours to change.
    fn check_complete(&self) -> Result<(), ShadowError> {
        self.check_present()?;
        self.started.check_ours()?;
        let status = self.status();
        if status.is_complete() {
            return Ok(());
        }
        let (projection, target) = (self.started.name, status.target.unwrap_or(Position::MAX));
        Err(ShadowError::Incomplete { projection, position: status.position, target })
    }
}

/// Does `work` to its end, although whoever waits for it may not.
async fn whole<T: Send + 'static>(
    projection: &'static str,
    work: impl Future<Output = Result<T, ShadowError>> + Send + 'static,
) -> Result<T, ShadowError> {
    let stopped = |_| ShadowError::NotRunning { projection, state: State::Stopped };
    tokio::spawn(work).await.map_err(stopped)?
}

impl std::fmt::Debug for Shadow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shadow").field("status", &self.status()).finish()
    }
}

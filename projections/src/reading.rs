//! Which build of a read model is read.

use std::sync::Arc;

use annals_core::{Store, Tenant};
use tokio::sync::watch;

use crate::{
    Row, ViewError,
    status::Board,
    tables::{TableNames, TableSpec},
};

/// Which build of a read model is read, and where its rows are.
pub(crate) struct Reading {
    pub(crate) projection: &'static str,
    pub(crate) rows: Arc<dyn Store>,
    pub(crate) specs: Arc<[TableSpec]>,
    /// The build that is read.
    live: watch::Sender<u64>,
    /// The build that is run, and how it is doing.
    running: u64,
    board: Arc<Board>,
    /// Whether the live build, where it is another one, can be read: it is complete, and its rows are stored as those of the
    /// running one.
    is_readable: bool,
}

impl Reading {
    pub(crate) fn new(
        projection: &'static str,
        rows: Arc<dyn Store>,
        specs: Arc<[TableSpec]>,
        (live, running): (u64, u64),
        is_readable: bool,
        board: Arc<Board>,
    ) -> Self {
        Self { projection, rows, specs, live: watch::Sender::new(live), running, board, is_readable }
    }

    /// From now on the running build is read.
    pub(crate) fn swap(&self) {
        self.live.send_replace(self.running);
    }

    pub(crate) fn is_swapped(&self) -> bool {
        *self.live.borrow() == self.running
    }

    /// Waits until the running build is read.
    pub(crate) async fn swapped(&self) {
        // The sender is here, so waiting does not fail.
        drop(self.live.subscribe().wait_for(|live| *live == self.running).await);
    }

    /// What the tables of `R` are called at this moment.
    ///
    /// # Errors
    /// [`ViewError::Rebuilding`] while there is nothing that could be read in good faith.
    pub(crate) fn names<R: Row>(&self, tenant: Option<&Tenant>) -> Result<TableNames, ViewError> {
        let live = *self.live.borrow();
        let status = self.board.now();
        let is_readable = if live == self.running { status.is_complete() } else { self.is_readable };
        if !is_readable {
            let target = status.target.unwrap_or_default();
            return Err(ViewError::Rebuilding { projection: self.projection, position: status.position, target });
        }
        Ok(TableNames::of(self.projection, live, R::TABLE, R::INDEXES, tenant)?)
    }
}

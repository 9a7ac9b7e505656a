//! Which build of a read model is read.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use annals_core::{Store, Tenant};

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
    live: AtomicU64,
    /// The build that is run, and how it is doing.
    running: u64,
    board: Arc<Board>,
    /// Whether rows of the live build are stored as those of the running one.
    is_alike: bool,
}

impl Reading {
    pub(crate) fn new(
        projection: &'static str,
        rows: Arc<dyn Store>,
        specs: Arc<[TableSpec]>,
        (live, running): (u64, u64),
        is_alike: bool,
        board: Arc<Board>,
    ) -> Self {
        Self { projection, rows, specs, live: AtomicU64::new(live), running, board, is_alike }
    }

    /// From now on the running build is read.
    pub(crate) fn swap(&self) {
        self.live.store(self.running, Ordering::Release);
    }

    pub(crate) fn is_swapped(&self) -> bool {
        self.live.load(Ordering::Acquire) == self.running
    }

    /// What the tables of `R` are called at this moment.
    ///
    /// # Errors
    /// [`ViewError::Rebuilding`] while there is nothing that could be read in good faith.
    pub(crate) fn names<R: Row>(&self, tenant: Option<&Tenant>) -> Result<TableNames, ViewError> {
        let live = self.live.load(Ordering::Acquire);
        let status = self.board.now();
        let is_readable = if live == self.running { status.is_complete() } else { self.is_alike };
        if !is_readable {
            let target = status.target.unwrap_or_default();
            return Err(ViewError::Rebuilding { projection: self.projection, position: status.position, target });
        }
        Ok(TableNames::of(self.projection, live, R::TABLE, R::INDEXES, tenant)?)
    }
}

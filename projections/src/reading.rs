//! Which build of a read model is read.

use std::{marker::PhantomData, sync::Arc};

use annals_core::{Store, Tenant};
use tokio::sync::watch;

use crate::{
    Row, ViewError,
    status::Board,
    tables::{TableNames, TableSpec},
    view::Source,
};

/// Which build of a read model is read, and where its rows are.
pub(crate) struct Reading {
    pub(crate) projection: &'static str,
    pub(crate) rows: Arc<dyn Store>,
    pub(crate) specs: Arc<[TableSpec]>,
    builds: watch::Sender<InUse>,
    /// How the running build is doing.
    board: Arc<Board>,
    /// Whether the live build, where it is another one, can be read: it is complete, and its rows are stored as those of the
    /// running one.
    is_readable: bool,
}

/// The builds that are in use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InUse {
    /// The one that is read.
    pub(crate) live: u64,
    /// The one that is run, to be read as soon as it is complete.
    pub(crate) running: u64,
}

impl Reading {
    pub(crate) fn new(
        projection: &'static str,
        rows: Arc<dyn Store>,
        specs: Arc<[TableSpec]>,
        builds: InUse,
        is_readable: bool,
        board: Arc<Board>,
    ) -> Self {
        Self { projection, rows, specs, builds: watch::Sender::new(builds), board, is_readable }
    }

    /// From now on the running build is read.
    pub(crate) fn swap(&self) {
        self.builds.send_modify(|builds| builds.live = builds.running);
    }

    /// From now on build `number` is run and read.
    pub(crate) fn exchange(&self, number: u64) {
        self.builds.send_replace(InUse { live: number, running: number });
    }

    pub(crate) fn builds(&self) -> InUse {
        *self.builds.borrow()
    }

    pub(crate) fn is_swapped(&self) -> bool {
        self.builds().is_swapped()
    }

    /// Waits until the running build is read.
    pub(crate) async fn swapped(&self) {
        // The sender is here, so waiting does not fail.
        drop(self.builds.subscribe().wait_for(InUse::is_swapped).await);
    }

    /// What the tables of `R` are called at this moment.
    ///
    /// # Errors
    /// [`ViewError::Rebuilding`] while there is nothing that could be read in good faith.
    pub(crate) fn names<R: Row>(&self, tenant: Option<&Tenant>) -> Result<TableNames, ViewError> {
        let InUse { live, running } = self.builds();
        let status = self.board.now();
        let is_readable = if live == running { status.is_complete() } else { self.is_readable };
        if !is_readable {
            let target = status.target.unwrap_or_default();
            return Err(ViewError::Rebuilding { projection: self.projection, position: status.position, target });
        }
        Ok(TableNames::of(self.projection, live, R::TABLE, R::INDEXES, tenant)?)
    }
}

impl InUse {
    /// Whether they are one.
    pub(crate) fn is_swapped(&self) -> bool {
        self.live == self.running
    }
}

/// Where the rows `R` are that a tenant reads.
pub(crate) struct RowsOf<R> {
    pub(crate) reading: Arc<Reading>,
    pub(crate) tenant: Option<Tenant>,
    pub(crate) of: PhantomData<fn() -> R>,
}

impl<R: Row> Source for RowsOf<R> {
    fn names(&self) -> Result<TableNames, ViewError> {
        self.reading.names::<R>(self.tenant.as_ref())
    }

    fn is_current(&self, names: &TableNames) -> bool {
        self.reading.builds().live == names.build
    }
}

//! Who reads the log: one build of one projection, with what its rows are fenced by.

use std::sync::Arc;

use annals_core::{
    Commit, CommitError, Condition, ConsumerName, DerivedTable, Epoch, Generation, InvalidText, LoggedTable, RowIs,
    RowWrite, Store, Table, Timestamp,
};
use bytes::Bytes;

use crate::{
    Delivery, KeyBytes, Lag, ProjectionOptions, Status, Subscription, parked::History, pulse::Pulse, rebuild::Scope,
    tables::TableSpec,
};

/// One build of one projection, as it is run.
#[derive(Clone)]
pub(crate) struct Consumer {
    pub(crate) name: &'static str,
    pub(crate) build: u64,
    /// Which events the build is computed from.
    pub(crate) scope: Scope,
    pub(crate) subscription: Subscription,
    pub(crate) specs: Arc<[TableSpec]>,
    pub(crate) options: ProjectionOptions,
    /// Where the events are.
    pub(crate) log: Arc<dyn Store>,
    /// Where the rows are: the same store, or one in memory.
    pub(crate) rows: Arc<dyn Store>,
    pub(crate) pulse: Pulse,
    pub(crate) history: History,
}

/// What every batch has to agree with: the life of the derived tables that it was computed for, and the right to write.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    pub(crate) generation: Option<Generation>,
    pub(crate) epoch: Option<Epoch>,
}

impl Consumer {
    /// The name under which its epochs are. Each build has its own, because two may run side by side.
    fn epoch_name(&self) -> Result<ConsumerName, InvalidText> {
        ConsumerName::new(format!("{}:{}", self.name, self.build))
    }

    /// The key of a row of this build in one of annals' own tables, to which more is appended.
    pub(crate) fn key(&self) -> KeyBytes {
        KeyBytes::of(&(self.name, self.build))
    }

    /// Takes over: whoever ran this build before can write no more.
    ///
    /// Rows in memory are nobody else's, so that there is nothing to take.
    pub(crate) async fn take_over(&self) -> Result<Option<Epoch>, TakeOverError> {
        if self.options.in_memory {
            return Ok(None);
        }
        take_over(&*self.log, self.epoch_name()?).await.map(Some)
    }

    /// How far it is behind the log, where its status is `status`.
    pub(crate) fn lag(&self, status: &Status) -> Lag {
        let head = self.log.head().borrow().position;
        status.lag(head, self.pulse.late(status.recorded, Timestamp::now()))
    }

    /// Whether no event may be handed over twice.
    pub(crate) fn is_at_most_once(&self) -> bool {
        self.options.delivery == Delivery::AtMostOnce
    }

    /// The row of the store's generation.
    pub(crate) fn generation_row() -> (Table, Bytes) {
        (DerivedTable::GENERATION.into(), Bytes::new())
    }

    /// The row that says that an operator paused the projection, whatever its build.
    pub(crate) fn pause_row(name: &str) -> (LoggedTable, Bytes) {
        (LoggedTable::CONSUMERS, Bytes::copy_from_slice(KeyBytes::of(&(name, "paused")).as_slice()))
    }
}

/// Takes the right to write as `consumer`: whoever had it before can write no more.
///
/// # Errors
/// [`TakeOverError`].
pub async fn take_over(store: &dyn Store, consumer: ConsumerName) -> Result<Epoch, TakeOverError> {
    loop {
        let (table, key) = Epoch { consumer: consumer.clone(), number: 0 }.row();
        let found = store.get(&[(table.clone().into(), key.clone())]).await?.into_iter().next().flatten();
        let latest = found.as_deref().and_then(|row| row.try_into().ok()).map_or(0, u64::from_be_bytes);
        let epoch = Epoch { consumer: consumer.clone(), number: latest.saturating_add(1) };
        let is = found.map_or(RowIs::Absent, RowIs::Equals);
        let commit = Commit::new()
            .when(Condition::Row { table: table.clone(), key: key.clone(), is })
            .row(RowWrite::put(table, key, epoch.to_row()));
        match store.commit(commit).await {
            Ok(_) => return Ok(epoch),
            // Somebody else took over in between; the latest one counts.
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Why nobody could take over.
#[derive(Debug, thiserror::Error)]
pub enum TakeOverError {
    /// The consumer's name makes none under which epochs are kept.
    #[error(transparent)]
    Name(#[from] InvalidText),
    /// The epoch could not be read.
    #[error(transparent)]
    Read(#[from] annals_core::ReadError),
    /// The next one could not be written.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

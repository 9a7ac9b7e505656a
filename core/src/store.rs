//! The contract that every store fulfils.

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use tokio::sync::watch;

use crate::{
    ApplyError, Commit, CommitError, CommitNumber, NameKey, Page, Position, ReadError, ReadLog, ReadStream, Receipt,
    Record, RowBatch, Scan, Table,
};

/// How far a store has come: everything up to here is durable and visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// The latest commit.
    pub commit: CommitNumber,
    /// The latest position.
    pub position: Position,
}

/// An ordered log and a set of ordered tables of rows, changed only by atomic commits. The log is the only truth.
///
/// All of it is used as `Arc<dyn Store>`. Every sentence below has a case in the conformance suite.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Writes everything in `commit`, or nothing.
    ///
    /// * **Order.** Commits take effect one after the other. Commit numbers, positions and versions are dense; events
    ///   get theirs in the order of the commit. Recorded times never decrease.
    /// * **Conditions** are checked against everything committed before, and all that fail are reported together.
    /// * **Once.** A key that was used for the same request gives the first receipt, marked as repeated, and writes
    ///   nothing: before any condition is looked at, also after a restart. Used for another request it is an error.
    /// * **Durability.** When it returns `Ok` the commit is on disk, and every later read sees it.
    /// * **Cancellation.** A future that is dropped before the commit was queued wrote nothing; later the commit
    ///   completes by itself.
    ///
    /// # Errors
    /// [`CommitError`]; with all but [`OutcomeUnknown`](CommitError::OutcomeUnknown), nothing was written.
    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError>;

    /// Writes all derived rows of `batch`, or none. Checks the generation first, then the epoch, then the conditions.
    ///
    /// Every later read sees them. They are not awaited to disk: after a crash the derived tables are as after some
    /// earlier batch, or lost as a whole and of a new generation; never as after half a batch, never without one that
    /// came before another that is there. A dropped future has either applied the batch or not begun.
    ///
    /// # Errors
    /// [`ApplyError`]; nothing was written.
    async fn apply(&self, batch: RowBatch) -> Result<(), ApplyError>;

    /// Reads one stream, in the order of versions.
    ///
    /// Sees what was committed when the read began and nothing later. An error ends the stream.
    fn read_stream(&self, read: ReadStream) -> BoxStream<'_, Result<Record, ReadError>>;

    /// Reads the log, in the order of positions, each matching record once.
    ///
    /// Sees what was committed when the read began and nothing later: who has seen a position has seen every matching
    /// one before it. An error ends the stream.
    fn read_log(&self, read: ReadLog) -> BoxStream<'_, Result<Record, ReadError>>;

    /// Reads rows by key, in the order of `keys`, all as of one moment between commits and between batches.
    ///
    /// # Errors
    /// [`ReadError`].
    async fn get(&self, keys: &[(Table, Bytes)]) -> Result<Vec<Option<Bytes>>, ReadError>;

    /// Reads one page of rows, all as of one moment between commits and between batches; two pages may differ in it.
    /// Rows that the scan [looks up](Scan::lookup) are of that moment too.
    ///
    /// A page may hold fewer rows than asked for, even none, while [`Page::next`] goes on.
    ///
    /// # Errors
    /// [`ReadError`].
    async fn scan(&self, scan: Scan) -> Result<Page, ReadError>;

    /// The key that unique names are hashed with: kept beside the log, not in it, and part of every backup.
    ///
    /// Where there is none it is made if `make` says so, and is on disk when it is returned; from then on it is always the
    /// same. A store never replaces a key. Whether it is the one that the log's names were hashed with is not the store's
    /// matter.
    ///
    /// # Errors
    /// [`ReadError`], also when it cannot be made or is damaged.
    async fn name_key(&self, make: bool) -> Result<Option<NameKey>, ReadError>;

    /// How far the store has come, and a signal whenever that changes. Records are never carried by it: read the log.
    ///
    /// The signal ends when the store is shut down: then waiting for a change is an error, and who follows the log is
    /// told.
    fn head(&self) -> watch::Receiver<Head>;

    /// Takes no more commits and batches, finishes those that were queued, and makes the next open fast. Idempotent.
    /// Afterwards everything answers `ShutDown`. The same happens when the last handle of a store is dropped.
    async fn shut_down(&self);
}

//! Reads the log once for all consumers that are at the same place.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use annals_core::{AsOf, EventQuery, Head, Position, ReadError, ReadLog, Store};
use futures::StreamExt;
use tokio::sync::{OnceCell, watch};

use crate::{Subscription, chunk::Chunk};

/// Chunks end where the position is a multiple of this, so that consumers that began at different places come to read the same
/// ones; also the most records of a chunk.
const CHUNK_POSITIONS: u64 = 4096;

/// The most bytes of payload in a chunk, beside its last record.
const CHUNK_BYTES_MAX: usize = 4 << 20;

/// How many chunks are kept for those who come behind: some, and one more for each consumer, up to this.
const CHUNKS_KEPT_MAX: usize = 16;

/// What consumers of one query read.
pub(crate) struct Feed {
    store: Arc<dyn Store>,
    query: EventQuery,
    /// What is decoded ahead.
    subscriptions: Vec<Subscription>,
    /// By the position that they begin behind, the latest last.
    chunks: Mutex<VecDeque<(Position, Arc<Cell>)>>,
}

type Cell = OnceCell<Arc<Chunk>>;

impl Feed {
    pub(crate) fn new(store: Arc<dyn Store>, subscriptions: Vec<Subscription>) -> Self {
        let query = EventQuery::new(subscriptions.iter().map(Subscription::item)).any_tenant();
        Self { store, query, subscriptions, chunks: Mutex::default() }
    }

    /// The records behind `after`, as soon as the log has come further. Dropped, it has read nothing.
    ///
    /// # Errors
    /// [`ReadError`]; that the store is shut down, when `head` says so.
    pub(crate) async fn next(
        self: &Arc<Self>,
        after: Position,
        head: &mut watch::Receiver<Head>,
    ) -> Result<Arc<Chunk>, ReadError> {
        let now = loop {
            // The head is marked as seen before the log is read, so a commit in between wakes the next round.
            let now = head.borrow_and_update().position;
            if after < now {
                break now;
            }
            head.changed().await.map_err(|_| ReadError::ShutDown)?;
        };
        let chunk = self.chunk(after, now).await?;
        if chunk.end() < now {
            self.read_ahead(chunk.end(), now);
        }
        Ok(chunk)
    }

    async fn chunk(&self, after: Position, head: Position) -> Result<Arc<Chunk>, ReadError> {
        let cell = self.cell(after);
        cell.get_or_try_init(|| self.read(after, head)).await.cloned()
    }

    fn cell(&self, after: Position) -> Arc<Cell> {
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, cell)) = chunks.iter().find(|(begin, _)| *begin == after) {
            return Arc::clone(cell);
        }
        let cell = Arc::new(Cell::new());
        chunks.push_back((after, Arc::clone(&cell)));
        let kept = (3 + self.subscriptions.len()).min(CHUNKS_KEPT_MAX);
        while chunks.len() > kept {
            chunks.pop_front();
        }
        cell
    }

    async fn read(&self, after: Position, head: Position) -> Result<Arc<Chunk>, ReadError> {
        let boundary = (after.get() / CHUNK_POSITIONS + 1) * CHUNK_POSITIONS;
        let end = Position::new(boundary).unwrap_or(Position::MAX).min(head);
        let read = ReadLog::of(self.query.clone()).after(after).as_of(AsOf::Position(end));
        let mut stream = self.store.read_log(read);
        let (mut records, mut bytes) = (Vec::new(), 0);
        while let Some(record) = stream.next().await {
            let record = record?;
            bytes += record.payload.len();
            let position = record.position;
            records.push(record);
            if bytes > CHUNK_BYTES_MAX {
                return Ok(Arc::new(Chunk::new(records, position)));
            }
        }
        Ok(Arc::new(Chunk::new(records, end)))
    }

    /// Reads the next chunk and decodes it, while the present one is handled.
    fn read_ahead(self: &Arc<Self>, after: Position, head: Position) {
        let cell = self.cell(after);
        if cell.initialized() {
            return;
        }
        let feed = Arc::clone(self);
        tokio::spawn(async move {
            let read = cell.get_or_try_init(|| feed.read(after, head)).await.cloned();
            if let Ok(chunk) = read {
                // Decoding takes milliseconds, which a task must not. Nobody waits for it: what is not decoded yet, whoever
                // needs it decodes.
                let decode = move || feed.subscriptions.iter().for_each(|subscription| subscription.decode(&chunk));
                drop(tokio::task::spawn_blocking(decode));
            }
        });
    }
}

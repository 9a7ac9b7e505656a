//! Reads the log once for all consumers that are at the same place.

mod ahead;
mod members;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use annals_core::{AsOf, EventQuery, Head, Position, ReadError, ReadLog, Store};
use futures::StreamExt;
use tokio::sync::{OnceCell, watch};

use crate::{Subscription, chunk::Chunk};
use ahead::{Ahead, Source};
pub(crate) use members::Member;
use members::Members;

/// Chunks end where the position is a multiple of this, so that consumers that began at different places come to read the same
/// ones; also the most records of a chunk.
const CHUNK_POSITIONS: u64 = 1024;

/// The most bytes of payload in a chunk, beside its last record.
const CHUNK_BYTES_MAX: usize = 2 << 20;

/// So many chunks are kept at most for those who come behind: as many as they may be behind, and some. What nobody will ask for
/// is freed at once, while it is in the processor's cache.
const CHUNKS_KEPT: usize = 16;

/// What consumers of one query read.
pub(crate) struct Feed {
    source: Arc<Source>,
    members: Arc<Members>,
    /// Reads under way, each for those who are at one place.
    aheads: Mutex<Vec<Arc<tokio::sync::Mutex<Ahead>>>>,
    /// By the position that they begin behind, the latest last.
    chunks: Mutex<VecDeque<(Position, Arc<Cell>)>>,
}

/// So many reads are under way at most.
const AHEADS_MAX: usize = 4;

type Cell = OnceCell<Arc<Chunk>>;

impl Feed {
    pub(crate) fn new(store: Arc<dyn Store>, subscriptions: Vec<Subscription>) -> Self {
        let query = EventQuery::new(subscriptions.iter().map(Subscription::item)).any_tenant();
        let source = Arc::new(Source { store, query, subscriptions });
        Self { source, members: Arc::default(), aheads: Mutex::default(), chunks: Mutex::default() }
    }

    /// One more who reads, from behind `position` on.
    pub(crate) fn join(&self, position: Position) -> Member {
        self.members.join(position)
    }

    /// The records behind `after`, which is how far `member` is, as soon as the log has come further. Where there is much to
    /// read, those who are near each other stay together. Dropped, it has read nothing.
    ///
    /// # Errors
    /// [`ReadError`]; that the store is shut down, when `head` says so.
    pub(crate) async fn next(
        &self,
        member: &Member,
        after: Position,
        head: &mut watch::Receiver<Head>,
    ) -> Result<Arc<Chunk>, ReadError> {
        member.is_at(after);
        let now = loop {
            // The head is marked as seen before the log is read, so a commit in between wakes the next round.
            let now = head.borrow_and_update().position;
            if after < now {
                break now;
            }
            head.changed().await.map_err(|_| ReadError::ShutDown)?;
        };
        if now > chunk_end(after) {
            member.wait_for_others(after).await;
        }
        let cell = self.cell(after);
        cell.get_or_try_init(|| self.read(after, now)).await.cloned()
    }

    fn cell(&self, after: Position) -> Arc<Cell> {
        // Freeing a chunk takes long, and is not done under the lock.
        let mut dropped = Vec::new();
        let needed = self.members.least();
        let mut chunks = locked(&self.chunks);
        if let Some((_, cell)) = chunks.iter().find(|(begin, _)| *begin == after) {
            return Arc::clone(cell);
        }
        let cell = Arc::new(Cell::new());
        chunks.push_back((after, Arc::clone(&cell)));
        let is_needed = |(begin, _): &(Position, _)| needed.is_some_and(|needed| *begin >= needed);
        while chunks.len() > CHUNKS_KEPT || chunks.front().is_some_and(|front| !is_needed(front)) {
            dropped.extend(chunks.pop_front());
        }
        drop(chunks);
        cell
    }

    async fn read(&self, after: Position, head: Position) -> Result<Arc<Chunk>, ReadError> {
        if let Some(ahead) = self.ahead(after, head)
            && let Some(chunk) = ahead.lock().await.next().await
        {
            return chunk;
        }
        self.read_one(after, chunk_end(after).min(head)).await
    }

    /// The read under way that gives what is behind `after`. One begins if it is worth it: if there is more than a chunk, and not
    /// many are under way.
    fn ahead(&self, after: Position, head: Position) -> Option<Arc<tokio::sync::Mutex<Ahead>>> {
        let mut aheads = locked(&self.aheads);
        // One that is locked gives a chunk to somebody, who is elsewhere.
        let is_there = |ahead: &&Arc<tokio::sync::Mutex<Ahead>>| ahead.try_lock().is_ok_and(|ahead| ahead.is_at(after));
        if let Some(there) = aheads.iter().find(is_there) {
            return Some(Arc::clone(there));
        }
        aheads.retain(|ahead| ahead.try_lock().map_or(true, |ahead| !ahead.is_idle()));
        if head <= chunk_end(after) || aheads.len() >= AHEADS_MAX {
            return None;
        }
        let ahead = Ahead::start(Arc::clone(&self.source), after, head);
        let ahead = Arc::new(tokio::sync::Mutex::new(ahead));
        aheads.push(Arc::clone(&ahead));
        Some(ahead)
    }

    async fn read_one(&self, after: Position, end: Position) -> Result<Arc<Chunk>, ReadError> {
        let read = ReadLog::of(self.source.query.clone()).after(after).as_of(AsOf::Position(end));
        let mut stream = self.source.store.read_log(read);
        let (mut records, mut bytes) = (Vec::new(), 0);
        while let Some(record) = stream.next().await {
            let record = record?;
            bytes += record.payload().len();
            let position = record.position();
            records.push(record);
            if bytes > CHUNK_BYTES_MAX {
                return Ok(Arc::new(Chunk::new(records, position)));
            }
        }
        Ok(Arc::new(Chunk::new(records, end)))
    }
}

/// Where a chunk ends that begins behind `after`, if it does not become too large.
fn chunk_end(after: Position) -> Position {
    Position::new((after.get() / CHUNK_POSITIONS + 1) * CHUNK_POSITIONS).unwrap_or(Position::MAX)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

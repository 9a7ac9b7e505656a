//! Reading a long stretch of the log in one go, and decoding it, ahead of those who take it in.

use std::{sync::Arc, time::Duration};

use annals_core::{AsOf, EventQuery, Position, ReadError, ReadLog, Record, Store};
use futures::StreamExt;
use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
    time::Instant,
};

use super::{CHUNK_BYTES_MAX, chunk_end};
use crate::{Subscription, chunk::Chunk};

/// A stretch has so many positions at most.
const POSITIONS_MAX: u64 = 524_288;

/// So many chunks wait to be taken, beside the one that is being read.
const CHUNKS_AHEAD: usize = 4;

/// When nobody has taken a chunk for so long, nothing more is read.
const IDLE: Duration = Duration::from_secs(1);

/// What is read, and who decodes it.
pub(super) struct Source {
    pub(super) store: Arc<dyn Store>,
    pub(super) query: EventQuery,
    /// What is decoded ahead.
    pub(super) subscriptions: Vec<Subscription>,
}

/// A read of a stretch of the log that is under way. Dropped, it ends.
pub(super) struct Ahead {
    /// Where the next chunk begins.
    next: Position,
    /// Where the stretch ends.
    end: Position,
    /// When a chunk was taken last.
    taken: Instant,
    chunks: mpsc::Receiver<Result<Coming, ReadError>>,
    coming: Option<Coming>,
    reading: JoinHandle<()>,
}

/// A chunk that is being decoded.
struct Coming {
    chunk: Arc<Chunk>,
    decoding: JoinHandle<()>,
}

impl Ahead {
    /// Begins to read behind `after`, up to `head` if that is not too far.
    pub(super) fn start(source: Arc<Source>, after: Position, head: Position) -> Self {
        let end = Position::new(after.get().saturating_add(POSITIONS_MAX)).unwrap_or(Position::MAX).min(head);
        let (give, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let reading = tokio::spawn(async move { read(&source, after, end, &give).await });
        Self { next: after, end, taken: Instant::now(), chunks, coming: None, reading }
    }

    /// Whether it has a chunk that begins behind `after`.
    pub(super) fn is_at(&self, after: Position) -> bool {
        self.next == after && !self.is_over()
    }

    fn is_over(&self) -> bool {
        let has_none = self.chunks.is_empty() && self.coming.is_none();
        self.next >= self.end || (self.reading.is_finished() && has_none)
    }

    /// Whether nobody is likely to take a chunk any more.
    pub(super) fn is_idle(&self) -> bool {
        self.taken.elapsed() >= IDLE || self.is_over()
    }

    /// The next chunk, decoded; `None` at the end of the stretch. Dropped, it has taken nothing.
    pub(super) async fn next(&mut self) -> Option<Result<Arc<Chunk>, ReadError>> {
        if self.coming.is_none() {
            match self.chunks.recv().await? {
                Ok(coming) => self.coming = Some(coming),
                Err(error) => return Some(Err(error)),
            }
        }
        // What is not decoded, because that failed, is decoded by whoever needs it.
        if let Some(coming) = &mut self.coming {
            drop((&mut coming.decoding).await);
        }
        let chunk = self.coming.take()?.chunk;
        (self.next, self.taken) = (chunk.end(), Instant::now());
        Some(Ok(chunk))
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

type Give = mpsc::Sender<Result<Coming, ReadError>>;

/// Gives everything behind `after` up to `end` away in chunks, or as much as is taken.
async fn read(source: &Arc<Source>, after: Position, end: Position, give: &Give) {
    let read = ReadLog::of(source.query.clone()).after(after).as_of(AsOf::Position(end));
    let mut stream = source.store.read_log(read);
    let room = usize::try_from(super::CHUNK_POSITIONS).unwrap_or_default();
    let (mut records, mut bytes, mut boundary) = (Vec::<Record>::with_capacity(room), 0, chunk_end(after).min(end));
    while let Some(record) = stream.next().await {
        let record = match record {
            Ok(record) => record,
            Err(error) => return drop(give.send_timeout(Err(error), IDLE).await),
        };
        if record.position() > boundary {
            let chunk = Chunk::new(std::mem::replace(&mut records, Vec::with_capacity(room)), boundary);
            if !hand_on(source, chunk, give).await {
                return;
            }
            (bytes, boundary) = (0, chunk_end(record.position().previous()).min(end));
        }
        bytes += record.payload().len();
        let position = record.position();
        records.push(record);
        if bytes > CHUNK_BYTES_MAX && position < boundary {
            if !hand_on(source, Chunk::new(std::mem::take(&mut records), position), give).await {
                return;
            }
            bytes = 0;
        }
    }
    hand_on(source, Chunk::new(records, end), give).await;
}

/// Lets a chunk be decoded and gives it away; false when nobody takes it.
async fn hand_on(source: &Arc<Source>, chunk: Chunk, give: &Give) -> bool {
    let chunk = Arc::new(chunk);
    let (decoded, by) = (Arc::clone(&chunk), Arc::clone(source));
    // Decoding takes milliseconds, which a task must not.
    let decoding =
        spawn_blocking(move || by.subscriptions.iter().for_each(|subscription| subscription.decode(&decoded)));
    give.send_timeout(Ok(Coming { chunk, decoding }), IDLE).await.is_ok()
}

//! Following the log from history into the present.

use std::sync::Arc;

use futures::{
    StreamExt,
    stream::{self, BoxStream},
};

use crate::{AsOf, EventQuery, Position, ReadError, ReadLog, Record, Store};

/// What every store can do on top of its contract.
pub trait StoreExt {
    /// The records that match `query` behind `after`, in the order of the log: first those that are there, then each
    /// new one when it is committed. Ends only with an error or when the stream is dropped.
    ///
    /// Nothing is missed or repeated where history meets the present, however slow the reader is: new commits are only
    /// a signal to read the log again behind the last record seen, so a slow reader costs the store nothing.
    fn follow(&self, query: EventQuery, after: Position) -> BoxStream<'static, Result<Record, ReadError>>;
}

/// Records are read in pieces of this many, so that a reader holds no long read open.
const PIECE: usize = 256;

impl StoreExt for Arc<dyn Store> {
    fn follow(&self, query: EventQuery, after: Position) -> BoxStream<'static, Result<Record, ReadError>> {
        let follower = Follower { head: self.head(), store: Self::clone(self), query, seen: after, failed: false };
        stream::unfold(follower, Follower::next_piece).flat_map(stream::iter).boxed()
    }
}

struct Follower {
    store: Arc<dyn Store>,
    head: tokio::sync::watch::Receiver<crate::Head>,
    query: EventQuery,
    /// Every matching record up to here was given out.
    seen: Position,
    failed: bool,
}

impl Follower {
    async fn next_piece(mut self) -> Option<(Vec<Result<Record, ReadError>>, Self)> {
        if self.failed {
            return None;
        }
        let piece = loop {
            // The head is marked as seen before the log is read, so a commit in between wakes the next round.
            let head = self.head.borrow_and_update().position;
            if self.seen < head {
                let piece = self.read_up_to(head).await;
                if !piece.is_empty() {
                    break piece;
                }
            }
            if self.head.changed().await.is_err() {
                break vec![Err(ReadError::ShutDown)];
            }
        };
        self.failed = piece.iter().any(Result::is_err);
        Some((piece, self))
    }

    async fn read_up_to(&mut self, head: Position) -> Vec<Result<Record, ReadError>> {
        let read = ReadLog::of(self.query.clone()).after(self.seen).as_of(AsOf::Position(head)).limit(PIECE as u64);
        let piece: Vec<_> = self.store.read_log(read).collect().await;
        let whole = piece.len() < PIECE;
        self.seen = match piece.last() {
            Some(Ok(last)) if !whole => last.position(),
            Some(Err(_)) => self.seen,
            _ => head,
        };
        piece
    }
}

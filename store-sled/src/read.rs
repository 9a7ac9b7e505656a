//! Reading records and rows.

pub(crate) mod ahead;
pub(crate) mod log;
pub(crate) mod matches;
pub(crate) mod rows;
mod scan;
pub(crate) mod stream;

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use annals_core::{Direction, ReadError, Record};
use futures::{Stream, StreamExt, stream::BoxStream};

/// Records that were read at once, in the order of the read; behind them the error that ended it, if one did.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) records: Vec<Record>,
    pub(crate) error: Option<ReadError>,
}

impl Batch {
    pub(crate) fn failed(error: ReadError) -> Self {
        Self { records: Vec::new(), error: Some(error) }
    }
}

/// What gives out records in batches. A batch may be empty: then nothing was found in a part of the log, and the read
/// goes on.
pub(crate) trait Batches {
    /// The next batch of at most `limit` records, or `None` at the end.
    fn poll_batch(&mut self, context: &mut Context<'_>, limit: usize) -> Poll<Option<Batch>>;
}

/// A read gives out so many records at first, and up to so many later: many reads are for a few records only.
const BATCH_RECORDS_MIN: usize = 16;
const BATCH_RECORDS_MAX: usize = 1024;

/// Records at known places are read so many at once: while they are handed on they stay in the processor's cache.
const BATCH_PLACES: usize = 128;

/// After so many batches a long read lets other tasks run.
const BATCHES_A_TURN: u32 = 8;

/// A read under way.
struct Reading<B> {
    batches: B,
    given: vec::IntoIter<Record>,
    /// The error behind `given`; nothing is read behind it.
    error: Option<ReadError>,
    is_over: bool,
    /// How many records may still be read.
    left: u64,
    batch_records: usize,
    turn: u32,
}

/// Gives out what `batches` have, up to the first error, `limit` records at most.
///
/// The reads themselves do not wait: what they touch is in memory or in the page cache, a microsecond or two away.
pub(crate) fn give<'a>(
    batches: impl Batches + Send + Unpin + 'a,
    limit: Option<u64>,
) -> BoxStream<'a, Result<Record, ReadError>> {
    let (given, left) = (Vec::new().into_iter(), limit.unwrap_or(u64::MAX));
    let batch_records = BATCH_RECORDS_MIN;
    Reading { batches, given, error: None, is_over: left == 0, left, batch_records, turn: 0 }.boxed()
}

impl<B: Batches + Unpin> Stream for Reading<B> {
    type Item = Result<Record, ReadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let reading = self.get_mut();
        loop {
            if let Some(record) = reading.given.next() {
                return Poll::Ready(Some(Ok(record)));
            }
            if let Some(error) = reading.error.take() {
                return Poll::Ready(Some(Err(error)));
            }
            if reading.is_over {
                return Poll::Ready(None);
            }
            reading.turn += 1;
            if reading.turn.is_multiple_of(BATCHES_A_TURN) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let batch = ready!(reading.poll_batch(context));
            reading.take(batch);
        }
    }
}

impl<B: Batches> Reading<B> {
    fn poll_batch(&mut self, context: &mut Context<'_>) -> Poll<Option<Batch>> {
        let limit = usize::try_from(self.left).unwrap_or(usize::MAX).min(self.batch_records);
        self.batches.poll_batch(context, limit)
    }

    fn take(&mut self, batch: Option<Batch>) {
        let Some(Batch { mut records, error }) = batch else {
            self.is_over = true;
            return;
        };
        self.batch_records = (self.batch_records * 2).min(BATCH_RECORDS_MAX);
        records.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= records.len() as u64;
        self.is_over = error.is_some() || self.left == 0;
        self.error = error.filter(|_| self.left > 0);
        self.given = records.into_iter();
    }
}

/// A read of nothing: most are of the tail of a stream that has none.
pub(crate) fn nothing<'a>() -> BoxStream<'a, Result<Record, ReadError>> {
    futures::stream::empty().boxed()
}

/// A read that failed before it began.
pub(crate) fn fail<'a>(error: ReadError) -> BoxStream<'a, Result<Record, ReadError>> {
    futures::stream::iter([Err(error)]).boxed()
}

pub(crate) fn is_forward(direction: Direction) -> bool {
    direction == Direction::Forward
}

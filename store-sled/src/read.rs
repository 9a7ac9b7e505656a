//! Reading records and rows.

pub(crate) mod log;
pub(crate) mod matches;
pub(crate) mod rows;
pub(crate) mod stream;

use std::task::Poll;

use annals_core::{Direction, ReadError, Record};
use futures::{StreamExt, stream::BoxStream};

/// After so many records a long read lets other tasks run.
const RECORDS_A_TURN: u32 = 128;

/// Gives out what `read` gives, up to the first error, `limit` records at most.
///
/// The reads themselves do not wait: what they touch is in memory or in the page cache, a microsecond or two away.
pub(crate) fn give<'a>(
    read: impl Iterator<Item = Result<Record, ReadError>> + Send + 'a,
    limit: Option<u64>,
) -> BoxStream<'a, Result<Record, ReadError>> {
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let mut failed = false;
    let mut read = read.take_while(move |record| !std::mem::replace(&mut failed, record.is_err())).take(limit);
    let mut turn = 0;
    futures::stream::poll_fn(move |context| {
        turn += 1;
        if turn % RECORDS_A_TURN == 0 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(read.next())
    })
    .boxed()
}

/// A read that failed before it began.
pub(crate) fn fail<'a>(error: ReadError) -> BoxStream<'a, Result<Record, ReadError>> {
    futures::stream::iter([Err(error)]).boxed()
}

pub(crate) fn is_forward(direction: Direction) -> bool {
    direction == Direction::Forward
}

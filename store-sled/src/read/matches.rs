//! Looking for a record that a condition forbids.

use annals_core::{Condition, EventQuery, Position, ReadError, ReadLog};

use super::log::LogRecords;
use crate::{
    committer::{Looked, REST_MAX, ahead},
    shared::Shared,
};

/// The position of the first published record behind `after` that matches.
pub(crate) fn first(shared: &Shared, query: &EventQuery, after: Position) -> Result<Option<Position>, ReadError> {
    let read = ReadLog::of(query.clone()).after(after);
    Ok(LogRecords::begin(shared, read)?.first()?.map(|record| record.position))
}

/// Looks at what is published for one condition before its commit is queued, so that the committer has little left.
/// Bounded rounds: a log that grows faster than it can be searched is left to the committer.
pub(crate) fn look(shared: &Shared, condition: &Condition) -> Result<Looked, ReadError> {
    const ROUNDS: usize = 8;
    let mut looked = Looked::default();
    let Condition::NoneMatch { query, after } = condition else { return Ok(looked) };
    looked.to = *after;
    for _ in 0..ROUNDS {
        let head = shared.published().standing.position;
        looked.found = first(shared, query, looked.to)?;
        if looked.found.is_some() {
            return Ok(looked);
        }
        looked.to = head.max(looked.to);
        if ahead(shared.published().standing.position, looked.to) < REST_MAX {
            break;
        }
    }
    Ok(looked)
}

/// Whether a condition has so much to look at that it must not keep an asynchronous task busy.
pub(crate) fn is_long(shared: &Shared, condition: &Condition) -> bool {
    const LONG: u64 = 10_000;
    let head = shared.published().standing.position;
    matches!(condition, Condition::NoneMatch { after, .. } if ahead(head, *after) > LONG)
}

//! Looking for a record that a condition forbids.

use annals_core::{Condition, EventQuery, Position, ReadError, ReadLog};

use super::log::{LogRecords, OwnedTerm, is_indexed, terms};
use crate::{
    committer::{Looked, REST_MAX, ahead},
    index::kinds::LastMatch,
    shared::Shared,
};

/// The position of a published record behind `after` that matches.
///
/// Where the kinds of the query tell where its last match is, that one is named: any match refuses the commit.
pub(crate) fn find(shared: &Shared, query: &EventQuery, after: Position) -> Result<Option<Position>, ReadError> {
    match shared.last_match(query)? {
        Some(LastMatch::At(last)) => return Ok((last > after).then_some(last)),
        Some(LastMatch::NotBehind(last)) if last <= after => return Ok(None),
        _ => {}
    }
    if is_indexed(query) && !has_candidates(shared, query, after)? {
        return Ok(None);
    }
    let read = ReadLog::of(query.clone()).after(after);
    Ok(LogRecords::begin(shared, read)?.first()?.map(|record| record.position()))
}

/// Whether a query for which the index tells may match behind `after`, going by what is in memory. Mostly that says no:
/// it is a new tag that must be unique, or something that happened just now. The tail is asked first, so that nothing is
/// missed that moves from there to the index meanwhile.
fn has_candidates(shared: &Shared, query: &EventQuery, after: Position) -> Result<bool, ReadError> {
    let index = shared.index()?;
    let has_some = |term: OwnedTerm| {
        let overlay = shared.overlay();
        let in_tail = match &term {
            OwnedTerm::Stream(stream) => overlay.stream_places_after(stream, after),
            OwnedTerm::Tag(tag) => overlay.tag_places_after(tag, after),
        };
        drop(overlay);
        !in_tail.is_empty() || index.may_have_behind(term.term(), after)
    };
    Ok(query.items().iter().flat_map(|item| terms(query, item)).any(has_some))
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
        looked.found = find(shared, query, looked.to)?;
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

/// Whether a condition has so much of the log to be searched that it must not keep an asynchronous task busy. Where the
/// index or the kinds of the query tell, nothing is searched.
pub(crate) fn is_long(shared: &Shared, condition: &Condition) -> bool {
    const LONG: u64 = 10_000;
    let Condition::NoneMatch { query, after } = condition else { return false };
    let head = shared.published().standing.position;
    ahead(head, *after) > LONG
        && !is_indexed(query)
        && match shared.last_match(query) {
            Ok(Some(LastMatch::At(_))) => false,
            Ok(Some(LastMatch::NotBehind(last))) => last > *after,
            _ => true,
        }
}

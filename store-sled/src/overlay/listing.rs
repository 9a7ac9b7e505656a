//! `$streams` in the tail: the streams that begin there.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Mutex, PoisonError},
};

use annals_core::{Direction, LoggedTable, Position, StreamId, Version};
use bytes::Bytes;

use super::{Overlay, Part};
use crate::index::{keys, stream_text};

/// The streams that begin in a part. They are put in order when they are first asked for: most never are.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    state: Mutex<Option<State>>,
}

#[derive(Debug)]
struct State {
    in_order: BTreeMap<Bytes, Position>,
    /// Those that have come since they were asked for.
    fresh: Vec<(StreamId, Position)>,
}

impl Listing {
    pub(super) fn add(&mut self, stream: &StreamId, first: Position) {
        if let Some(state) = self.state.get_mut().unwrap_or_else(PoisonError::into_inner) {
            state.fresh.push((stream.clone(), first));
        }
    }

    /// Up to `limit` rows of `table` in the range, in the order of `direction`; `begun` are all streams of the part that
    /// begin in it.
    fn rows(
        &self,
        begun: impl Iterator<Item = (Bytes, Position)>,
        table: &LoggedTable,
        range: &(Bound<Bytes>, Bound<Bytes>),
        direction: Direction,
        limit: usize,
    ) -> Vec<(Bytes, Option<Bytes>)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let in_order = || State { in_order: begun.collect(), fresh: Vec::new() };
        let State { in_order, fresh } = state.get_or_insert_with(in_order);
        in_order.extend(fresh.drain(..).map(|(stream, first)| (keys::stream_term(&stream), first)));
        let prefix = Bytes::from(stream_text_prefix(table));
        let key = |bound: &Bytes| Bytes::from([&prefix[..], bound].concat());
        let from = match &range.0 {
            Bound::Unbounded => Bound::Included(prefix.clone()),
            bound => bound.as_ref().map(key),
        };
        let to = match &range.1 {
            Bound::Unbounded => Bound::Excluded(keys::behind(prefix.to_vec()).into()),
            bound => bound.as_ref().map(key),
        };
        let rows = in_order.range((from, to));
        let row = |(term, first): (&Bytes, &Position)| (term.slice(prefix.len()..), Some(value(*first)));
        match direction {
            Direction::Forward => rows.take(limit).map(row).collect(),
            Direction::Backward => rows.rev().take(limit).map(row).collect(),
        }
    }
}

/// What the terms of all streams of the table's tenant begin with.
fn stream_text_prefix(table: &LoggedTable) -> Vec<u8> {
    keys::streams_prefix(table.tenant()).split_off(1)
}

fn value(first: Position) -> Bytes {
    Bytes::copy_from_slice(&first.get().to_be_bytes())
}

impl Part {
    /// The streams that begin here, under their terms, each with the position of its first event.
    fn begun(&self) -> impl Iterator<Item = (Bytes, Position)> {
        let begun = self.streams.as_slice().iter().filter(|(_, (version, _))| *version == Version::FIRST);
        begun.filter_map(|(stream, (_, places))| Some((keys::stream_term(stream), places.as_slice().first()?.position)))
    }

    /// The row of `$streams` of a stream that begins here.
    fn stream_row(&self, stream: &str) -> Option<Bytes> {
        let (version, places) = self.streams.get(stream)?;
        let first = places.as_slice().first().filter(|_| *version == Version::FIRST)?;
        Some(value(first.position))
    }
}

impl Overlay {
    /// The row of `$streams`, if the stream begins in the tail.
    pub(super) fn stream_row(&self, table: &LoggedTable, row: &[u8]) -> Option<Option<Bytes>> {
        // No stream's id within its tenant; with a slash it would be another tenant's stream.
        if !std::str::from_utf8(row).is_ok_and(|row| !row.contains('/')) {
            return None;
        }
        let stream = stream_text(table, row);
        self.parts().find_map(|part| part.stream_row(&stream)).map(Some)
    }

    /// Up to `limit` rows of `$streams` from each part.
    pub(super) fn listed(
        &self,
        table: &LoggedTable,
        range: &(Bound<Bytes>, Bound<Bytes>),
        direction: Direction,
        limit: usize,
    ) -> impl Iterator<Item = (Bytes, Option<Bytes>)> {
        self.parts().flat_map(move |part| part.listing.rows(part.begun(), table, range, direction, limit))
    }
}

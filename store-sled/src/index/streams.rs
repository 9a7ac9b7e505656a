//! `$streams`, seen in the places of streams: each has one entry, which says where its first event is.

use std::ops::{Bound, RangeBounds};

use annals_core::{Direction, LoggedTable};
use bytes::Bytes;
use sled::IVec;

use super::{
    keys,
    pages::{self, malformed},
    places,
    tree::Tree,
};

/// The value of the row `row` of `table`, which is `$streams` of some tenant.
pub(crate) fn get(tree: &Tree, table: &LoggedTable, row: &[u8]) -> sled::Result<Option<Bytes>> {
    // A stream's id holds neither; with a slash the key could be that of another tenant's stream.
    if row.contains(&0) || row.contains(&b'/') {
        return Ok(None);
    }
    let key = [&keys::streams_prefix(table.tenant())[..], row, &[0]].concat();
    pages::get(tree, &key)?.map(|stored| value(&stored)).transpose()
}

/// The value of a row from what is stored of the stream.
pub(crate) fn value(stored: &IVec) -> sled::Result<Bytes> {
    Ok(Bytes::copy_from_slice(&places::begin(stored)?.get().to_be_bytes()))
}

/// The rows in the range, in the order of `direction`: the key of each, and what [`value`] makes its value from.
pub(crate) fn scan(
    tree: &Tree,
    table: &LoggedTable,
    range: &(Bound<Bytes>, Bound<Bytes>),
    direction: Direction,
) -> impl Iterator<Item = sled::Result<(Bytes, IVec)>> + use<> {
    let prefix = keys::streams_prefix(table.tenant());
    let (from, to) = bounds(&prefix, range);
    let range = range.clone();
    let row = move |(key, stored): (Vec<u8>, IVec)| match key.get(prefix.len()..).and_then(<[u8]>::split_last) {
        Some((0, row)) => Ok((Bytes::copy_from_slice(row), stored)),
        _ => Err(malformed("the key of a stream")),
    };
    let rows = pages::range(tree, from, to, direction).map(move |entry| entry.and_then(&row));
    rows.filter(move |row| row.as_ref().map_or(true, |(row, _)| range.contains(row)))
}

/// Bounds of the entries of all streams in the range, and of few others: a zero byte stands behind each id, so that
/// what a bound holds from such a byte on decides nothing.
fn bounds(prefix: &[u8], range: &(Bound<Bytes>, Bound<Bytes>)) -> (Vec<u8>, Vec<u8>) {
    let from = match &range.0 {
        Bound::Included(from) | Bound::Excluded(from) => [prefix, from].concat(),
        Bound::Unbounded => prefix.to_vec(),
    };
    let to = match &range.1 {
        Bound::Included(to) | Bound::Excluded(to) => {
            let text = to.split(|byte| *byte == 0).next().unwrap_or_default();
            [prefix, text, &[1]].concat()
        }
        Bound::Unbounded => keys::behind(prefix.to_vec()),
    };
    (from, to)
}

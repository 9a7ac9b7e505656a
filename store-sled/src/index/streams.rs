//! `$streams`, seen in the places of streams: each has a chunk that begins with its first event.

use std::ops::{Bound, RangeBounds};

use annals_core::{Direction, LoggedTable, Version};
use bytes::Bytes;
use sled::{IVec, Tree};

use super::{
    keys,
    pages::{self, malformed},
    places,
};

/// The value of the row `row` of `table`, which is `$streams` of some tenant.
pub(crate) fn get(tree: &Tree, table: &LoggedTable, row: &[u8]) -> sled::Result<Option<Bytes>> {
    // Ids hold neither; with one of them a row's key could be another tenant's, or a place in a list.
    if row.contains(&0) || row.contains(&b'/') {
        return Ok(None);
    }
    let mut key = [&keys::streams_prefix(table.tenant())[..], row, &[0]].concat();
    keys::put_number(&mut key, Version::FIRST.get());
    pages::get(tree, &key)?.map(|stored| value(&stored)).transpose()
}

/// The value of a row from what is stored of the stream.
pub(crate) fn value(stored: &IVec) -> sled::Result<Bytes> {
    Ok(Bytes::copy_from_slice(&places::oldest(stored)?.get().to_be_bytes()))
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
    let (tree, range) = (tree.clone(), range.clone());
    let mut chunks = pages::range(&tree, from.clone(), to.clone(), direction);
    std::iter::from_fn(move || {
        loop {
            let (key, stored) = match chunks.next()? {
                Ok(entry) => entry,
                Err(error) => return Some(Err(error)),
            };
            let Some((stream, number)) = parts(&key, prefix.len()) else {
                return Some(Err(malformed("the key of a list of places")));
            };
            if number == Version::FIRST.get() {
                let row = Bytes::copy_from_slice(key.get(prefix.len()..stream).unwrap_or_default());
                if range.contains(&row) {
                    return Some(Ok((row, stored)));
                }
                continue;
            }
            // A long stream: what is between its first chunk and the next stream is skipped.
            let mut edge = key.get(..=stream).unwrap_or_default().to_vec();
            chunks = match direction {
                Direction::Forward => {
                    edge.push(keys::BEHIND_NUMBERS);
                    pages::range(&tree, edge, to.clone(), direction)
                }
                Direction::Backward => {
                    keys::put_number(&mut edge, Version::FIRST.get() + 1);
                    pages::range(&tree, from.clone(), edge, direction)
                }
            };
        }
    })
}

/// Where the id of the stream ends in the key of a chunk, and the number of the chunk.
fn parts(key: &[u8], prefix: usize) -> Option<(usize, u64)> {
    let length = key.get(prefix..)?.iter().position(|byte| *byte == 0)?;
    Some((prefix + length, keys::take_number(key.get(prefix + length + 1..)?)?))
}

/// Bounds of the chunks of all streams in the range, and of few others: a zero byte stands behind each id, so that
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

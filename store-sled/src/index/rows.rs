//! Rows in a tree of sled. Values over 4 KiB are cut into pieces, because sled keeps large ones in files of their own
//! that it never syncs.

use std::ops::Bound;

use annals_core::{Direction, Table};
use bytes::Bytes;
use sled::{IVec, Tree};

use super::keys;

const PIECE_BYTES: usize = 4096;

/// The first byte of a stored value: it follows, or so many pieces do.
const WHOLE: u8 = 0;
const PIECES: u8 = 1;

/// A row's value is not what was written.
pub(crate) struct Malformed;

pub(crate) fn get(tree: &Tree, table: &Table, key: &[u8]) -> sled::Result<Option<Result<Bytes, Malformed>>> {
    match tree.get(keys::row(table, key))? {
        None => Ok(None),
        Some(stored) => value(tree, table, key, &stored).map(Some),
    }
}

/// Writes changed rows of one table in place, in the order in which they are given: rising is fastest. Doing it twice
/// changes nothing.
pub(crate) fn merge<'a>(
    tree: &Tree,
    table: &Table,
    changes: impl IntoIterator<Item = (&'a Bytes, &'a Option<Bytes>)>,
) -> sled::Result<()> {
    changes.into_iter().try_for_each(|(key, value)| put(tree, table, key, value.as_deref()))
}

/// Writes one row. What is left over of a longer value before goes first: should the writes end here, the row still
/// says that it was there.
pub(crate) fn put(tree: &Tree, table: &Table, key: &[u8], value: Option<&[u8]>) -> sled::Result<()> {
    let row = keys::row(table, key);
    let long = value.filter(|value| value.len() > PIECE_BYTES);
    let pieces_now = long.map_or(0, |value| u32::try_from(value.len().div_ceil(PIECE_BYTES)).unwrap_or(u32::MAX));
    let pieces_before = tree.get(&row)?.and_then(|stored| pieces(&stored)).unwrap_or(0);
    for index in pieces_now..pieces_before {
        tree.remove(keys::chunk(table, key, index))?;
    }
    for (index, piece) in (0..).zip(long.into_iter().flat_map(|value| value.chunks(PIECE_BYTES))) {
        tree.insert(keys::chunk(table, key, index), piece)?;
    }
    match (value, long) {
        (None, _) => tree.remove(row).map(drop),
        (Some(value), None) => tree.insert(row, [&[WHOLE], value].concat()).map(drop),
        (Some(_), Some(_)) => tree.insert(row, [&[PIECES][..], &pieces_now.to_be_bytes()].concat()).map(drop),
    }
}

fn pieces(stored: &IVec) -> Option<u32> {
    match stored.split_first() {
        Some((&PIECES, count)) => count.try_into().ok().map(u32::from_be_bytes),
        _ => None,
    }
}

fn value(tree: &Tree, table: &Table, key: &[u8], stored: &IVec) -> sled::Result<Result<Bytes, Malformed>> {
    match stored.split_first() {
        Some((&WHOLE, value)) => return Ok(Ok(Bytes::copy_from_slice(value))),
        Some((&PIECES, _)) => {}
        _ => return Ok(Err(Malformed)),
    }
    let Some(count) = pieces(stored) else { return Ok(Err(Malformed)) };
    let mut value = Vec::new();
    for index in 0..count {
        match tree.get(keys::chunk(table, key, index))? {
            Some(piece) => value.extend_from_slice(&piece),
            None => return Ok(Err(Malformed)),
        }
    }
    Ok(Ok(value.into()))
}

/// The rows of `table` in the range, in the order of `direction`. Of a row that is being written, which the overlay has,
/// the value may be malformed.
pub(crate) fn scan(
    tree: &Tree,
    table: &Table,
    range: &(Bound<Bytes>, Bound<Bytes>),
    direction: Direction,
) -> impl Iterator<Item = sled::Result<(Bytes, Result<Bytes, Malformed>)>> {
    let prefix = keys::table_prefix(table);
    let key = |bound: &Bytes| [&prefix[..], bound].concat();
    let from = match &range.0 {
        Bound::Included(from) => Bound::Included(key(from)),
        Bound::Excluded(from) => Bound::Excluded(key(from)),
        Bound::Unbounded => Bound::Included(prefix.clone()),
    };
    let to = match &range.1 {
        Bound::Included(to) => Bound::Included(key(to)),
        Bound::Excluded(to) => Bound::Excluded(key(to)),
        // The prefix ends with a zero byte, so this is behind every key of the table and before the next one.
        Bound::Unbounded => Bound::Excluded([prefix.strip_suffix(&[0]).unwrap_or(&prefix), &[1]].concat()),
    };
    let mut rows = tree.range((from, to));
    let (tree, table, length) = (tree.clone(), table.clone(), prefix.len());
    std::iter::from_fn(move || {
        let entry = match direction {
            Direction::Forward => rows.next(),
            Direction::Backward => rows.next_back(),
        }?;
        Some(entry.and_then(|(key, stored)| {
            let key = Bytes::copy_from_slice(key.get(length..).unwrap_or_default());
            let value = value(&tree, &table, &key, &stored)?;
            Ok((key, value))
        }))
    })
}

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

/// Where writes go: a batch, or the tree at once.
pub(crate) trait Writes {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> sled::Result<()>;
    fn remove(&mut self, key: Vec<u8>) -> sled::Result<()>;
}

impl Writes for sled::Batch {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> sled::Result<()> {
        self.insert(key, value);
        Ok(())
    }
    fn remove(&mut self, key: Vec<u8>) -> sled::Result<()> {
        Self::remove(self, key);
        Ok(())
    }
}

impl Writes for &Tree {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> sled::Result<()> {
        self.insert(key, value).map(drop)
    }
    fn remove(&mut self, key: Vec<u8>) -> sled::Result<()> {
        Tree::remove(self, key).map(drop)
    }
}

/// A row's value is not what was written.
pub(crate) struct Malformed;

pub(crate) fn get(tree: &Tree, table: &Table, key: &[u8]) -> sled::Result<Option<Result<Bytes, Malformed>>> {
    match tree.get(keys::row(table, key))? {
        None => Ok(None),
        Some(stored) => value(tree, table, key, &stored).map(Some),
    }
}

/// Writes one row through `writes`, pieces first, and removes pieces of the value before that are left over.
pub(crate) fn put(
    tree: &Tree,
    writes: &mut impl Writes,
    table: &Table,
    key: &[u8],
    value: Option<&[u8]>,
) -> sled::Result<()> {
    let row = keys::row(table, key);
    let before = tree.get(&row)?.and_then(|stored| pieces(&stored)).unwrap_or(0);
    let mut count = 0;
    match value {
        None => writes.remove(row)?,
        Some(value) if value.len() <= PIECE_BYTES => writes.put(row, [&[WHOLE], value].concat())?,
        Some(value) => {
            for piece in value.chunks(PIECE_BYTES) {
                writes.put(keys::chunk(table, key, count), piece.to_vec())?;
                count += 1;
            }
            writes.put(row, [&[PIECES][..], &count.to_be_bytes()].concat())?;
        }
    }
    for index in count..before {
        writes.remove(keys::chunk(table, key, index))?;
    }
    Ok(())
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

/// The rows of `table` in the range, in the order of `direction`.
pub(crate) fn scan(
    tree: &Tree,
    table: &Table,
    range: &(Bound<Bytes>, Bound<Bytes>),
    direction: Direction,
) -> impl Iterator<Item = sled::Result<Result<(Bytes, Bytes), Malformed>>> {
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
            Ok(value(&tree, &table, &key, &stored)?.map(|value| (key, value)))
        }))
    })
}

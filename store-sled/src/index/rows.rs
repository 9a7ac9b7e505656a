//! Rows in pages. Values over 4 KiB are cut into pieces beside the pages, because sled keeps large ones in files of
//! their own that it never syncs.

use std::ops::Bound;

use annals_core::{Direction, Table};
use bytes::Bytes;
use sled::IVec;

use super::{
    keys,
    pages::{self, Change, Draft, malformed},
    tree::Tree,
};

const PIECE_BYTES: usize = 4096;

/// The first byte of a stored value: it follows, or so many pieces do.
const WHOLE: u8 = 0;
const PIECES: u8 = 1;

/// Writes changed rows of one table, in rising order of their keys. Doing it twice changes nothing. A value's pieces are
/// written before the row that counts them.
pub(crate) fn merge<'a>(
    tree: &Tree,
    table: &Table,
    changes: impl IntoIterator<Item = (&'a Bytes, &'a Option<Bytes>)>,
) -> sled::Result<()> {
    let change = |(row, value): (&'a Bytes, &'a Option<Bytes>)| RowChange::new(tree, table, row, value.as_deref());
    let changes: Vec<_> = changes.into_iter().map(change).collect();
    for change in &changes {
        change.write_pieces()?;
    }
    pages::merge(tree, &changes)
}

/// Writes one row.
pub(crate) fn put(tree: &Tree, table: &Table, row: &[u8], value: Option<&[u8]>) -> sled::Result<()> {
    let change = RowChange::new(tree, table, row, value);
    change.write_pieces()?;
    pages::merge(tree, &[change])
}

/// A row that is set or removed.
struct RowChange<'a> {
    tree: &'a Tree,
    table: &'a Table,
    row: &'a [u8],
    key: Vec<u8>,
    value: Option<&'a [u8]>,
}

impl<'a> RowChange<'a> {
    fn new(tree: &'a Tree, table: &'a Table, row: &'a [u8], value: Option<&'a [u8]>) -> Self {
        Self { tree, table, row, key: keys::row(table, row), value }
    }

    /// The pieces of the value, if it is cut into any.
    fn pieces(&self) -> impl ExactSizeIterator<Item = &'a [u8]> {
        let long = self.value.filter(|value| value.len() > PIECE_BYTES);
        long.unwrap_or_default().chunks(PIECE_BYTES)
    }

    fn write_pieces(&self) -> sled::Result<()> {
        for (piece, index) in self.pieces().zip(0..) {
            self.tree.insert(keys::piece(self.table, self.row, index), piece)?;
        }
        Ok(())
    }
}

impl Change for RowChange<'_> {
    fn key(&self) -> &[u8] {
        &self.key
    }

    /// What is left over of a longer value before is removed here, so before the page is written: should the writes end
    /// in between, the row still says that it was there.
    fn apply(&self, draft: &mut Draft) -> sled::Result<()> {
        let pieces = u32::try_from(self.pieces().len()).unwrap_or(u32::MAX);
        if let Some((_, before)) = draft.last().filter(|(key, _)| *key == self.key) {
            for index in pieces..piece_count(before).unwrap_or(0) {
                self.tree.remove(keys::piece(self.table, self.row, index))?;
            }
            draft.pop();
        }
        match (self.value, pieces) {
            (None, _) => {}
            (Some(value), 0) => draft.push(&self.key, [&[WHOLE], value]),
            (Some(_), pieces) => draft.push(&self.key, [&[PIECES], &pieces.to_be_bytes()]),
        }
        Ok(())
    }
}

/// The value of a row.
pub(crate) fn get(tree: &Tree, table: &Table, row: &[u8]) -> sled::Result<Option<Bytes>> {
    let stored = pages::get(tree, &keys::row(table, row))?;
    stored.map(|stored| value(tree, table, row, &stored)).transpose()
}

fn piece_count(stored: &[u8]) -> Option<u32> {
    match stored.split_first() {
        Some((&PIECES, count)) => count.try_into().ok().map(u32::from_be_bytes),
        _ => None,
    }
}

/// The value of a row from what is stored under its key.
pub(crate) fn value(tree: &Tree, table: &Table, row: &[u8], stored: &IVec) -> sled::Result<Bytes> {
    if let Some((&WHOLE, value)) = stored.split_first() {
        return Ok(Bytes::copy_from_slice(value));
    }
    let lost = || malformed(&format!("a row of table {table}"));
    let mut value = Vec::new();
    for index in 0..piece_count(stored).ok_or_else(lost)? {
        value.extend_from_slice(&tree.get(keys::piece(table, row, index))?.ok_or_else(lost)?);
    }
    Ok(value.into())
}

/// The rows of `table` in the range, in the order of `direction`: the key of each, and what is stored under it, from
/// which [`value`] makes its value. A row that is being changed may be looked at, but not its value.
pub(crate) fn scan(
    tree: &Tree,
    table: &Table,
    range: &(Bound<Bytes>, Bound<Bytes>),
    direction: Direction,
) -> impl Iterator<Item = sled::Result<(Bytes, IVec)>> + use<> {
    let (prefix, from, to) = bounds(table, range);
    pages::range(tree, from, to, direction).map(move |entry| row_of(entry, prefix))
}

/// A row from its entry, whose key begins with so many bytes for the table.
pub(crate) fn row_of(entry: sled::Result<(Vec<u8>, IVec)>, prefix: usize) -> sled::Result<(Bytes, IVec)> {
    entry.map(|(key, stored)| (Bytes::from(key).slice(prefix..), stored))
}

/// How many bytes the keys of all rows of `table` begin with, and the bounds of the entries of those in the range.
pub(crate) fn bounds(table: &Table, range: &(Bound<Bytes>, Bound<Bytes>)) -> (usize, Vec<u8>, Vec<u8>) {
    let prefix = keys::table_prefix(table);
    // The next key behind one is the same with a zero byte.
    let key = |bound: &Bytes, behind: bool| [&prefix[..], bound, if behind { &[0] } else { &[] }].concat();
    let from = match &range.0 {
        Bound::Included(from) => key(from, false),
        Bound::Excluded(from) => key(from, true),
        Bound::Unbounded => prefix.clone(),
    };
    let to = match &range.1 {
        Bound::Included(to) => key(to, true),
        Bound::Excluded(to) => key(to, false),
        Bound::Unbounded => keys::behind(prefix.clone()),
    };
    (prefix.len(), from, to)
}

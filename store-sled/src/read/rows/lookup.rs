//! Reading rows through the table that is their index, entries and rows as of one moment.

use annals_core::{Page, ReadError, Scan, Table};
use bytes::Bytes;
use sled::IVec;

use super::{end_of, is_behind, page};
use crate::{index::Index, overlay::Overlay, shared::Shared};

/// Reads one page of entries, and the rows of `table` whose keys their values are.
///
/// Which rows are wanted is known only once sled was asked for entries, and they must be of the moment of the entries. So
/// sled is asked first, and then everything that is in memory is taken under one lock. Between the two a part may have gone
/// over from memory to sled: then sled is asked again. The pin lets that happen twice at most, for the part that was under
/// way and for the one that grew, if nothing was added to it.
pub(super) fn scan(
    shared: &Shared,
    index: &Index,
    scan: &Scan,
    table: &Table,
    limit: usize,
) -> Result<Page, ReadError> {
    let (mut moved, _pin) = {
        let overlay = shared.overlay();
        (shared.moved(), shared.pins.pin(overlay.active.tick))
    };
    let (entries, changed) = loop {
        let stored = index.guard("rows", || {
            let stored = index.scan(&scan.table, &scan.range, scan.direction);
            stored.take(limit + 1).collect::<sled::Result<Vec<_>>>()
        })?;
        let overlay = shared.overlay();
        let moved_now = shared.moved();
        if moved_now == moved {
            let entries = entries(shared, index, &overlay, scan, limit, stored)?;
            let changed: Vec<_> = entries.rows.iter().map(|(_, key)| overlay.row(table, key)).collect();
            break (entries, changed);
        }
        moved = moved_now;
    };
    let mut rows = Vec::with_capacity(entries.rows.len());
    for ((entry, key), changed) in entries.rows.into_iter().zip(changed) {
        let found = changed.map_or_else(|| index.row(table, &key), Ok)?;
        if let Some(found) = found {
            rows.push((entry, shared.value(table, &key, found)?));
        }
    }
    Ok(Page { rows, next: entries.next })
}

/// The page of entries, from those that sled has and those that changed.
fn entries(
    shared: &Shared,
    index: &Index,
    overlay: &Overlay,
    scan: &Scan,
    limit: usize,
    stored: Vec<(Bytes, IVec)>,
) -> Result<Page, ReadError> {
    let changed = overlay.rows(&scan.table, &scan.range, scan.direction, limit + 1);
    let end = match (end_of(&stored, limit), end_of(&changed, limit)) {
        (Some(stored), Some(changed)) if is_behind(&stored, &changed, scan.direction) => Some(changed),
        (stored, changed) => stored.or(changed),
    };
    let stored = stored.into_iter().map(Ok);
    let mut entries = index.guard("rows", || page(index, scan, limit, (stored, changed), end))?;
    for (entry, key) in &mut entries.rows {
        *key = shared.value(&scan.table, entry, std::mem::take(key))?;
    }
    Ok(entries)
}

//! Reading rows, each call as of one moment.

mod lookup;

use annals_core::{Direction, PAGE_ROWS_MAX, Page, ReadError, Scan, Table};
use bytes::Bytes;
use sled::IVec;

use super::is_forward;
use crate::{
    index::{Index, is_once},
    shared::Shared,
};

/// Reads rows by key: those of the overlay as of the pinned tick, and below it what sled has, to which nothing newer is
/// written while the pin is held.
pub(crate) fn get(shared: &Shared, keys: &[(Table, Bytes)]) -> Result<Vec<Option<Bytes>>, ReadError> {
    // One idempotency key alone is of one moment in any case, and no commit changes what the log says of it.
    if let [(Table::Logged(table), key)] = keys
        && is_once(table)
    {
        return Ok(vec![shared.logged_row(table, key)?]);
    }
    let index = shared.index()?;
    let (changed, _pin) = {
        let overlay = shared.overlay();
        let changed: Vec<_> = keys.iter().map(|(table, key)| overlay.row(table, key)).collect();
        (changed, shared.pins.pin(overlay.active.tick))
    };
    let rows = keys.iter().zip(changed);
    let found = |((table, key), changed): (&(Table, Bytes), Option<Option<Bytes>>)| {
        let found = changed.map_or_else(|| index.row(table, key), Ok)?;
        found.map(|found| shared.value(table, key, found)).transpose()
    };
    rows.map(found).collect()
}

/// Reads one page.
pub(crate) fn scan(shared: &Shared, scan: Scan) -> Result<Page, ReadError> {
    let index = shared.index()?;
    let limit = scan.limit.clamp(1, PAGE_ROWS_MAX);
    if scan.is_empty_range() {
        return Ok(Page { rows: Vec::new(), next: None });
    }
    if let Some(table) = &scan.lookup {
        return lookup::scan(shared, &index, &scan, table, limit);
    }
    let (changed, _pin) = {
        let overlay = shared.overlay();
        let changed = overlay.rows(&scan.table, &scan.range, scan.direction, limit + 1);
        (changed, shared.pins.pin(overlay.active.tick))
    };
    let end = end_of(&changed, limit);
    let mut page = index.guard("rows", || {
        let stored = index.scan(&scan.table, &scan.range, scan.direction);
        page(&index, &scan, limit, (stored, changed), end)
    })?;
    for (key, value) in &mut page.rows {
        *value = shared.value(&scan.table, key, std::mem::take(value))?;
    }
    Ok(page)
}

/// The last of the rows that were taken, if there may be more beyond it: there a page ends.
fn end_of<T>(taken: &[(Bytes, T)], limit: usize) -> Option<Bytes> {
    taken.last().filter(|_| taken.len() > limit).map(|(key, _)| key.clone())
}

/// Merges changed rows over those of sled, up to `limit` rows, and not beyond `end`.
fn page(
    index: &Index,
    scan: &Scan,
    limit: usize,
    (stored, changed): (impl Iterator<Item = sled::Result<(Bytes, IVec)>>, Vec<(Bytes, Option<Bytes>)>),
    end: Option<Bytes>,
) -> sled::Result<Page> {
    let (mut stored, mut changed) = (stored.peekable(), changed.into_iter().peekable());
    let mut found: Vec<(Bytes, Bytes)> = Vec::new();
    while found.len() <= limit {
        let from_sled = match stored.peek() {
            None => None,
            Some(Ok((key, _))) => Some(key),
            Some(Err(error)) => return Err(error.clone()),
        };
        let from_overlay = changed.peek().map(|(key, _)| key);
        let Some(order) = order(from_sled, from_overlay, scan.direction) else { break };
        let first = if order.is_gt() { from_overlay } else { from_sled };
        if first.zip(end.as_ref()).is_some_and(|(first, end)| is_behind(first, end, scan.direction)) {
            break;
        }
        if order.is_eq() || order.is_lt() {
            let row = stored.next();
            if let (true, Some(Ok((key, stored)))) = (order.is_lt(), row) {
                let value = index.value(&scan.table, &key, &stored)?;
                found.push((key, value));
            }
        }
        if (order.is_eq() || order.is_gt())
            && let Some((key, Some(value))) = changed.next()
        {
            found.push((key, value));
        }
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().map(|(key, _)| key.clone()).filter(|_| more);
    let next = last.or(end).map(|last| scan.behind(last));
    Ok(Page { rows: found, next })
}

/// Which row comes first: less is sled's, greater the overlay's, equal both have it. `None` when both have ended.
fn order(sled: Option<&Bytes>, overlay: Option<&Bytes>, direction: Direction) -> Option<std::cmp::Ordering> {
    match (sled, overlay) {
        (None, None) => None,
        (Some(_), None) => Some(std::cmp::Ordering::Less),
        (None, Some(_)) => Some(std::cmp::Ordering::Greater),
        (Some(sled), Some(overlay)) if is_forward(direction) => Some(sled.cmp(overlay)),
        (Some(sled), Some(overlay)) => Some(overlay.cmp(sled)),
    }
}

fn is_behind(key: &Bytes, bound: &Bytes, direction: Direction) -> bool {
    if is_forward(direction) { key > bound } else { key < bound }
}

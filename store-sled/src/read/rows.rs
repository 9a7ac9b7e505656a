//! Reading rows, each call as of one moment.

use std::sync::PoisonError;

use annals_core::{Direction, LoggedTable, PAGE_ROWS_MAX, Page, ReadError, Scan, Table};
use bytes::Bytes;

use super::is_forward;
use crate::{
    index::{Index, malformed, rows},
    shared::{Shared, indexed_row},
};

/// Reads rows by key. Derived rows hold still under the shared lock; logged ones are those of the overlay as of the
/// pinned commit, and below it what sled has, to which nothing newer is written while the pin is held.
pub(crate) fn get(shared: &Shared, keys: &[(Table, Bytes)]) -> Result<Vec<Option<Bytes>>, ReadError> {
    let index = shared.index()?;
    let _still = shared.derived.read().unwrap_or_else(PoisonError::into_inner);
    let (changed, _pin) = {
        let overlay = shared.overlay();
        let changed: Vec<_> = keys
            .iter()
            .map(|(table, key)| match table {
                Table::Logged(table) => overlay.row(table, key),
                Table::Derived(_) => None,
            })
            .collect();
        (changed, shared.pins.pin(overlay.active.through.standing.commit))
    };
    let rows = keys.iter().zip(changed);
    rows.map(|((table, key), changed)| changed.map_or_else(|| indexed_row(&index, table, key), Ok)).collect()
}

/// Reads one page.
pub(crate) fn scan(shared: &Shared, scan: Scan) -> Result<Page, ReadError> {
    let index = shared.index()?;
    let limit = scan.limit.clamp(1, PAGE_ROWS_MAX);
    if scan.is_empty_range() {
        return Ok(Page { rows: Vec::new(), next: None });
    }
    match scan.table.clone() {
        Table::Derived(_) => {
            let _still = shared.derived.read().unwrap_or_else(PoisonError::into_inner);
            page(&index, &scan, limit, Vec::new(), None)
        }
        Table::Logged(table) => scan_logged(shared, &index, &table, &scan, limit),
    }
}

fn scan_logged(
    shared: &Shared,
    index: &Index,
    table: &LoggedTable,
    scan: &Scan,
    limit: usize,
) -> Result<Page, ReadError> {
    let (changed, _pin) = {
        let overlay = shared.overlay();
        let changed = overlay.rows(table, &scan.range, scan.direction, limit + 1);
        (changed, shared.pins.pin(overlay.active.through.standing.commit))
    };
    // Beyond the last changed row that was taken there may be more, so the page ends there.
    let bound = (changed.len() > limit).then(|| changed.last().map(|(key, _)| key.clone())).flatten();
    page(index, scan, limit, changed, bound)
}

/// Merges changed rows over those of sled, up to `limit` rows, and not beyond `bound`.
fn page(
    index: &Index,
    scan: &Scan,
    limit: usize,
    changed: Vec<(Bytes, Option<Bytes>)>,
    bound: Option<Bytes>,
) -> Result<Page, ReadError> {
    let tree = match &scan.table {
        Table::Logged(_) => &index.entries,
        Table::Derived(_) => &index.derived,
    };
    index.guard("rows", || {
        let mut stored = rows::scan(tree, &scan.table, &scan.range, scan.direction).peekable();
        let mut changed = changed.into_iter().peekable();
        let mut found: Vec<(Bytes, Bytes)> = Vec::new();
        while found.len() <= limit {
            let from_sled = match stored.peek() {
                None => None,
                Some(Ok(Ok((key, _)))) => Some(key),
                Some(Ok(Err(rows::Malformed))) => return Ok(Err(malformed("a row cannot be decoded"))),
                Some(Err(error)) => return Err(error.clone()),
            };
            let from_overlay = changed.peek().map(|(key, _)| key);
            let Some(order) = order(from_sled, from_overlay, scan.direction) else { break };
            if order.is_eq() || order.is_lt() {
                let row = stored.next();
                if let (true, Some(Ok(Ok(row)))) = (order.is_lt(), row) {
                    if bound.as_ref().is_some_and(|bound| is_behind(&row.0, bound, scan.direction)) {
                        break;
                    }
                    found.push(row);
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
        let next = last.or(bound.clone()).map(|last| scan.behind(last));
        Ok(Ok(Page { rows: found, next }))
    })?
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

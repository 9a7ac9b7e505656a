//! The rows that changed in the tail: logged ones by commits, derived ones by batches.

use std::{collections::BTreeMap, ops::Bound};

use annals_core::{DerivedTable, DerivedWrite, Direction, LoggedTable, RowWrite, Table};
use bytes::Bytes;
use hashbrown::HashMap;

use super::{Overlay, Part};
use crate::index::{is_once, is_streams, once::OnceKey};

/// The changed rows of one table, each with its latest value; `None` where it was deleted.
pub(crate) type Changes = BTreeMap<Bytes, Option<Bytes>>;

/// The changed rows of all tables.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) logged: HashMap<LoggedTable, Changes>,
    pub(crate) derived: HashMap<DerivedTable, Changes>,
}

impl Rows {
    fn of(&self, table: &Table) -> Option<&Changes> {
        match table {
            Table::Logged(table) => self.logged.get(table),
            Table::Derived(table) => self.derived.get(table),
        }
    }
}

impl Part {
    pub(crate) fn add_row(&mut self, row: RowWrite) {
        // These follow from the streams.
        if is_streams(&row.table) {
            return;
        }
        // Commits only ever forget them; that they were used follows from the commit.
        if is_once(&row.table) {
            return self.add_once(OnceKey::of_row(&row.table, &row.key), None);
        }
        let added = (row.key.len(), length(row.value.as_ref()));
        let before = self.rows.logged.entry(row.table).or_default().insert(row.key, row.value);
        self.count_row(added, before.as_ref());
    }

    /// Adds all rows of a batch: one change, as a group of commits is one.
    pub(crate) fn add_batch(&mut self, rows: Vec<DerivedWrite>) {
        let mut rows = rows.into_iter().peekable();
        while let Some(first) = rows.next() {
            // Those of one table are together as a rule, and it is looked for once.
            let mut changes = self.rows.derived.remove(&first.table).unwrap_or_default();
            let table = first.table.clone();
            let mut next = Some(first);
            while let Some(row) = next {
                let added = (row.key.len(), length(row.value.as_ref()));
                let before = changes.insert(row.key, row.value);
                self.count_row(added, before.as_ref());
                next = rows.next_if(|next| next.table == table);
            }
            self.rows.derived.insert(table, changes);
        }
        self.tick += 1;
    }

    /// A row that changes again takes the place of the change before, in memory and in what is written to the index.
    fn count_row(&mut self, (key, value): (usize, usize), before: Option<&Option<Bytes>>) {
        match before {
            Some(before) => self.bytes = (self.bytes + value).saturating_sub(length(before.as_ref())),
            None => {
                self.entries += 1;
                self.bytes += key + value;
            }
        }
    }
}

fn length(value: Option<&Bytes>) -> usize {
    value.map_or(0, Bytes::len)
}

impl Overlay {
    /// The row, if it changed in the tail; inside, `None` where it was deleted. Of one of `$once`, where it is to be found.
    pub(crate) fn row(&self, table: &Table, key: &[u8]) -> Option<Option<Bytes>> {
        match table {
            Table::Logged(table) => self.logged_row(table, key),
            Table::Derived(table) => self.parts().find_map(|part| part.rows.derived.get(table)?.get(key).cloned()),
        }
    }

    /// The same for a logged table.
    pub(crate) fn logged_row(&self, table: &LoggedTable, key: &[u8]) -> Option<Option<Bytes>> {
        if is_streams(table) {
            return self.stream_row(table, key);
        }
        if is_once(table) {
            return self.once_row(&OnceKey::of_row(table, key));
        }
        self.parts().find_map(|part| part.rows.logged.get(table)?.get(key).cloned())
    }

    /// Up to `limit` changed rows of `table` in the range, in the order of `direction`.
    pub(crate) fn rows(
        &self,
        table: &Table,
        range: &(Bound<Bytes>, Bound<Bytes>),
        direction: Direction,
        limit: usize,
    ) -> Vec<(Bytes, Option<Bytes>)> {
        let mut merged: Changes = BTreeMap::new();
        match table {
            Table::Logged(table) if is_streams(table) => merged.extend(self.listed(table, range, direction, limit)),
            Table::Logged(table) if is_once(table) => merged.extend(self.once_rows(table, range, direction, limit)),
            _ => {}
        }
        // The newer part is inserted last, so that it overrides.
        for part in [self.frozen.as_deref(), Some(&self.active)].into_iter().flatten() {
            let rows = part.rows.of(table).into_iter().flat_map(|rows| rows.range(range.clone()));
            merged.extend(take(rows, direction, limit));
        }
        match direction {
            Direction::Forward => merged.into_iter().take(limit).collect(),
            Direction::Backward => merged.into_iter().rev().take(limit).collect(),
        }
    }
}

type Row<'a> = (&'a Bytes, &'a Option<Bytes>);

fn take<'a>(
    rows: impl DoubleEndedIterator<Item = Row<'a>>,
    direction: Direction,
    limit: usize,
) -> Vec<(Bytes, Option<Bytes>)> {
    let copy = |(key, value): Row<'_>| (key.clone(), value.clone());
    match direction {
        Direction::Forward => rows.take(limit).map(copy).collect(),
        Direction::Backward => rows.rev().take(limit).map(copy).collect(),
    }
}

//! One table within a batch: what is known of its rows, and what is to become of them.

mod entries;
mod slots;

use std::{any::Any, collections::BTreeMap};

use annals_core::{DerivedTable, DerivedWrite, Table, codec};
use bytes::Bytes;

use crate::{KeyBytes, Row, RowsError, UnreadableRow, key_range::KeyRange, tables::TableNames};
use entries::Entries;
use slots::{Change, Slot, Slots, Stored, plus};

/// A table, whatever its rows are.
pub(crate) trait AnyTable: Any + Send + Sync {
    fn as_any(&mut self) -> &mut dyn Any;

    /// What is done from here on can be undone.
    fn mark(&mut self);

    /// Undoes what was done since the mark.
    fn undo(&mut self);

    /// The table in the store.
    fn stored(&self) -> Table;

    /// The tables of its indexes in the store.
    fn indexes(&self) -> Vec<DerivedTable>;

    /// Deletes a row that is stored.
    fn delete_stored(&mut self, key: &[u8], row: &[u8]) -> Result<(), RowsError>;

    /// Deletes an entry of an index, whatever it leads to.
    fn delete_entry(&mut self, entries: DerivedTable, entry: Bytes);

    /// Adds the rows that have to be looked up before the batch can be written.
    fn missing(&self, keys: &mut Vec<(Table, Bytes)>);

    /// Takes the rows that [`missing`](Self::missing) named, in that order.
    fn take(&mut self, found: &mut dyn Iterator<Item = Option<Bytes>>) -> Result<(), RowsError>;

    /// Adds what is to be written.
    fn write(&self, batch: &mut Writes) -> Result<(), RowsError>;

    /// What was written is stored. Of what is known of rows, not more than `keep` rows are kept.
    fn settle(&mut self, keep: usize);

    /// Forgets everything.
    fn forget(&mut self);

    /// How many rows are to be written.
    fn changed(&self) -> usize;
}

/// Rows that are to be written at once: first what is deleted, so that an entry of an index that goes over from one row to
/// another is there in the end.
#[derive(Default)]
pub(crate) struct Writes {
    pub(crate) deletes: Vec<DerivedWrite>,
    pub(crate) puts: Vec<DerivedWrite>,
    /// Entries of unique indexes that are among the puts.
    pub(crate) unique: Vec<UniqueEntry>,
}

/// An entry of a unique index that is to be put.
pub(crate) struct UniqueEntry {
    pub(crate) table: &'static str,
    pub(crate) index: &'static str,
    pub(crate) entries: DerivedTable,
    pub(crate) entry: Bytes,
    /// The key of the row that it is to point to.
    pub(crate) row: Bytes,
}

pub(crate) struct TypedTable<R: Row> {
    names: TableNames,
    slots: Slots<R>,
    /// There is a slot for every row that is stored.
    complete: bool,
    /// The slots with a change, in the order of the first change.
    changed: Vec<usize>,
    /// What the slots held before that were changed since the mark.
    undo: Vec<(usize, Option<Change<R>>)>,
    /// Entries of indexes that are to be deleted whatever the rows say, where all entries are written anew.
    afresh: Option<Vec<DerivedWrite>>,
    entries: Entries,
}

impl<R: Row> TypedTable<R> {
    /// A table of which nothing is known, or that is known to be empty.
    pub(crate) fn new(names: TableNames, is_empty: bool) -> Self {
        let (slots, entries) = (Slots::new(), Entries::default());
        Self { names, slots, complete: is_empty, changed: Vec::new(), undo: Vec::new(), entries, afresh: None }
    }

    /// The row as this batch sees it; `None` when the store has to be asked.
    pub(crate) fn seen(&self, key: &KeyBytes) -> Option<Option<&R>> {
        match self.slots.of(key) {
            Some(slot) => slot.seen(),
            None => self.complete.then_some(None),
        }
    }

    /// The same, of a row that is likely to be changed next.
    pub(crate) fn look_at(&mut self, key: &KeyBytes) -> Option<Option<&R>> {
        match self.slots.note_number(key).and_then(|number| self.slots.at(number)) {
            Some((_, slot)) => slot.seen(),
            None => self.complete.then_some(None),
        }
    }

    /// Where the row is in the store.
    pub(crate) fn place(&self, key: &KeyBytes) -> (Table, Bytes) {
        (self.names.rows.clone().into(), Bytes::copy_from_slice(key.as_slice()))
    }

    /// The rows in `part` of the table as this batch sees them, in the order of their keys; `stored` is what the store has
    /// there.
    pub(crate) fn merge(&mut self, stored: Vec<(Bytes, Bytes)>, part: &KeyRange) -> Result<Vec<R>, RowsError> {
        let changed = self.changed_slots().filter(|(key, _)| part.contains(key.as_slice()));
        let mut unread: BTreeMap<KeyBytes, Option<Bytes>> = changed.map(|(key, _)| (key.clone(), None)).collect();
        for (key, row) in stored {
            unread.insert(KeyBytes::raw(&key), Some(row));
        }
        let mut rows = Vec::with_capacity(unread.len());
        for (key, found) in unread {
            if let Some(seen) = self.seen(&key) {
                rows.extend(seen.cloned());
            } else if self.slots.number(&key).is_some() {
                self.learn(key.clone(), found.as_deref())?;
                rows.extend(self.seen(&key).flatten().cloned());
            } else if let Some(found) = found {
                rows.push(read(&found)?);
            }
        }
        Ok(rows)
    }

    /// The table of the entries of index `number` in the store.
    pub(crate) fn entries_table(&self, number: usize) -> Option<Table> {
        Some(self.names.indexes.get(number)?.clone().into())
    }

    /// The changed rows that have to be looked up before it is known what index `number` finds them by.
    pub(crate) fn unsettled(&self, number: usize) -> Vec<KeyBytes> {
        let is_unsettled =
            |slot: &Slot<R>| matches!((&slot.change, &slot.stored), (Some(Change::Add(..)), Stored::Unknown));
        match self.entries.stale(number) {
            Some(stale) => stale.iter().filter(|key| self.slots.of(key).is_some_and(is_unsettled)).cloned().collect(),
            None => self.changed_slots().filter(|(_, slot)| is_unsettled(slot)).map(|(key, _)| key.clone()).collect(),
        }
    }

    /// Notes what index `number` finds the changed rows by, of which none is [unsettled](Self::unsettled).
    pub(crate) fn know_entries(&mut self, number: usize) {
        let Self { slots, changed, entries, .. } = self;
        let changed = slots.each(changed).map(|(key, _)| key);
        entries.update(number, changed, |number, key| match &slots.of(key)?.change {
            Some(Change::Put(row)) => Some(entry(row, number, key.as_slice())),
            Some(Change::Delete | Change::Add(..)) | None => None,
        });
    }

    /// The rows in `part` of index `number` as this batch sees them, in the order of the index; `stored` is what the store has
    /// there: entries, each with its row. The entries of changed rows have to be [known](Self::know_entries).
    pub(crate) fn merge_entries(
        &self,
        number: usize,
        stored: Vec<(Bytes, Bytes)>,
        part: &KeyRange,
    ) -> Result<Vec<R>, RowsError> {
        let mut rows = BTreeMap::new();
        for (entry, row) in stored {
            let (row, mut key) = (read::<R>(&row)?, KeyBytes::new());
            row.write_key(&mut key);
            let is_changed = self.slots.of(&key).is_some_and(|slot| slot.change.is_some());
            if !is_changed {
                rows.insert((KeyBytes::raw(&entry), key), row);
            }
        }
        for (entry, key) in self.entries.within(number, part) {
            if let Some(Some(row)) = self.seen(key) {
                rows.insert((entry.clone(), key.clone()), row.clone());
            }
        }
        Ok(rows.into_values().collect())
    }

    /// Takes what the store has under `key`.
    pub(crate) fn learn(&mut self, key: KeyBytes, found: Option<&[u8]>) -> Result<(), RowsError> {
        let stored = match found {
            Some(bytes) => Stored::Row(read::<R>(bytes)?),
            None => Stored::Nothing,
        };
        let number = self.slots.number_or_add(key, Stored::Unknown);
        if let Some((_, slot)) = self.slots.at_mut(number) {
            slot.stored = stored;
            slot.settle_sum();
        }
        Ok(())
    }

    pub(crate) fn put(&mut self, key: KeyBytes, row: R) {
        self.change(key, Change::Put(row));
    }

    pub(crate) fn delete(&mut self, key: KeyBytes) {
        self.change(key, Change::Delete);
    }

    pub(crate) fn add(&mut self, key: KeyBytes, delta: R, add: fn(&mut R, R)) {
        let change = match self.slots.of(&key).map(|slot| (&slot.change, &slot.stored)) {
            Some((Some(Change::Put(row)), _)) => Change::Put(plus(row, delta, add)),
            Some((Some(Change::Add(row, add)), _)) => Change::Add(plus(row, delta, *add), *add),
            Some((None, Stored::Row(row))) => Change::Put(plus(row, delta, add)),
            Some((Some(Change::Delete), _) | (None, Stored::Nothing)) => Change::Put(delta),
            None if self.complete => Change::Put(delta),
            Some((None, Stored::Unknown)) | None => Change::Add(delta, add),
        };
        self.change(key, change);
    }

    fn change(&mut self, key: KeyBytes, change: Change<R>) {
        self.entries.touch(&key);
        let unseen = if self.complete { Stored::Nothing } else { Stored::Unknown };
        let number = self.slots.number_or_add(key, unseen);
        let Some((_, slot)) = self.slots.at_mut(number) else { return };
        let before = slot.change.replace(change);
        if before.is_none() {
            self.changed.push(number);
        }
        self.undo.push((number, before));
    }

    /// Whether the batch cannot be written before it is known what the store holds.
    fn is_missing(slot: &Slot<R>) -> bool {
        let rests_on_it = !R::INDEXES.is_empty() || matches!(slot.change, Some(Change::Add(..)));
        matches!(slot.stored, Stored::Unknown) && rests_on_it
    }

    fn changed_slots(&self) -> impl Iterator<Item = (&KeyBytes, &Slot<R>)> {
        self.slots.each(&self.changed)
    }

    /// Adds what becomes of the entries of the row in the indexes.
    fn write_entries(&self, key: &Bytes, before: Option<&R>, after: Option<&R>, writes: &mut Writes) {
        for (number, (index, table)) in R::INDEXES.iter().zip(&self.names.indexes).enumerate() {
            let entry = |row: &R| Bytes::copy_from_slice(entry(row, number, key).as_slice());
            let (before, after) = (before.map(entry), after.map(entry));
            if before == after && self.afresh.is_none() {
                continue;
            }
            if let Some(entry) = before {
                writes.deletes.push(DerivedWrite { table: table.clone(), key: entry, value: None });
            }
            if let Some(entry) = after {
                if index.unique {
                    let (entries, entry, row) = (table.clone(), entry.clone(), key.clone());
                    writes.unique.push(UniqueEntry { table: R::TABLE, index: index.name, entries, entry, row });
                }
                writes.puts.push(DerivedWrite { table: table.clone(), key: entry, value: Some(key.clone()) });
            }
        }
    }
}

impl<R: Row> AnyTable for TypedTable<R> {
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn mark(&mut self) {
        self.undo.clear();
    }

    fn undo(&mut self) {
        for (number, before) in self.undo.drain(..).rev() {
            let first = before.is_none();
            if let Some((key, slot)) = self.slots.at_mut(number) {
                self.entries.touch(key);
                slot.change = before;
                // What the store holds may have become known since.
                slot.settle_sum();
            }
            if first && self.changed.last() == Some(&number) {
                self.changed.pop();
            }
        }
    }

    fn stored(&self) -> Table {
        self.names.rows.clone().into()
    }

    fn indexes(&self) -> Vec<DerivedTable> {
        self.names.indexes.clone()
    }

    fn delete_entry(&mut self, entries: DerivedTable, entry: Bytes) {
        let delete = DerivedWrite { table: entries, key: entry, value: None };
        self.afresh.get_or_insert_default().push(delete);
    }

    fn delete_stored(&mut self, key: &[u8], row: &[u8]) -> Result<(), RowsError> {
        self.afresh.get_or_insert_default();
        let mut bytes = KeyBytes::new();
        bytes.push_raw(key);
        self.learn(bytes.clone(), Some(row))?;
        self.delete(bytes);
        Ok(())
    }

    fn missing(&self, keys: &mut Vec<(Table, Bytes)>) {
        let missing = self.changed_slots().filter(|(_, slot)| Self::is_missing(slot));
        keys.extend(missing.map(|(key, _)| self.place(key)));
    }

    fn take(&mut self, found: &mut dyn Iterator<Item = Option<Bytes>>) -> Result<(), RowsError> {
        let missing = self.changed_slots().filter(|(_, slot)| Self::is_missing(slot));
        let keys: Vec<_> = missing.map(|(key, _)| key.clone()).collect();
        for (key, found) in keys.into_iter().zip(found) {
            self.learn(key, found.as_deref())?;
        }
        Ok(())
    }

    fn write(&self, writes: &mut Writes) -> Result<(), RowsError> {
        writes.deletes.extend(self.afresh.iter().flatten().cloned());
        for (key, slot) in self.changed_slots() {
            let after = match &slot.change {
                Some(Change::Put(row) | Change::Add(row, _)) => Some(row),
                Some(Change::Delete) | None => None,
            };
            let before = match &slot.stored {
                Stored::Row(row) => Some(row),
                Stored::Nothing | Stored::Unknown => None,
            };
            let key = Bytes::copy_from_slice(key.as_slice());
            if !R::INDEXES.is_empty() {
                self.write_entries(&key, before, after, writes);
            }
            let table = self.names.rows.clone();
            match after {
                Some(row) => {
                    let value = codec::encode(R::TABLE, row)?;
                    writes.puts.push(DerivedWrite { table, key, value: Some(value) });
                }
                None => writes.deletes.push(DerivedWrite { table, key, value: None }),
            }
        }
        Ok(())
    }

    fn settle(&mut self, keep: usize) {
        // What was undone since refers to numbers.
        self.undo.clear();
        if self.slots.len() > keep {
            self.slots.keep_changed();
            self.complete = false;
            self.changed = (0..self.slots.len()).collect();
        }
        for number in self.changed.drain(..) {
            if let Some((_, slot)) = self.slots.at_mut(number) {
                slot.settle();
            }
        }
        self.afresh = None;
        self.entries.clear();
    }

    fn forget(&mut self) {
        self.slots.clear();
        self.complete = false;
        self.changed.clear();
        self.undo.clear();
        self.afresh = None;
        self.entries.clear();
    }

    fn changed(&self) -> usize {
        self.changed.len()
    }
}

/// What index `number` finds a row by whose key is `key`.
fn entry<R: Row>(row: &R, number: usize, key: &[u8]) -> KeyBytes {
    let mut entry = KeyBytes::new();
    row.write_index(number, &mut entry);
    if !R::INDEXES.get(number).is_some_and(|index| index.unique) {
        entry.push_raw(key);
    }
    entry
}

/// Reads a stored row.
pub(crate) fn read<R: Row>(bytes: &[u8]) -> Result<R, UnreadableRow> {
    codec::decode(bytes).map_err(|problem| UnreadableRow { table: R::TABLE, row: std::any::type_name::<R>(), problem })
}

//! One table within a batch: what is known of its rows, and what is to become of them.

mod entries;

use std::{any::Any, collections::BTreeMap, sync::Arc};

use annals_core::{DerivedTable, DerivedWrite, Table, codec};
use bytes::Bytes;
use hashbrown::HashMap;

use crate::{KeyBytes, Row, RowsError, UnreadableRow, key_range::KeyRange, tables::TableNames};
use entries::Entries;

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
    slots: HashMap<KeyBytes, Slot<R>>,
    /// There is a slot for every row that is stored.
    complete: bool,
    /// The keys of slots with a change, in the order of the first change.
    changed: Vec<KeyBytes>,
    /// What the slots held before that were changed since the mark.
    undo: Vec<(KeyBytes, Option<Change<R>>)>,
    /// Entries of indexes that are to be deleted whatever the rows say, where all entries are written anew.
    afresh: Option<Vec<DerivedWrite>>,
    entries: Entries,
}

struct Slot<R> {
    stored: Stored<R>,
    change: Option<Change<R>>,
}

impl<R: Clone> Slot<R> {
    /// Adds what is to be added, once it is known to what.
    fn settle_sum(&mut self) {
        if let Some(Change::Add(delta, add)) = &self.change
            && let Some(sum) = self.stored.plus(delta, *add)
        {
            self.change = Some(Change::Put(sum));
        }
    }
}

/// What the store holds under a key.
enum Stored<R> {
    Unknown,
    Nothing,
    Row(Arc<R>),
}

/// What is to become of a row.
enum Change<R> {
    Put(Arc<R>),
    Delete,
    /// To be added to what is stored, which is not known yet.
    Add(Arc<R>, fn(&mut R, R)),
}

impl<R: Row> TypedTable<R> {
    /// A table of which nothing is known, or that is known to be empty.
    pub(crate) fn new(names: TableNames, is_empty: bool) -> Self {
        let (slots, entries) = (HashMap::new(), Entries::default());
        Self { names, slots, complete: is_empty, changed: Vec::new(), undo: Vec::new(), entries, afresh: None }
    }

    /// The row as this batch sees it; `None` when the store has to be asked.
    pub(crate) fn seen(&self, key: &KeyBytes) -> Option<Option<&R>> {
        let Some(slot) = self.slots.get(key) else { return self.complete.then_some(None) };
        match (&slot.change, &slot.stored) {
            (Some(Change::Put(row)), _) | (None, Stored::Row(row)) => Some(Some(row)),
            (Some(Change::Delete), _) | (None, Stored::Nothing) => Some(None),
            (Some(Change::Add(..)), _) | (None, Stored::Unknown) => None,
        }
    }

    /// Where the row is in the store.
    pub(crate) fn place(&self, key: &KeyBytes) -> (Table, Bytes) {
        (self.names.rows.clone().into(), Bytes::copy_from_slice(key.as_slice()))
    }

    /// The rows in `part` of the table as this batch sees them, in the order of their keys; `stored` is what the store has
    /// there.
    pub(crate) fn merge(&mut self, stored: Vec<(Bytes, Bytes)>, part: &KeyRange) -> Result<Vec<R>, RowsError> {
        let changed = self.changed.iter().filter(|key| part.contains(key.as_slice()));
        let mut unread: BTreeMap<KeyBytes, Option<Bytes>> = changed.map(|key| (key.clone(), None)).collect();
        for (key, row) in stored {
            unread.insert(KeyBytes::raw(&key), Some(row));
        }
        let mut rows = Vec::with_capacity(unread.len());
        for (key, found) in unread {
            if let Some(seen) = self.seen(&key) {
                rows.extend(seen.cloned());
            } else if self.slots.contains_key(&key) {
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
        let keys = self.entries.unknown(number, &self.changed).iter();
        let is_unsettled =
            |slot: &Slot<R>| matches!((&slot.change, &slot.stored), (Some(Change::Add(..)), Stored::Unknown));
        keys.filter(|key| self.slots.get(*key).is_some_and(is_unsettled)).cloned().collect()
    }

    /// Notes what index `number` finds the changed rows by, of which none is [unsettled](Self::unsettled).
    pub(crate) fn know_entries(&mut self, number: usize) {
        let Self { slots, changed, entries, .. } = self;
        entries.update(number, changed, |number, key| match &slots.get(key)?.change {
            Some(Change::Put(row)) => Some(entry(&**row, number, key.as_slice())),
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
            let is_changed = self.slots.get(&key).is_some_and(|slot| slot.change.is_some());
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
            Some(bytes) => Stored::Row(Arc::new(read::<R>(bytes)?)),
            None => Stored::Nothing,
        };
        let slot = self.slots.entry(key).or_insert(Slot { stored: Stored::Unknown, change: None });
        slot.stored = stored;
        slot.settle_sum();
        Ok(())
    }

    pub(crate) fn put(&mut self, key: KeyBytes, row: R) {
        self.change(key, Change::Put(Arc::new(row)));
    }

    pub(crate) fn delete(&mut self, key: KeyBytes) {
        self.change(key, Change::Delete);
    }

    pub(crate) fn add(&mut self, key: KeyBytes, delta: R, add: fn(&mut R, R)) {
        let slot = self.slots.get(&key);
        let change = match slot.map(|slot| (&slot.change, &slot.stored)) {
            Some((Some(Change::Put(row)), _)) => Change::Put(plus::<R>(row, &delta, add)),
            Some((Some(Change::Add(row, add)), _)) => Change::Add(plus::<R>(row, &delta, *add), *add),
            Some((None, Stored::Row(row))) => Change::Put(plus::<R>(row, &delta, add)),
            Some((Some(Change::Delete), _) | (None, Stored::Nothing)) => Change::Put(Arc::new(delta)),
            None if self.complete => Change::Put(Arc::new(delta)),
            Some((None, Stored::Unknown)) | None => Change::Add(Arc::new(delta), add),
        };
        self.change(key, change);
    }

    fn change(&mut self, key: KeyBytes, change: Change<R>) {
        self.entries.touch(&key);
        let unseen = || Slot { stored: if self.complete { Stored::Nothing } else { Stored::Unknown }, change: None };
        let slot = self.slots.entry(key.clone()).or_insert_with(unseen);
        let before = slot.change.replace(change);
        if before.is_none() {
            self.changed.push(key.clone());
        }
        self.undo.push((key, before));
    }

    /// Whether the batch cannot be written before it is known what the store holds.
    fn is_missing(slot: &Slot<R>) -> bool {
        let rests_on_it = !R::INDEXES.is_empty() || matches!(slot.change, Some(Change::Add(..)));
        matches!(slot.stored, Stored::Unknown) && rests_on_it
    }

    fn changed_slots(&self) -> impl Iterator<Item = (&KeyBytes, &Slot<R>)> {
        self.changed.iter().filter_map(|key| self.slots.get_key_value(key))
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
        for (key, before) in self.undo.drain(..).rev() {
            self.entries.touch(&key);
            let first = before.is_none();
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.change = before;
                // What the store holds may have become known since.
                slot.settle_sum();
            }
            if first && self.changed.last() == Some(&key) {
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
                Some(Change::Put(row) | Change::Add(row, _)) => Some(&**row),
                Some(Change::Delete) | None => None,
            };
            let before = match &slot.stored {
                Stored::Row(row) => Some(&**row),
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
        if self.slots.len() > keep {
            self.slots.retain(|_, slot| slot.change.is_some());
            self.complete = false;
        }
        for key in self.changed.drain(..) {
            let Some(slot) = self.slots.get_mut(&key) else { continue };
            match slot.change.take() {
                Some(Change::Put(row) | Change::Add(row, _)) => slot.stored = Stored::Row(row),
                Some(Change::Delete) => slot.stored = Stored::Nothing,
                None => {}
            }
        }
        self.undo.clear();
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

fn plus<R: Clone>(row: &R, delta: &R, add: fn(&mut R, R)) -> Arc<R> {
    let mut sum = row.clone();
    add(&mut sum, delta.clone());
    Arc::new(sum)
}

impl<R: Clone> Stored<R> {
    /// The sum of what is stored and `delta`, if it is known what is stored.
    fn plus(&self, delta: &Arc<R>, add: fn(&mut R, R)) -> Option<Arc<R>> {
        match self {
            Self::Row(row) => Some(plus(row, delta, add)),
            Self::Nothing => Some(Arc::clone(delta)),
            Self::Unknown => None,
        }
    }
}

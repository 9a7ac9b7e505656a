//! What the changed rows of a table are found by.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use hashbrown::HashMap;

use crate::{KeyBytes, key_range::KeyRange};

/// The entries that changed rows have in those indexes of a table that were read since the batch began. Indexes that nobody
/// reads cost nothing.
#[derive(Default)]
pub(super) struct Entries {
    indexes: BTreeMap<usize, Index>,
    /// Rows that became others since the entries were brought up to date.
    stale: Vec<KeyBytes>,
}

/// The entries of one index.
#[derive(Default)]
struct Index {
    /// Each with the key of its row: two rows of a batch may want one entry of a unique index.
    entries: BTreeSet<(KeyBytes, KeyBytes)>,
    of_rows: HashMap<KeyBytes, KeyBytes>,
}

impl Entries {
    /// The row under `key` may have become another.
    pub(super) fn touch(&mut self, key: &KeyBytes) {
        if !self.indexes.is_empty() {
            self.stale.push(key.clone());
        }
    }

    /// The rows whose entries in index `number` are not up to date; `None` when those of no row are known.
    pub(super) fn stale(&self, number: usize) -> Option<&[KeyBytes]> {
        self.indexes.contains_key(&number).then_some(self.stale.as_slice())
    }

    /// Brings the entries up to date, and from now on has those of index `number` too. `entry` gives the entry that a row has in
    /// an index, if it is changed and not deleted.
    pub(super) fn update<'a>(
        &mut self,
        number: usize,
        changed: impl Iterator<Item = &'a KeyBytes>,
        entry: impl Fn(usize, &KeyBytes) -> Option<KeyBytes>,
    ) {
        let stale = std::mem::take(&mut self.stale);
        for (number, index) in &mut self.indexes {
            stale.iter().for_each(|key| index.set(key, entry(*number, key)));
        }
        self.indexes.entry(number).or_insert_with(|| {
            let mut index = Index::default();
            changed.for_each(|key| index.set(key, entry(number, key)));
            index
        });
    }

    /// The entries in `part` of index `number`, in order, each with the key of its row.
    pub(super) fn within<'a>(
        &'a self,
        number: usize,
        part: &'a KeyRange,
    ) -> impl Iterator<Item = &'a (KeyBytes, KeyBytes)> {
        let from = match &part.from {
            Bound::Included(from) | Bound::Excluded(from) => KeyBytes::raw(from),
            Bound::Unbounded => KeyBytes::new(),
        };
        let behind = self.indexes.get(&number).map(|index| index.entries.range((from, KeyBytes::new())..));
        let reached = behind.into_iter().flatten().take_while(|(entry, _)| part.reaches(entry.as_slice()));
        reached.filter(|(entry, _)| part.contains(entry.as_slice()))
    }

    /// Nothing is changed any more.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Index {
    fn set(&mut self, key: &KeyBytes, entry: Option<KeyBytes>) {
        let before = match &entry {
            Some(entry) => self.of_rows.insert(key.clone(), entry.clone()),
            None => self.of_rows.remove(key),
        };
        if let Some(before) = before {
            self.entries.remove(&(before, key.clone()));
        }
        self.entries.extend(entry.map(|entry| (entry, key.clone())));
    }
}

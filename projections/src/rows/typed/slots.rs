//! What is known of the rows of a table, and what is to become of them.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::KeyBytes;

/// The rows of a table of which something is known, each with a number by which it is found faster than by its key.
pub(super) struct Slots<R> {
    all: Vec<(KeyBytes, Slot<R>)>,
    numbers: HashTable<usize>,
    hasher: DefaultHashBuilder,
    /// What was found last: who reads a row often writes it next.
    last: usize,
}

pub(super) struct Slot<R> {
    pub(super) stored: Stored<R>,
    pub(super) change: Option<Change<R>>,
}

/// What the store holds under a key.
pub(super) enum Stored<R> {
    Unknown,
    Nothing,
    Row(R),
}

/// What is to become of a row.
pub(super) enum Change<R> {
    Put(R),
    Delete,
    /// To be added to what is stored, which is not known yet.
    Add(R, fn(&mut R, R)),
}

impl<R> Slots<R> {
    pub(super) fn new() -> Self {
        Self { all: Vec::new(), numbers: HashTable::new(), hasher: DefaultHashBuilder::default(), last: 0 }
    }

    pub(super) fn number(&self, key: &KeyBytes) -> Option<usize> {
        self.find(hash(&self.hasher, key), key)
    }

    /// The same; it is found faster the next time.
    pub(super) fn note_number(&mut self, key: &KeyBytes) -> Option<usize> {
        self.last = self.number(key)?;
        Some(self.last)
    }

    /// The number of `key`; if nothing was known of it, `stored` is.
    pub(super) fn number_or_add(&mut self, key: KeyBytes, stored: Stored<R>) -> usize {
        if self.at(self.last).is_some_and(|(last, _)| *last == key) {
            return self.last;
        }
        let hash_of_key = hash(&self.hasher, &key);
        if let Some(number) = self.find(hash_of_key, &key) {
            return number;
        }
        let Self { all, numbers, hasher, .. } = self;
        let number = all.len();
        all.push((key, Slot { stored, change: None }));
        // Of a number there is always a key.
        let hash_of = |number: &usize| all.get(*number).map_or(0, |(key, _)| hash(hasher, key));
        *numbers.insert_unique(hash_of_key, number, hash_of).get()
    }

    fn find(&self, hash: u64, key: &KeyBytes) -> Option<usize> {
        let is_it = |number: &usize| self.all.get(*number).is_some_and(|(other, _)| other == key);
        self.numbers.find(hash, is_it).copied()
    }

    pub(super) fn at(&self, number: usize) -> Option<&(KeyBytes, Slot<R>)> {
        self.all.get(number)
    }

    pub(super) fn at_mut(&mut self, number: usize) -> Option<&mut (KeyBytes, Slot<R>)> {
        self.all.get_mut(number)
    }

    pub(super) fn of(&self, key: &KeyBytes) -> Option<&Slot<R>> {
        self.at(self.number(key)?).map(|(_, slot)| slot)
    }

    /// Those of `numbers`, each of which is there, in this order.
    pub(super) fn each<'a>(&'a self, numbers: &'a [usize]) -> impl Iterator<Item = (&'a KeyBytes, &'a Slot<R>)> {
        numbers.iter().filter_map(|number| self.at(*number)).map(|(key, slot)| (key, slot))
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Forgets all that no change is to be made of. Numbers are others from then on.
    pub(super) fn keep_changed(&mut self) {
        let all = std::mem::take(&mut self.all);
        self.numbers.clear();
        for (key, slot) in all.into_iter().filter(|(_, slot)| slot.change.is_some()) {
            let number = self.number_or_add(key, slot.stored);
            if let Some((_, kept)) = self.at_mut(number) {
                kept.change = slot.change;
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.all.clear();
        self.numbers.clear();
    }
}

fn hash(hasher: &DefaultHashBuilder, key: &KeyBytes) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(key.as_slice());
    hasher.finish()
}

impl<R> Slot<R> {
    /// The row as the batch sees it; `None` when the store has to be asked.
    pub(super) fn seen(&self) -> Option<Option<&R>> {
        match (&self.change, &self.stored) {
            (Some(Change::Put(row)), _) | (None, Stored::Row(row)) => Some(Some(row)),
            (Some(Change::Delete), _) | (None, Stored::Nothing) => Some(None),
            (Some(Change::Add(..)), _) | (None, Stored::Unknown) => None,
        }
    }
}

impl<R: Clone> Slot<R> {
    /// Adds what is to be added, once it is known to what.
    pub(super) fn settle_sum(&mut self) {
        if let Some(Change::Add(delta, add)) = &self.change
            && let Some(sum) = self.stored.plus(delta, *add)
        {
            self.change = Some(Change::Put(sum));
        }
    }

    /// What was to be made of it is stored.
    pub(super) fn settle(&mut self) {
        match self.change.take() {
            Some(Change::Put(row) | Change::Add(row, _)) => self.stored = Stored::Row(row),
            Some(Change::Delete) => self.stored = Stored::Nothing,
            None => {}
        }
    }
}

impl<R: Clone> Stored<R> {
    /// The sum of what is stored and `delta`, if it is known what is stored.
    fn plus(&self, delta: &R, add: fn(&mut R, R)) -> Option<R> {
        match self {
            Self::Row(row) => Some(plus(row, delta.clone(), add)),
            Self::Nothing => Some(delta.clone()),
            Self::Unknown => None,
        }
    }
}

pub(super) fn plus<R: Clone>(row: &R, delta: R, add: fn(&mut R, R)) -> R {
    let mut sum = row.clone();
    add(&mut sum, delta);
    sum
}

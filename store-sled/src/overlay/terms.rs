//! What is noted under each of many streams or tags.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, Equivalent, HashTable};

/// A map that keeps its entries one behind the other, in the order in which they came, and beside them where each is by its
/// hash: so it has no empty slots of the size of an entry, and grows without moving all of them.
#[derive(Debug, Clone)]
pub(crate) struct Terms<K, V> {
    entries: Vec<(K, V)>,
    /// The indexes of the entries.
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl<K, V> Default for Terms<K, V> {
    fn default() -> Self {
        Self { entries: Vec::new(), table: HashTable::new(), hasher: DefaultHashBuilder::default() }
    }
}

impl<K: Hash + Eq, V> Terms<K, V> {
    pub(crate) fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<&V> {
        let index = self.index(key)?;
        self.entries.get(index).map(|(_, value)| value)
    }

    pub(crate) fn get_mut<Q: Hash + Equivalent<K> + ?Sized>(&mut self, key: &Q) -> Option<&mut V> {
        let index = self.index(key)?;
        self.entries.get_mut(index).map(|(_, value)| value)
    }

    /// Adds an entry whose key is not there yet.
    pub(crate) fn add(&mut self, key: K, value: V) {
        let Self { entries, table, hasher } = self;
        // Never reached: a part of the tail is full with a fraction of it.
        let Ok(index) = u32::try_from(entries.len()) else { return };
        let hash = hasher.hash_one(&key);
        entries.push((key, value));
        let hash_of = |index: &u32| entries.get(*index as usize).map_or(0, |(key, _)| hasher.hash_one(key));
        table.insert_unique(hash, index, hash_of);
    }

    /// Room for so many more.
    pub(crate) fn reserve(&mut self, more: usize) {
        let Self { entries, table, hasher } = self;
        entries.reserve(more);
        table.reserve(more, |index| entries.get(*index as usize).map_or(0, |(key, _)| hasher.hash_one(key)));
    }

    /// Forgets all entries, but not the room they had.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.table.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// All entries, in the order in which they came.
    pub(crate) fn as_slice(&self) -> &[(K, V)] {
        &self.entries
    }

    fn index<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<usize> {
        let is_key = |index: &u32| self.entries.get(*index as usize).is_some_and(|(known, _)| key.equivalent(known));
        self.table.find(self.hasher.hash_one(key), is_key).map(|index| *index as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_found_in_the_order_in_which_it_came() {
        let mut terms = Terms::default();
        for round in 0..2_usize {
            for number in 0..5000 {
                let text = (number * 7919 % 5003).to_string();
                assert!(terms.get(text.as_str()).is_none());
                terms.add(text, number);
            }
            *terms.get_mut("7").unwrap() += 0;
            assert_eq!(terms.len(), 5000);
            for (number, (text, found)) in terms.as_slice().iter().enumerate() {
                assert_eq!((number, terms.get(text.as_str())), (*found, Some(&number)), "round {round}");
            }
            terms.clear();
            assert!(terms.as_slice().is_empty() && terms.get("1").is_none());
        }
    }
}

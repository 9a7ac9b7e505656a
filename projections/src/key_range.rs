//! Ranges of keys.

use std::ops::{Bound, RangeBounds};

use annals_core::{Direction, Scan};
use bytes::Bytes;

use crate::{KeyBytes, RowKey};

/// A range of the keys of a table, or of the entries of an index: an entry's key begins with the indexed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyRange {
    pub(crate) from: Bound<Bytes>,
    pub(crate) to: Bound<Bytes>,
}

impl KeyRange {
    pub(crate) const ALL: Self = Self { from: Bound::Unbounded, to: Bound::Unbounded };

    /// The keys that begin with a value in `range`.
    pub(crate) fn of<K: RowKey>(range: &impl RangeBounds<K>) -> Self {
        let from = match range.start_bound() {
            Bound::Included(key) => Bound::Included(bytes(key)),
            Bound::Excluded(key) => match Self::prefix(key).to {
                Bound::Excluded(behind) => Bound::Included(behind),
                // Nothing is behind all keys that begin with it.
                _ => return Self::nothing(),
            },
            Bound::Unbounded => Bound::Unbounded,
        };
        let to = match range.end_bound() {
            Bound::Included(key) => Self::prefix(key).to,
            Bound::Excluded(key) => Bound::Excluded(bytes(key)),
            Bound::Unbounded => Bound::Unbounded,
        };
        Self { from, to }
    }

    /// The keys that begin with `part`.
    pub(crate) fn prefix(part: &(impl RowKey + ?Sized)) -> Self {
        let (from, to) = Scan::prefix_range(bytes(part));
        Self { from, to }
    }

    fn nothing() -> Self {
        Self { from: Bound::Excluded(Bytes::new()), to: Bound::Excluded(Bytes::new()) }
    }

    /// What is left of the range behind `key`, in the order of `direction`. It never becomes larger.
    pub(crate) fn behind(self, key: &Bytes, direction: Direction) -> Self {
        let is_behind = |bound: &Bound<Bytes>, order: fn(&Bytes, &Bytes) -> bool| match bound {
            Bound::Included(bound) => order(bound, key),
            Bound::Excluded(bound) => bound == key || order(bound, key),
            Bound::Unbounded => false,
        };
        let at_key = || Bound::Excluded(key.clone());
        match direction {
            Direction::Forward if !is_behind(&self.from, |bound, key| bound > key) => Self { from: at_key(), ..self },
            Direction::Backward if !is_behind(&self.to, |bound, key| bound < key) => Self { to: at_key(), ..self },
            _ => self,
        }
    }

    /// Whether all of it is among the keys that begin with `prefix`.
    pub(crate) fn is_within(&self, prefix: &KeyBytes) -> bool {
        let (_, end) = Scan::prefix_range(Bytes::copy_from_slice(prefix.as_slice()));
        let begins = |key: &Bytes| key.starts_with(prefix.as_slice());
        let is_from_within = matches!(&self.from, Bound::Included(key) | Bound::Excluded(key) if begins(key));
        let is_to_within = matches!(&self.to, Bound::Included(key) | Bound::Excluded(key) if begins(key));
        is_from_within && (is_to_within || self.to == end)
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        let is_from_here = match &self.from {
            Bound::Included(from) => key >= &from[..],
            Bound::Excluded(from) => key > &from[..],
            Bound::Unbounded => true,
        };
        is_from_here && self.reaches(key)
    }

    /// Whether `key` is not behind the range.
    pub(crate) fn reaches(&self, key: &[u8]) -> bool {
        match &self.to {
            Bound::Included(to) => key <= &to[..],
            Bound::Excluded(to) => key < &to[..],
            Bound::Unbounded => true,
        }
    }

    pub(crate) fn into_bounds(self) -> (Bound<Bytes>, Bound<Bytes>) {
        (self.from, self.to)
    }
}

fn bytes(key: &(impl RowKey + ?Sized)) -> Bytes {
    Bytes::copy_from_slice(KeyBytes::of(key).as_slice())
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use proptest::prelude::*;

    use super::*;

    /// Whether a value whose entries are `value` and something behind it is in the range.
    fn holds<K: RowKey>(range: &impl RangeBounds<K>, value: &K, behind: &[u8]) -> bool {
        KeyRange::of(range).contains(&[KeyBytes::of(value).as_slice(), behind].concat())
    }

    proptest! {
        #[test]
        fn a_range_of_keys_holds_what_the_range_of_values_holds(
            from: Bound<(i8, String)>, to: Bound<(i8, String)>, value: (i8, String), behind: Vec<u8>,
        ) {
            let range = (from, to);
            prop_assert_eq!(holds(&range, &value, &behind), range.contains(&value));
        }

        #[test]
        fn going_on_never_leaves_the_range(from: Bound<u8>, to: Bound<u8>, at: u8, key: u8, forward: bool) {
            let (range, at) = ((from, to), bytes(&at));
            let direction = if forward { Direction::Forward } else { Direction::Backward };
            let is_behind = if forward { bytes(&key) > at } else { bytes(&key) < at };
            let left = KeyRange::of(&range).behind(&at, direction);
            prop_assert_eq!(left.contains(&bytes(&key)), range.contains(&key) && is_behind);
        }
    }

    #[test]
    fn what_is_behind_the_last_value_is_nothing() {
        let behind_last = (Bound::Excluded(u8::MAX), Bound::Unbounded);
        assert!(!holds(&behind_last, &u8::MAX, b"row"));
        let behind_last = (Bound::Excluded(Reverse(0_u8)), Bound::Unbounded);
        assert!(!holds(&behind_last, &Reverse(0), b"row"));
        assert!(holds(&(Bound::Excluded(Reverse(1_u8)), Bound::Unbounded), &Reverse(0), b"row"));
    }

    #[test]
    fn a_range_within_a_prefix_is_known() {
        let within = |range: KeyRange| range.is_within(&KeyBytes::of("ada"));
        assert!(within(KeyRange::prefix(&"ada")) && within(KeyRange::prefix(&("ada", 7_u8))));
        assert!(within(KeyRange::of(&(("ada", 1_u8)..=("ada", 7_u8)))));
        assert!(!within(KeyRange::ALL) && !within(KeyRange::prefix(&"bob")));
        assert!(!within(KeyRange::of(&(("ada", 1_u8)..("bob", 7_u8)))));
        assert!(!within(KeyRange::of(&(("ada", 1_u8)..))));
    }
}

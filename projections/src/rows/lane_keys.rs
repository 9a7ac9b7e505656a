//! What the keys of rows have to begin with, where several lanes write.

use std::ops::Bound;

use crate::{KeyBytes, key_range::KeyRange};

/// The lane's keys of the events that a handler was given: each row's key has to begin with one of them.
///
/// Invariant: they are in order, and none is the beginning of another. So there is only one that a key can begin with: the
/// last that is not behind it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LaneKeys<'a>(&'a [KeyBytes]);

impl<'a> LaneKeys<'a> {
    /// That of one event.
    pub(crate) fn one(key: &'a KeyBytes) -> Self {
        Self(std::slice::from_ref(key))
    }

    /// Those of several, in any order.
    pub(crate) fn any_of(keys: &'a mut Vec<KeyBytes>) -> Self {
        keys.sort_unstable();
        keys.dedup_by(|key, before| key.as_slice().starts_with(before.as_slice()));
        Self(keys)
    }

    /// Whether `key` begins with one of them.
    pub(super) fn begin(self, key: &[u8]) -> bool {
        self.nearest(key).is_some_and(|lane_key| key.starts_with(lane_key.as_slice()))
    }

    /// Whether all keys in `range` begin with one and the same of them.
    pub(super) fn hold(self, range: &KeyRange) -> bool {
        match &range.from {
            Bound::Included(from) | Bound::Excluded(from) => {
                self.nearest(from).is_some_and(|lane_key| range.is_within(lane_key))
            }
            Bound::Unbounded => false,
        }
    }

    /// The only one of them that `key` can begin with.
    fn nearest(self, key: &[u8]) -> Option<&'a KeyBytes> {
        let behind = self.0.partition_point(|lane_key| lane_key.as_slice() <= key);
        self.0.get(behind.checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// Bytes of two values and up to four of them, so that many are the beginning of others.
    fn bytes() -> impl Strategy<Value = KeyBytes> {
        vec(0_u8..2, 0..5).prop_map(|bytes| {
            let mut key = KeyBytes::new();
            key.push_raw(&bytes);
            key
        })
    }

    proptest! {
        #[test]
        fn a_key_is_held_if_it_begins_with_any(keys in vec(bytes(), 1..6), key in bytes()) {
            let begins = keys.iter().any(|lane_key| key.as_slice().starts_with(lane_key.as_slice()));
            let mut sorted = keys.clone();
            prop_assert_eq!(LaneKeys::any_of(&mut sorted).begin(key.as_slice()), begins);
            let first = &keys[0];
            prop_assert_eq!(LaneKeys::one(first).begin(key.as_slice()), key.as_slice().starts_with(first.as_slice()));
        }
    }

    #[test]
    fn a_range_is_held_by_one_key_alone() {
        let mut keys = vec![KeyBytes::of("bob"), KeyBytes::of("ada"), KeyBytes::of("bob")];
        let keys = LaneKeys::any_of(&mut keys);
        assert!(keys.hold(&KeyRange::prefix("ada")) && keys.hold(&KeyRange::prefix(&("bob", 7_u8))));
        assert!(!keys.hold(&KeyRange::prefix("eve")) && !keys.hold(&KeyRange::ALL));
        assert!(!keys.hold(&KeyRange::of(&("ada".to_owned()..="bob".to_owned()))), "others are in between");
    }
}

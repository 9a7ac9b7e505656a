//! Equal bytes for equal values: the entries of maps in the order of their keys.

use std::ops::Range;

use super::{
    PayloadError,
    bounds::{measure, short_bytes},
};

/// Brings the entries of each map into the ascending order of their encoded keys, in place. Only their order changes: each
/// value is written in the one shortest way already.
///
/// The bytes were checked before: that bounds how deep this goes and how much it keeps.
pub(super) fn sort_maps(bytes: &mut [u8]) -> Result<(), PayloadError> {
    let (entries, sorted) = (Vec::with_capacity(ENTRIES), Vec::with_capacity(bytes.len()));
    Sorter { entries, sorted }.sort_from(bytes, 0).map(|_| ())
}

/// Room for so many entries at first: mostly there are fewer.
const ENTRIES: usize = 24;

/// Sorts maps within maps; what it keeps meanwhile is in memory that all of them share.
struct Sorter {
    /// The entries of the map that is walked through, behind those of the maps that it is in.
    entries: Vec<Entry>,
    sorted: Vec<u8>,
}

/// Where an entry of a map begins, where its value does, and where it ends.
#[derive(Clone, Copy)]
struct Entry {
    /// The first bytes of the key as a number that sorts as they do: mostly they decide.
    head: u64,
    key: usize,
    value: usize,
    end: usize,
}

impl Sorter {
    /// Sorts what begins at `at`; gives where it ends.
    #[inline]
    fn sort_from(&mut self, bytes: &mut [u8], at: usize) -> Result<usize, PayloadError> {
        // Most values are short, and hold no others.
        match bytes.get(at).map_or(0, |first| short_bytes(*first)) {
            0 => self.sort_long(bytes, at),
            short => Ok(at + short),
        }
    }

    fn sort_long(&mut self, bytes: &mut [u8], at: usize) -> Result<usize, PayloadError> {
        let (own, children) = measure(bytes, at)?;
        let first = at + own;
        let mut end = first;
        let is_map = bytes.get(at).is_some_and(|first| matches!(first, 0x80..=0x8f | 0xde | 0xdf));
        if !is_map {
            for _ in 0..children {
                end = self.sort_from(bytes, end)?;
            }
            return Ok(end);
        }
        let outer = self.entries.len();
        for _ in 0..children / 2 {
            let key = end;
            let value = self.sort_from(bytes, key)?;
            end = self.sort_from(bytes, value)?;
            let head = head_of(bytes.get(key..value).unwrap_or_default());
            self.entries.push(Entry { head, key, value, end });
        }
        self.sort_entries(bytes, outer, first..end);
        self.entries.truncate(outer);
        Ok(end)
    }

    /// Sorts the entries behind the first `outer`, which are all that `range` holds.
    fn sort_entries(&mut self, bytes: &mut [u8], outer: usize, range: Range<usize>) {
        let key_of = |entry: &Entry| bytes.get(entry.key..entry.value);
        let order = |one: &Entry, other: &Entry| {
            let by_key = one.head.cmp(&other.head).then_with(|| key_of(one).cmp(&key_of(other)));
            // Keys that are equal stay as they are.
            by_key.then_with(|| one.key.cmp(&other.key))
        };
        let entries = self.entries.get_mut(outer..).unwrap_or_default();
        if entries.is_sorted_by(|one, other| order(one, other).is_le()) {
            return;
        }
        entries.sort_unstable_by(order);
        self.sorted.clear();
        for entry in entries {
            self.sorted.extend_from_slice(bytes.get(entry.key..entry.end).unwrap_or_default());
        }
        // Together the entries are as long as before.
        if let Some(place) = bytes.get_mut(range).filter(|place| place.len() == self.sorted.len()) {
            place.copy_from_slice(&self.sorted);
        }
    }
}

fn head_of(key: &[u8]) -> u64 {
    match key.first_chunk() {
        Some(head) => u64::from_be_bytes(*head),
        None => key.iter().chain(&[0; 8]).take(8).fold(0, |head, byte| head << 8 | u64::from(*byte)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use rmpv::Value;

    use crate::codec::encode_canonical;

    pub(in crate::codec) fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Nil),
            any::<bool>().prop_map(Value::from),
            (any::<u64>(), 0..64_u32).prop_map(|(number, shift)| Value::from(number >> shift)),
            (any::<i64>(), 0..64_u32).prop_map(|(number, shift)| Value::from(number >> shift)),
            any::<f32>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-c]{0,40}".prop_map(Value::from),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 20, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..20).prop_map(Value::Array),
                prop::collection::vec((inner.clone(), inner), 0..20).prop_map(Value::Map),
            ]
        })
    }

    /// The obvious way: as a tree.
    fn sort_tree(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(sort_tree),
            Value::Map(entries) => {
                for (key, value) in entries.iter_mut() {
                    sort_tree(key);
                    sort_tree(value);
                }
                entries.sort_by_cached_key(|(key, _)| written(key));
            }
            _ => {}
        }
    }

    fn written(value: &Value) -> Vec<u8> {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, value).unwrap();
        bytes
    }

    proptest! {
        #[test]
        fn canonical_bytes_are_those_of_the_sorted_tree(value in values()) {
            let bytes = encode_canonical("value", &value).unwrap();
            let mut tree = value;
            sort_tree(&mut tree);
            prop_assert_eq!(&*bytes, written(&tree));
        }
    }
}

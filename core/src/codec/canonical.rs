//! Equal bytes for equal values: the entries of maps in the order of their keys.

use super::{PayloadError, bounds::measure};

/// Brings the entries of each map into the ascending order of their encoded keys, in place. Only their order changes: each
/// value is written in the one shortest way already.
///
/// The bytes were checked before: that bounds how deep this goes and how much it keeps.
pub(super) fn sort_maps(bytes: &mut [u8]) -> Result<(), PayloadError> {
    sort_from(bytes, 0).map(|_| ())
}

/// Where an entry of a map begins, where its value does, and where it ends.
type Entry = (usize, usize, usize);

/// Sorts what begins at `at`; gives where it ends.
fn sort_from(bytes: &mut [u8], at: usize) -> Result<usize, PayloadError> {
    let is_map = bytes.get(at).is_some_and(|first| matches!(first, 0x80..=0x8f | 0xde | 0xdf));
    let (own, children) = measure(bytes, at)?;
    let first = at + own;
    let mut end = first;
    if !is_map {
        for _ in 0..children {
            end = sort_from(bytes, end)?;
        }
        return Ok(end);
    }
    let mut entries: Vec<Entry> = Vec::with_capacity(usize::try_from(children / 2).unwrap_or_default());
    for _ in 0..children / 2 {
        let key = end;
        let value = sort_from(bytes, key)?;
        end = sort_from(bytes, value)?;
        entries.push((key, value, end));
    }
    let key_of = |(key, value, _): &Entry| bytes.get(*key..*value);
    if !entries.is_sorted_by_key(key_of) {
        entries.sort_by(|one, other| key_of(one).cmp(&key_of(other)));
        let mut sorted = Vec::with_capacity(end - first);
        for (key, _, end) in entries {
            sorted.extend_from_slice(bytes.get(key..end).unwrap_or_default());
        }
        // Together the entries are as long as before.
        if let Some(place) = bytes.get_mut(first..end).filter(|place| place.len() == sorted.len()) {
            place.copy_from_slice(&sorted);
        }
    }
    Ok(end)
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

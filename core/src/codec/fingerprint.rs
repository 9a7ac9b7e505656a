//! What a MessagePack value says in 128 bits, the same for equal values: a map without an order is written in another one each time.
//!
//! Each entry of a map is hashed by itself, and their hashes are added up. What is hashed of a value is its bytes, but for
//! each map in it a byte that no value begins with, the map's header and that sum. The order of its entries is all that is
//! not seen: each value is written in the one shortest way already.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_128;

use super::{
    PayloadError,
    bounds::{DEPTH_MAX, measure, short_bytes},
};

/// What `bytes` say, which are exactly one value.
pub(super) fn of(bytes: &[u8]) -> Result<u128, PayloadError> {
    let (end, seen) = see(bytes, 0, DEPTH_MAX)?;
    if end != bytes.len() {
        return Err(PayloadError::TrailingBytes { end, found: bytes.len() });
    }
    Ok(xxh3_128(seen.of(bytes, 0..end)))
}

/// What is hashed of a value.
enum Seen {
    /// Its bytes: there is no map in it.
    Plain,
    Reduced(Vec<u8>),
}

impl Seen {
    fn of<'a>(&'a self, bytes: &'a [u8], range: Range<usize>) -> &'a [u8] {
        match self {
            Self::Plain => bytes.get(range).unwrap_or_default(),
            Self::Reduced(reduced) => reduced,
        }
    }
}

/// In front of what stands for a map: the first byte of no value.
const REDUCED: u8 = 0xc1;

/// What is hashed of the value at `at`, nested at most `levels` deep, and where it ends.
#[inline]
fn see(bytes: &[u8], at: usize, levels: usize) -> Result<(usize, Seen), PayloadError> {
    // Most values are short, and hold no others.
    match bytes.get(at).map_or(0, |first| short_bytes(*first)) {
        short if short > 0 && at + short <= bytes.len() => Ok((at + short, Seen::Plain)),
        _ => see_long(bytes, at, levels),
    }
}

fn see_long(bytes: &[u8], at: usize, levels: usize) -> Result<(usize, Seen), PayloadError> {
    let (own, children) = measure(bytes, at)?;
    let begin = at.checked_add(own).filter(|begin| *begin <= bytes.len());
    let begin = begin.ok_or(PayloadError::Truncated { at: bytes.len() })?;
    if children == 0 && !is_map(bytes, at) {
        return Ok((begin, Seen::Plain));
    }
    let levels = levels.checked_sub(1).ok_or(PayloadError::TooDeep)?;
    if is_map(bytes, at) {
        return see_map(bytes, at..begin, children / 2, levels);
    }
    let (mut end, mut reduced) = (begin, None);
    for _ in 0..children {
        let (next, seen) = see(bytes, end, levels)?;
        let child = seen.of(bytes, end..next);
        match &mut reduced {
            None if matches!(seen, Seen::Plain) => {}
            None => reduced = Some([bytes.get(at..end).unwrap_or_default(), child].concat()),
            Some(reduced) => reduced.extend_from_slice(child),
        }
        end = next;
    }
    Ok((end, reduced.map_or(Seen::Plain, Seen::Reduced)))
}

fn see_map(bytes: &[u8], header: Range<usize>, entries: u64, levels: usize) -> Result<(usize, Seen), PayloadError> {
    let (mut end, mut sum) = (header.end, 0_u128);
    for _ in 0..entries {
        let begin = end;
        let (value, key_seen) = see(bytes, begin, levels)?;
        let (behind, value_seen) = see(bytes, value, levels)?;
        let hash = match (&key_seen, &value_seen) {
            (Seen::Plain, Seen::Plain) => xxh3_128(bytes.get(begin..behind).unwrap_or_default()),
            (key, seen) => xxh3_128(&[key.of(bytes, begin..value), seen.of(bytes, value..behind)].concat()),
        };
        sum = sum.wrapping_add(hash);
        end = behind;
    }
    let header = bytes.get(header).unwrap_or_default();
    Ok((end, Seen::Reduced([&[REDUCED], header, &sum.to_be_bytes()].concat())))
}

fn is_map(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(|first| matches!(first, 0x80..=0x8f | 0xde | 0xdf))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rmpv::Value;

    use super::*;
    use crate::codec::tests::values;

    fn written(value: &Value) -> Vec<u8> {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, value).unwrap();
        bytes
    }

    type Entries = Vec<(Value, Value)>;

    /// Changes the order of each map's entries, of the inner ones first.
    fn order_maps(value: &mut Value, order: &dyn Fn(&mut Entries)) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| order_maps(item, order)),
            Value::Map(entries) => {
                for (key, value) in entries.iter_mut() {
                    order_maps(key, order);
                    order_maps(value, order);
                }
                order(entries);
            }
            _ => {}
        }
    }

    /// The obvious way to tell whether two values are the same: each map in the order of its entries.
    fn sort_maps(value: &mut Value) {
        order_maps(value, &|entries| entries.sort_by_cached_key(|(key, value)| (written(key), written(value))));
    }

    /// Changes one leaf of a value.
    fn change(value: &mut Value, which: usize) {
        match value {
            Value::Array(items) if !items.is_empty() => {
                let index = which % items.len();
                change(&mut items[index], which / 2);
            }
            Value::Map(entries) if !entries.is_empty() => {
                let index = which % entries.len();
                let entry = &mut entries[index];
                change(if which.is_multiple_of(2) { &mut entry.0 } else { &mut entry.1 }, which / 2);
            }
            Value::Integer(number) => *value = (number.as_u64().unwrap_or(7) ^ 1).into(),
            _ => *value = 77.into(),
        }
    }

    proptest! {
        #[test]
        fn the_order_of_entries_is_all_that_is_not_seen(value in values(), which in any::<usize>()) {
            let (mut turned, mut changed) = (value.clone(), value.clone());
            order_maps(&mut turned, &|entries| entries.reverse());
            prop_assert_eq!(of(&written(&value)), of(&written(&turned)));
            change(&mut changed, which);
            let (mut one, mut other) = (value.clone(), changed.clone());
            sort_maps(&mut one);
            sort_maps(&mut other);
            let is_same = written(&one) == written(&other);
            prop_assert_eq!(of(&written(&value)) == of(&written(&changed)), is_same);
        }

        #[test]
        fn what_is_no_value_is_refused_as_elsewhere(value in values(), cut in 1_usize..20, more in any::<u8>()) {
            let mut bytes = written(&value);
            let end = bytes.len();
            let cut = end.saturating_sub(cut);
            prop_assert_eq!(of(&bytes[..cut]), Err(PayloadError::Truncated { at: cut }));
            bytes.push(more);
            prop_assert_eq!(of(&bytes), Err(PayloadError::TrailingBytes { end, found: end + 1 }));
        }
    }

    #[test]
    fn what_stands_where_counts() {
        let map = |entries: &[(&str, i32)]| {
            Value::Map(entries.iter().map(|(key, value)| (Value::from(*key), Value::from(*value))).collect())
        };
        let (one, other) = (map(&[("a", 1), ("b", 2)]), map(&[("a", 2), ("b", 1)]));
        let list = |items: &[&Value]| Value::Array(items.iter().map(|item| (*item).clone()).collect());
        let different = [
            one.clone(),
            other.clone(),
            map(&[("a", 1)]),
            map(&[("a", 1), ("b", 2), ("c", 3)]),
            list(&[&one, &other]),
            list(&[&other, &one]),
            list(&[&one]),
            list(&[&list(&[&one]), &other]),
            list(&[&list(&[&one, &other])]),
            list(&[]),
            map(&[]),
        ];
        let seen: std::collections::HashSet<_> = different.iter().map(|value| of(&written(value)).unwrap()).collect();
        assert_eq!(seen.len(), different.len());
    }

    #[test]
    fn nesting_is_bounded() {
        for (levels, is_fine) in [(DEPTH_MAX, true), (DEPTH_MAX + 1, false)] {
            for header in [&[0x91][..], &[0x81, 0x01]] {
                let mut bytes = header.repeat(levels);
                bytes.push(0x01);
                assert_eq!(of(&bytes).is_ok(), is_fine, "{levels} levels of {header:x?}");
            }
        }
    }
}

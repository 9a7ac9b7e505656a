//! Where a value ends, and how deep it is nested, without decoding it.

use super::PayloadError;

/// The deepest nesting of lists and maps that is decoded.
pub const DEPTH_MAX: usize = 128;

/// Checks that `bytes` are exactly one MessagePack value, nested at most [`DEPTH_MAX`] deep.
pub(super) fn check(bytes: &[u8]) -> Result<(), PayloadError> {
    match length_of(bytes, DEPTH_MAX)? {
        end if end == bytes.len() => Ok(()),
        end => Err(PayloadError::TrailingBytes { end, found: bytes.len() }),
    }
}

/// The length of the value that `bytes` begin with, nested at most `levels` deep.
#[inline]
pub(super) fn length_of(bytes: &[u8], levels: usize) -> Result<usize, PayloadError> {
    match bytes.first().map_or(0, |first| short_bytes(*first)) {
        short if short > 0 && short <= bytes.len() => Ok(short),
        _ => walk(bytes, levels),
    }
}

/// The same, whatever it is. Costs one pass and no memory: each value takes a byte at least, so the number of values is
/// bounded by the length.
fn walk(bytes: &[u8], levels: usize) -> Result<usize, PayloadError> {
    // How many values are still to come on the level that is looked at, and on those above it.
    let mut left = 1_u64;
    let mut above = [0_u64; DEPTH_MAX];
    let mut depth = 0;
    let mut at = 0_usize;
    while left > 0 {
        // Most values are short, and neither the last of their level nor of the bytes.
        let short = bytes.get(at).map_or(0, |first| short_bytes(*first));
        if short > 0 && left > 1 && at + short <= bytes.len() {
            at += short;
            left -= 1;
            continue;
        }
        let (own, children) = measure(bytes, at)?;
        at = at.checked_add(own).filter(|at| *at <= bytes.len()).ok_or(PayloadError::Truncated { at: bytes.len() })?;
        left -= 1;
        if children > 0 {
            *above.get_mut(depth).filter(|_| depth < levels).ok_or(PayloadError::TooDeep)? = left;
            depth += 1;
            left = children;
        }
        while left == 0 && depth > 0 {
            depth -= 1;
            left = above.get(depth).copied().unwrap_or_default();
        }
    }
    Ok(at)
}

/// The length of the value at `at` without its children, and their number.
/// <https://github.com/msgpack/msgpack/blob/master/spec.md#formats>
fn measure(bytes: &[u8], at: usize) -> Result<(usize, u64), PayloadError> {
    let first = *bytes.get(at).ok_or(PayloadError::Truncated { at })?;
    let length = |size: usize| length(bytes, at + 1, size);
    let with = |header: usize, body: u64| header.saturating_add(usize::try_from(body).unwrap_or(usize::MAX));
    Ok(match first {
        0x80..=0x8f => (1, u64::from(first & 0x0f) * 2),
        0x90..=0x9f => (1, u64::from(first & 0x0f)),
        0xc1 => return Err(PayloadError::Shape { reason: format!("byte {at} is 0xc1, which is never used") }),
        0xc4 | 0xd9 => (with(2, length(1)?), 0),
        0xc5 | 0xda => (with(3, length(2)?), 0),
        0xc6 | 0xdb => (with(5, length(4)?), 0),
        0xc7 => (with(3, length(1)?), 0),
        0xc8 => (with(4, length(2)?), 0),
        0xc9 => (with(6, length(4)?), 0),
        0xdc => (3, length(2)?),
        0xdd => (5, length(4)?),
        0xde => (3, length(2)? * 2),
        0xdf => (5, length(4)? * 2),
        _ => (short_bytes(first), 0),
    })
}

/// The length of a value whose first byte tells it, and that it has no children; else 0.
fn short_bytes(first: u8) -> usize {
    #[expect(clippy::indexing_slicing, reason = "runs while compiling; the index is below the length")]
    const LENGTHS: [u8; 256] = {
        let mut lengths = [0; 256];
        let mut first = 0_usize;
        while first < lengths.len() {
            lengths[first] = match first {
                0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => 1,
                0xa0..=0xbf => 1 + (first as u8 & 0x1f),
                0xcc | 0xd0 => 2,
                0xcd | 0xd1 => 3,
                0xca | 0xce | 0xd2 => 5,
                0xcb | 0xcf | 0xd3 => 9,
                0xd4..=0xd8 => 2 + (1 << (first - 0xd4)),
                _ => 0,
            };
            first += 1;
        }
        lengths
    };
    LENGTHS.get(usize::from(first)).copied().map_or(0, usize::from)
}

fn length(bytes: &[u8], at: usize, size: usize) -> Result<u64, PayloadError> {
    let digits = bytes.get(at..at + size).ok_or(PayloadError::Truncated { at: bytes.len() })?;
    Ok(digits.iter().fold(0, |length, digit| length << 8 | u64::from(*digit)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::tests::values;

    fn is_one_value(mut bytes: &[u8]) -> bool {
        rmpv::decode::read_value(&mut bytes).is_ok() && bytes.is_empty()
    }

    #[test]
    fn exactly_whole_values_pass_whatever_they_begin_with() {
        for (first, rest) in (0..=0xff).flat_map(|first| [(first, 0), (first, 1)]) {
            // 0xc1 is never used: nothing begins with it.
            for count in (0..300).filter(|_| first != 0xc1) {
                let mut bytes = vec![rest; count];
                bytes.insert(0, first);
                assert_eq!(check(&bytes).is_ok(), is_one_value(&bytes), "{first:#x} and {count} times {rest}");
                let listed = [[0x92].as_slice(), &bytes, &[0xc0]].concat();
                assert_eq!(
                    check(&listed).is_ok(),
                    is_one_value(&listed),
                    "{first:#x} and {count} times {rest}, listed"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn a_value_that_is_cut_is_told_from_a_whole_one(value in values(), more in any::<u8>()) {
            let mut bytes = Vec::new();
            rmpv::encode::write_value(&mut bytes, &value).unwrap();
            prop_assert_eq!(check(&bytes), Ok(()));
            for end in 0..bytes.len() {
                prop_assert_eq!(check(&bytes[..end]), Err(PayloadError::Truncated { at: end }));
            }
            let end = bytes.len();
            bytes.push(more);
            prop_assert_eq!(check(&bytes), Err(PayloadError::TrailingBytes { end, found: end + 1 }));
        }
    }
}

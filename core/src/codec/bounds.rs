//! A walk over a payload that refuses what would be dear to decode, before anything is decoded.

use super::PayloadError;

/// The deepest nesting of lists and maps that is decoded.
pub const DEPTH_MAX: usize = 128;

/// Checks that `bytes` are exactly one MessagePack value, nested at most [`DEPTH_MAX`] deep. Costs one pass and no
/// memory: each value takes a byte at least, so the number of values is bounded by the length.
pub(super) fn check(bytes: &[u8]) -> Result<(), PayloadError> {
    // How many values are still to come on each level.
    let mut open = [0_u64; DEPTH_MAX];
    let mut depth = 0;
    let mut at = 0;
    loop {
        let (header, body, children) = measure(bytes, at)?;
        at = at
            .checked_add(header)
            .and_then(|at| at.checked_add(body))
            .filter(|at| *at <= bytes.len())
            .ok_or(PayloadError::Truncated { at: bytes.len() })?;
        if children > 0 {
            *open.get_mut(depth).ok_or(PayloadError::TooDeep)? = children;
            depth += 1;
            continue;
        }
        while let Some(left) = depth.checked_sub(1).and_then(|level| open.get_mut(level)) {
            *left -= 1;
            if *left > 0 {
                break;
            }
            depth -= 1;
        }
        if depth == 0 {
            break;
        }
    }
    if at != bytes.len() {
        return Err(PayloadError::TrailingBytes { end: at, found: bytes.len() });
    }
    Ok(())
}

/// The length of a value's header, the length of its body without children, and the number of its children.
/// <https://github.com/msgpack/msgpack/blob/master/spec.md#formats>
fn measure(bytes: &[u8], at: usize) -> Result<(usize, usize, u64), PayloadError> {
    let first = *bytes.get(at).ok_or(PayloadError::Truncated { at })?;
    let length = |size: usize| length(bytes, at + 1, size);
    let of = |length: u64| usize::try_from(length).unwrap_or(usize::MAX);
    Ok(match first {
        0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => (1, 0, 0),
        0x80..=0x8f => (1, 0, u64::from(first & 0x0f) * 2),
        0x90..=0x9f => (1, 0, u64::from(first & 0x0f)),
        0xa0..=0xbf => (1, usize::from(first & 0x1f), 0),
        0xc1 => return Err(PayloadError::Shape { reason: format!("byte {at} is 0xc1, which is never used") }),
        0xc4 | 0xd9 => (2, of(length(1)?), 0),
        0xc5 | 0xda => (3, of(length(2)?), 0),
        0xc6 | 0xdb => (5, of(length(4)?), 0),
        0xc7 => (3, of(length(1)?), 0),
        0xc8 => (4, of(length(2)?), 0),
        0xc9 => (6, of(length(4)?), 0),
        0xcc | 0xd0 => (2, 0, 0),
        0xcd | 0xd1 => (3, 0, 0),
        0xca | 0xce | 0xd2 => (5, 0, 0),
        0xcb | 0xcf | 0xd3 => (9, 0, 0),
        0xd4..=0xd8 => (2, 1 << (first - 0xd4), 0),
        0xdc => (3, 0, length(2)?),
        0xdd => (5, 0, length(4)?),
        0xde => (3, 0, length(2)? * 2),
        0xdf => (5, 0, length(4)? * 2),
    })
}

fn length(bytes: &[u8], at: usize, size: usize) -> Result<u64, PayloadError> {
    let digits = bytes.get(at..at + size).ok_or(PayloadError::Truncated { at: bytes.len() })?;
    Ok(digits.iter().fold(0, |length, digit| length << 8 | u64::from(*digit)))
}

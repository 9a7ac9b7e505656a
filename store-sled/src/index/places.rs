//! Lists of places in chunks: the events of a stream by version, those of a tag by position.

use annals_core::Position;
use sled::Tree;

use super::keys::Term;
use crate::log::{
    Place,
    wire::{Cursor, put_varint},
};

/// A chunk is filled up to this many places before the next one is begun: about 1.5 KiB, well below the size at which
/// sled moves values into files of their own.
const CHUNK_PLACES: usize = 128;

/// One chunk: the number of its first place (for a stream its version, for a tag its position), and the places.
pub(crate) struct Chunk {
    pub(crate) first: u64,
    pub(crate) places: Vec<Place>,
}

/// The bytes of a chunk are not places.
pub(crate) struct Malformed;

pub(crate) fn encode(places: &[Place]) -> Vec<u8> {
    let mut output = Vec::with_capacity(places.len() * 12);
    let (mut position, mut frame) = (0, 0);
    for place in places {
        put_varint(&mut output, place.position.get().wrapping_sub(position));
        put_varint(&mut output, place.frame.wrapping_sub(frame));
        put_varint(&mut output, u64::from(place.item));
        put_varint(&mut output, u64::from(place.length));
        (position, frame) = (place.position.get(), place.frame);
    }
    output
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Place>, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let (mut position, mut frame) = (0_u64, 0_u64);
    let mut places = Vec::with_capacity(bytes.len() / 6);
    while cursor.rest() > 0 {
        position = position.wrapping_add(cursor.varint().ok_or(Malformed)?);
        frame = frame.wrapping_add(cursor.varint().ok_or(Malformed)?);
        let mut short = || cursor.varint().and_then(|number| u32::try_from(number).ok()).ok_or(Malformed);
        let (item, length) = (short()?, short()?);
        let position = Position::new(position).map_err(|_| Malformed)?;
        places.push(Place { position, frame, item, length });
    }
    Ok(places)
}

/// The chunk of `term` that begins at or before `number`, or else nothing.
pub(crate) fn chunk_before(tree: &Tree, term: Term<'_>, number: u64) -> sled::Result<Option<Result<Chunk, Malformed>>> {
    let prefix = term.prefix();
    match tree.get_lt(term.chunk(number.saturating_add(1)))? {
        Some((key, value)) if key.starts_with(&prefix) => Ok(Some(chunk(&prefix, &key, &value))),
        _ => Ok(None),
    }
}

fn chunk(prefix: &[u8], key: &[u8], value: &[u8]) -> Result<Chunk, Malformed> {
    let first = key.strip_prefix(prefix).and_then(|first| first.try_into().ok()).ok_or(Malformed)?;
    Ok(Chunk { first: u64::from_be_bytes(first), places: decode(value)? })
}

/// The writes that add `places` to `term`, whose first has the number `first`. Doing it twice changes nothing: places
/// that are there already are left out.
pub(crate) fn extend(
    tree: &Tree,
    term: Term<'_>,
    numbered: impl Fn(usize, &Place) -> u64,
    places: &[Place],
    writes: &mut Vec<(Vec<u8>, Vec<u8>)>,
) -> sled::Result<()> {
    let mut last = match chunk_before(tree, term, u64::MAX - 1)? {
        Some(Ok(chunk)) => Some(chunk),
        Some(Err(Malformed)) => return Err(sled::Error::Unsupported("a list of places cannot be decoded".into())),
        None => None,
    };
    let seen = last.as_ref().and_then(|chunk| chunk.places.last()).map_or(Position::ZERO, |place| place.position);
    let skip = places.partition_point(|place| place.position <= seen);
    let mut rest = places.iter().enumerate().skip(skip).peekable();
    while let Some((index, place)) = rest.peek() {
        let mut chunk = match last.take().filter(|chunk| chunk.places.len() < CHUNK_PLACES) {
            Some(chunk) => chunk,
            None => Chunk { first: numbered(*index, place), places: Vec::new() },
        };
        while chunk.places.len() < CHUNK_PLACES
            && let Some((_, place)) = rest.next()
        {
            chunk.places.push(*place);
        }
        writes.push((term.chunk(chunk.first), encode(&chunk.places)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_round_trip() {
        let places: Vec<_> = (1..200_u32)
            .map(|n| Place { position: n.into(), frame: u64::from(n) * 77, item: n % 5, length: 300 })
            .collect();
        assert!(decode(&encode(&places)).is_ok_and(|decoded| decoded == places));
        assert!(decode(&[0x80]).is_err());
    }
}

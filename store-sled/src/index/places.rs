//! Lists of places in chunks: the events of a stream by version, those of a tag by position.
//!
//! A chunk begins with how many places it holds and the newest of them; the others follow as differences, each from the
//! next newer one. So adding to a chunk copies what it holds without looking at it, and its newest place is read at once.

use annals_core::{Position, Version};
use sled::{IVec, Tree};

use super::{
    keys::{self, Term},
    pages::{self, Change, Draft, malformed},
};
use crate::{
    log::{
        Place,
        wire::{Cursor, put_signed, put_varint},
    },
    overlay::Part,
};

/// A chunk is filled up to this many places before the next one is begun: what is written again when a long stream
/// grows.
const CHUNK_PLACES: usize = 128;

/// One chunk: the number of its first place (for a stream its version, for a tag its position), and the places.
pub(crate) struct Chunk {
    pub(crate) first: u64,
    bytes: IVec,
}

impl Chunk {
    /// How many places it holds.
    pub(crate) fn count(&self) -> sled::Result<u64> {
        Cursor::new(&self.bytes).varint().ok_or_else(|| malformed("a list of places"))
    }

    /// The places, the newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = sled::Result<Place>> {
        newest_first(&self.bytes)
    }

    /// The places, the oldest first.
    pub(crate) fn places(&self) -> sled::Result<Vec<Place>> {
        let mut places: Vec<_> = self.newest_first().collect::<Result<_, _>>()?;
        places.reverse();
        Ok(places)
    }
}

/// The position of the oldest place in the bytes of a chunk.
pub(crate) fn oldest(bytes: &[u8]) -> sled::Result<Position> {
    let last = newest_first(bytes).last().transpose()?;
    last.map(|place| place.position).ok_or_else(|| malformed("a list of places"))
}

fn newest_first(bytes: &[u8]) -> impl Iterator<Item = sled::Result<Place>> {
    let mut rest = Cursor::new(bytes);
    let mut left = rest.varint().unwrap_or(1);
    let mut newer = None;
    std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        let place = match newer {
            None => take_whole(&mut rest),
            Some(newer) => take_older(&mut rest, newer),
        };
        newer = place;
        if place.is_none() {
            left = 0;
        }
        Some(place.ok_or_else(|| malformed("a list of places")))
    })
}

fn put_whole(output: &mut Vec<u8>, place: &Place) {
    put_varint(output, place.position.get());
    put_varint(output, place.frame);
    put_varint(output, u64::from(place.item));
    put_varint(output, u64::from(place.length));
}

fn take_whole(rest: &mut Cursor<'_>) -> Option<Place> {
    let position = Position::new(rest.varint()?).ok()?;
    let frame = rest.varint()?;
    let item = u32::try_from(rest.varint()?).ok()?;
    let length = u32::try_from(rest.varint()?).ok()?;
    Some(Place { position, frame, item, length })
}

/// How far apart the frames of places so many positions apart are, going by the whole log: what a difference is told
/// from, since events are mostly about as long as each other.
fn expected(newer: &Place, positions: u64) -> u64 {
    let bytes = u128::from(positions) * u128::from(newer.frame) / u128::from(newer.position.get().max(1));
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Appends `older` as its difference from `newer`.
fn put_older(output: &mut Vec<u8>, newer: &Place, older: &Place) {
    let positions = newer.position.get().wrapping_sub(older.position.get());
    let frames = newer.frame.wrapping_sub(older.frame);
    put_varint(output, positions);
    put_signed(output, frames.wrapping_sub(expected(newer, positions)).cast_signed());
    // The lowest bit says whether the item begins elsewhere in its frame: mostly frames hold one event.
    let moved = older.item != newer.item;
    put_signed(output, (i64::from(newer.length) - i64::from(older.length)) << 1 | i64::from(moved));
    if moved {
        put_varint(output, u64::from(older.item));
    }
}

fn take_older(rest: &mut Cursor<'_>, newer: Place) -> Option<Place> {
    let positions = rest.varint()?;
    let frames = expected(&newer, positions).wrapping_add(rest.signed()?.cast_unsigned());
    let length = rest.signed()?;
    let moved = length & 1 == 1;
    let length = u32::try_from(i64::from(newer.length).checked_sub(length >> 1)?).ok()?;
    let item = if moved { u32::try_from(rest.varint()?).ok()? } else { newer.item };
    let position = Position::new(newer.position.get().checked_sub(positions)?).ok()?;
    Some(Place { position, frame: newer.frame.wrapping_sub(frames), item, length })
}

/// Appends a chunk that holds what `before` holds and `places`, which are newer.
fn put_chunk(output: &mut Vec<u8>, before: Option<Stored<'_>>, places: &[Place]) {
    let Some(newest) = places.last() else { return };
    put_varint(output, before.as_ref().map_or(0, |before| before.count) + places.len() as u64);
    put_whole(output, newest);
    for (older, newer) in places.iter().zip(places.iter().skip(1)).rev() {
        put_older(output, newer, older);
    }
    if let (Some(before), Some(newer)) = (before, places.first()) {
        put_older(output, newer, &before.newest);
        output.extend_from_slice(before.older);
    }
}

/// A chunk as far as it must be read to add to it.
struct Stored<'a> {
    count: u64,
    newest: Place,
    older: &'a [u8],
}

impl<'a> Stored<'a> {
    fn take(bytes: &'a [u8]) -> sled::Result<Self> {
        let mut cursor = Cursor::new(bytes);
        let mut take = || Some((cursor.varint()?, take_whole(&mut cursor)?));
        let (count, newest) = take().ok_or_else(|| malformed("a list of places"))?;
        Ok(Self { count, newest, older: cursor.take_rest() })
    }
}

/// The chunk of `term` that begins at or before `number`, or else nothing.
pub(crate) fn chunk_before(tree: &Tree, term: Term<'_>, number: u64) -> sled::Result<Option<Chunk>> {
    chunk_at(tree, &term.prefix(), &term.chunk(number))
}

/// The newest chunk of `term`.
pub(crate) fn last_chunk(tree: &Tree, term: Term<'_>) -> sled::Result<Option<Chunk>> {
    let prefix = term.prefix();
    chunk_at(tree, &prefix, &[&prefix[..], &[keys::BEHIND_NUMBERS]].concat())
}

fn chunk_at(tree: &Tree, prefix: &[u8], key: &[u8]) -> sled::Result<Option<Chunk>> {
    let Some((key, bytes)) = pages::last_at(tree, key)? else { return Ok(None) };
    let Some(number) = key.strip_prefix(prefix) else { return Ok(None) };
    let first = keys::take_number(number).ok_or_else(|| malformed("the key of a list of places"))?;
    Ok(Some(Chunk { first, bytes }))
}

/// Places that are added behind those of a stream or tag.
struct Addition<'a> {
    /// The bytes of the key behind what all keys have in common: compared before the keys are.
    head: u64,
    /// Behind all chunks of the term.
    key: &'a [u8],
    /// For a stream, the version of the first; for a tag, the number of a place is its position.
    version: Option<Version>,
    places: &'a [Place],
}

impl Change for Addition<'_> {
    fn key(&self) -> &[u8] {
        self.key
    }

    /// Adds to the last chunk, or begins another. Places that are there already are left out, so that doing it twice
    /// changes nothing.
    fn apply(&self, draft: &mut Draft) -> sled::Result<()> {
        let prefix = self.key.get(..self.key.len().saturating_sub(1)).unwrap_or_default();
        let mut bytes = Vec::new();
        let (mut rest, mut first) = (self.places, self.version.map_or(0, Version::get));
        if let Some((key, stored)) = draft.last().filter(|(key, _)| key.starts_with(prefix)) {
            let before = Stored::take(stored)?;
            let known = rest.partition_point(|place| place.position <= before.newest.position);
            let room = CHUNK_PLACES.saturating_sub(usize::try_from(before.count).unwrap_or(CHUNK_PLACES));
            rest = rest.get(known..).unwrap_or_default();
            let (here, later) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            first += (known + here.len()) as u64;
            rest = later;
            if !here.is_empty() {
                let key = key.to_vec();
                put_chunk(&mut bytes, Some(before), here);
                draft.pop();
                draft.push(&key, [&bytes, &[]]);
            }
        }
        for places in rest.chunks(CHUNK_PLACES) {
            let number = match self.version {
                Some(_) => first,
                None => places.first().map_or(0, |place| place.position.get()),
            };
            let mut key = prefix.to_vec();
            keys::put_number(&mut key, number);
            bytes.clear();
            put_chunk(&mut bytes, None, places);
            draft.push(&key, [&bytes, &[]]);
            first += places.len() as u64;
        }
        Ok(())
    }
}

/// Adds the places of all streams of `part`, then those of its tags.
pub(crate) fn merge(tree: &Tree, part: &Part) -> sled::Result<()> {
    let streams = part.streams.iter().map(|(stream, (first, places))| {
        let places = places.as_slice();
        (Term::Stream(stream.as_str()), Some(*first), places)
    });
    merge_terms(tree, streams, part.streams.len())?;
    let tags = part.tags.iter().map(|(term, places)| (Term::Tag(term), None, places.as_slice()));
    merge_terms(tree, tags, part.tags.len())
}

fn merge_terms<'a>(
    tree: &Tree,
    terms: impl Iterator<Item = (Term<'a>, Option<Version>, &'a [Place])>,
    count: usize,
) -> sled::Result<()> {
    // All keys in one buffer, so that a term costs no allocation.
    let (mut buffer, mut spans) = (Vec::with_capacity(count * 24), Vec::with_capacity(count));
    for (term, version, places) in terms {
        let start = buffer.len();
        term.put_prefix(&mut buffer);
        buffer.push(keys::BEHIND_NUMBERS);
        spans.push((start, buffer.len(), version, places));
    }
    let mut additions: Vec<_> = spans
        .into_iter()
        .map(|(start, end, version, places)| Addition {
            head: 0,
            key: buffer.get(start..end).unwrap_or_default(),
            version,
            places,
        })
        .collect();
    let common = common_length(&additions);
    for addition in &mut additions {
        let head = addition.key.get(common..).unwrap_or_default().iter().chain([0; 8].iter()).take(8);
        addition.head = head.fold(0, |head, byte| head << 8 | u64::from(*byte));
    }
    additions.sort_unstable_by(|one, other| one.head.cmp(&other.head).then_with(|| one.key.cmp(other.key)));
    pages::merge(tree, &additions)
}

fn common_length(additions: &[Addition<'_>]) -> usize {
    let Some(first) = additions.first() else { return 0 };
    let common = |length: usize, addition: &Addition<'_>| {
        let pairs = first.key.iter().zip(addition.key).take(length);
        pairs.take_while(|(one, other)| one == other).count()
    };
    additions.iter().fold(first.key.len(), common)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: u32) -> Place {
        let (frame, item) = (u64::from(number / 3) * 1077 + 80, 56 + number % 3 * 300);
        Place { position: number.into(), frame, item, length: 300 - number % 7 }
    }

    #[test]
    fn places_round_trip() {
        let mut places: Vec<_> = (1..200).map(place).collect();
        let far = Place { position: Position::MAX, frame: u64::MAX, item: u32::MAX, length: u32::MAX };
        places.extend([Place { frame: 0, ..place(500) }, Place { length: u32::MAX, ..place(501) }, far]);
        let mut bytes = Vec::new();
        put_chunk(&mut bytes, None, &places);
        let decoded: Vec<_> = newest_first(&bytes).collect::<Result<_, _>>().unwrap();
        assert!(decoded.iter().rev().eq(&places));
        assert!(newest_first(&bytes[..bytes.len() - 1]).any(|place| place.is_err()));
        assert!(newest_first(&[0x80]).any(|place| place.is_err()));
    }

    /// However places are divided into batches, and whichever batch is repeated, the chunks are the same.
    #[test]
    fn chunks_do_not_depend_on_batches() {
        let places: Vec<_> = (1..1000).map(place).collect();
        let chunks = |batch: usize, term: Term<'_>| {
            let tree = sled::Config::new().temporary(true).open().unwrap().open_tree("t").unwrap();
            for (index, batch) in places.chunks(batch).enumerate() {
                let version = matches!(term, Term::Stream(_)).then(|| Version::from(places.len() as u32));
                let first = places.iter().position(|place| place == &batch[0]).unwrap() as u32 + 1;
                let version = version.map(|_| Version::from(first));
                for _ in 0..1 + index % 2 {
                    merge_terms(&tree, [(term, version, batch)].into_iter(), 1).unwrap();
                }
            }
            let mut found = Vec::new();
            let mut before = u64::MAX;
            while let Some(chunk) = chunk_before(&tree, term, before).unwrap() {
                found.push((chunk.first, chunk.places().unwrap()));
                before = chunk.first - 1;
            }
            found
        };
        for term in [Term::Stream("s-1"), Term::Tag(b"/about:it")] {
            let whole = chunks(1000, term);
            assert!(whole.iter().rev().flat_map(|(_, places)| places).eq(&places));
            assert!(whole.iter().all(|(first, places)| *first == places[0].position.get()));
            for batch in [1, 7, 127, 128, 129, 500] {
                assert!(chunks(batch, term) == whole, "batches of {batch}");
            }
        }
    }
}

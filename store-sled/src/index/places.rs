//! Lists of places: the events of a stream, numbered by version; those of a tag, numbered from 1 on.
//!
//! The newest places of each, up to 128, are one entry of the tree of entries; what is older is cut off in chunks of 128
//! into a tree of its own, and never written again. So what a growing stream rewrites is short, and lies close to that
//! of other streams.
//!
//! A chunk begins with how many places it holds and the newest of them; the others follow as differences, each from the
//! next newer one. So adding to a chunk copies what it holds without looking at it, and its newest place is read at once.

use annals_core::Position;
use sled::IVec;

use super::{
    filter::{Changed, Filter},
    gathered::Gathered,
    keys::{self, Term},
    order::{Given, Order, Sorted},
    pages::{self, Change, Draft, malformed},
    tree::Tree,
};
use crate::{
    log::{
        Place,
        wire::{Cursor, put_signed, put_varint},
    },
    overlay::Part,
};

/// The most places of a chunk: what is written again when a long stream grows.
const CHUNK_PLACES: usize = 128;

/// The trees that hold places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlaceTrees<'a> {
    /// The newest places of each stream and tag, among other things.
    pub(crate) entries: &'a Tree,
    /// Whole chunks of older ones.
    pub(crate) older: &'a Tree,
    /// What it does not hold has no places.
    pub(super) filter: &'a Filter,
}

/// One chunk, and the number of its first place.
pub(crate) struct Chunk {
    pub(crate) first: u64,
    bytes: IVec,
}

impl Chunk {
    /// The number of its last place.
    pub(crate) fn last(&self) -> sled::Result<u64> {
        let count = Cursor::new(&self.bytes).varint().ok_or_else(lost)?;
        self.first.checked_add(count).and_then(|behind| behind.checked_sub(1)).ok_or_else(lost)
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

fn lost() -> sled::Error {
    malformed("a list of places")
}

/// An entry: the number of the first place in its chunk; if that is not 1, the position of the very first; the chunk.
struct Newest<'a> {
    first: u64,
    begin: Option<Position>,
    chunk: &'a [u8],
}

impl<'a> Newest<'a> {
    fn take(bytes: &'a [u8]) -> sled::Result<Self> {
        Self::try_take(bytes).ok_or_else(lost)
    }

    fn try_take(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let first = cursor.varint()?;
        let begin = if first == 1 { None } else { Some(Position::new(cursor.varint()?).ok()?) };
        Some(Self { first, begin, chunk: cursor.take_rest() })
    }

    fn put(&self, output: &mut Vec<u8>) {
        put_varint(output, self.first);
        if let Some(begin) = self.begin {
            put_varint(output, begin.get());
        }
    }

    /// The position of the very first place.
    fn begin(&self) -> sled::Result<Position> {
        let oldest = || newest_first(self.chunk).last().transpose().map(|oldest| oldest.map(|place| place.position));
        self.begin.map_or_else(oldest, |begin| Ok(Some(begin)))?.ok_or_else(lost)
    }
}

/// The position of the first event of a stream, from its entry.
pub(crate) fn begin(entry: &[u8]) -> sled::Result<Position> {
    Newest::take(entry)?.begin()
}

pub(super) fn newest_first(bytes: &[u8]) -> impl Iterator<Item = sled::Result<Place>> {
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
        Some(place.ok_or_else(lost))
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
pub(super) fn put_chunk(output: &mut Vec<u8>, before: Option<Stored<'_>>, places: &[Place]) {
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
pub(super) struct Stored<'a> {
    count: u64,
    newest: Place,
    older: &'a [u8],
}

impl<'a> Stored<'a> {
    fn take(bytes: &'a [u8]) -> sled::Result<Self> {
        let mut cursor = Cursor::new(bytes);
        let mut take = || Some((cursor.varint()?, take_whole(&mut cursor)?));
        let (count, newest) = take().ok_or_else(lost)?;
        Ok(Self { count, newest, older: cursor.take_rest() })
    }
}

/// The chunk with the newest places of `term`.
pub(crate) fn newest_chunk(trees: PlaceTrees<'_>, term: Term<'_>) -> sled::Result<Option<Chunk>> {
    let key = term.prefix();
    if !trees.filter.contains(&key) {
        return Ok(None);
    }
    let Some(entry) = pages::get(trees.entries, &key)? else { return Ok(None) };
    let Newest { first, chunk, .. } = Newest::take(&entry)?;
    Ok(Some(Chunk { first, bytes: entry.subslice(entry.len() - chunk.len(), chunk.len()) }))
}

/// The chunk of `term` that holds the place `number`, or the newest one; nothing if there is none.
pub(crate) fn chunk_with(trees: PlaceTrees<'_>, term: Term<'_>, number: u64) -> sled::Result<Option<Chunk>> {
    let newest = newest_chunk(trees, term)?;
    if newest.as_ref().is_none_or(|newest| newest.first <= number) {
        return Ok(newest);
    }
    let Some((key, bytes)) = pages::last_at(trees.older, &term.chunk(number))? else { return Ok(None) };
    let Some(first) = key.strip_prefix(term.prefix().as_slice()) else { return Ok(None) };
    Ok(Some(Chunk { first: keys::take_number(first).ok_or_else(lost)?, bytes }))
}

/// Places that are added behind those of a stream or tag.
struct Addition<'a> {
    key: &'a [u8],
    places: &'a [Place],
    older: &'a Tree,
}

impl Change for Addition<'_> {
    fn key(&self) -> &[u8] {
        self.key
    }

    /// Places that are there already are left out, so that doing it twice changes nothing.
    fn apply(&self, draft: &mut Draft) -> sled::Result<()> {
        let mut value = draft.take_room();
        let places = self.places;
        match draft.last().filter(|(key, _)| *key == self.key) {
            None => self.put_newest(&Newest { first: 1, begin: None, chunk: &[] }, None, places, &mut value)?,
            Some((_, entry)) => {
                let newest = Newest::take(entry)?;
                let stored = Stored::take(newest.chunk)?;
                let known = places.partition_point(|place| place.position <= stored.newest.position);
                let new = places.get(known..).unwrap_or_default();
                if !new.is_empty() {
                    self.put_newest(&newest, Some(stored), new, &mut value)?;
                    draft.pop();
                }
            }
        }
        if !value.is_empty() {
            draft.push(self.key, [&value, &[]]);
        }
        draft.give_room(value);
        Ok(())
    }
}

impl Addition<'_> {
    /// Appends the entry that has `new` behind what is stored. What is too much for one chunk goes to the older ones,
    /// which is written before the entry is.
    fn put_newest(
        &self,
        newest: &Newest<'_>,
        stored: Option<Stored<'_>>,
        new: &[Place],
        output: &mut Vec<u8>,
    ) -> sled::Result<()> {
        let count = stored.as_ref().map_or(0, |stored| stored.count) + new.len() as u64;
        if count <= CHUNK_PLACES as u64 {
            newest.put(output);
            put_chunk(output, stored, new);
            return Ok(());
        }
        let mut places: Vec<_> =
            newest_first(newest.chunk).take_while(|_| stored.is_some()).collect::<Result<_, _>>()?;
        places.reverse();
        places.extend_from_slice(new);
        let begin = match newest.begin {
            None => places.first().map(|place| place.position),
            begin => begin,
        };
        let keep = (places.len() - 1) % CHUNK_PLACES + 1;
        let (whole, rest) = places.split_at_checked(places.len() - keep).unwrap_or_default();
        let mut first = newest.first;
        let mut chunks = Vec::new();
        for places in whole.chunks(CHUNK_PLACES) {
            let mut key = self.key.to_vec();
            keys::put_number(&mut key, first);
            let mut bytes = Vec::new();
            put_chunk(&mut bytes, None, places);
            chunks.push(WholeChunk { key, bytes });
            first += places.len() as u64;
        }
        pages::merge(self.older, &chunks)?;
        Newest { first, begin, chunk: &[] }.put(output);
        put_chunk(output, None, rest);
        Ok(())
    }
}

/// A chunk that will not change any more.
struct WholeChunk {
    key: Vec<u8>,
    bytes: Vec<u8>,
}

impl Change for WholeChunk {
    fn key(&self) -> &[u8] {
        &self.key
    }

    fn apply(&self, draft: &mut Draft) -> sled::Result<()> {
        if draft.last().is_some_and(|(key, _)| key == self.key) {
            draft.pop();
        }
        draft.push(&self.key, [&self.bytes, &[]]);
        Ok(())
    }
}

/// So many additions are put together at a time, in the order of their keys: what they are made of lies elsewhere in memory,
/// and to bring it together for many at once takes a fraction of what it takes one by one.
const ADDITIONS: usize = if cfg!(test) { 100 } else { 2048 };

/// So many of their places at most, and those of one more.
const PLACES_MAX: usize = 16 * ADDITIONS;

/// Adds the places of all streams of `part`, then those of its tags. Says what of the filter is to be written.
///
/// With `gathered`, those of streams and tags that are there already only go there, until [`settle`] adds them.
pub(crate) fn merge(
    trees: PlaceTrees<'_>,
    part: &Part,
    order: &mut Order,
    mut gathered: Option<&mut Gathered>,
) -> sled::Result<Changed> {
    let mut changed = Changed::new();
    merge_terms(trees, part.streams.as_slice(), Given::of_stream, order, &mut changed, gathered.as_deref_mut())?;
    merge_terms(trees, part.tags.as_slice(), Given::of_tag, order, &mut changed, gathered)?;
    Ok(changed)
}

fn merge_terms<'a, E>(
    trees: PlaceTrees<'_>,
    entries: &'a [E],
    given: impl Fn(&'a E) -> Given<'a>,
    order: &mut Order,
    changed: &mut Changed,
    mut gathered: Option<&mut Gathered>,
) -> sled::Result<()> {
    order.sort(entries, &given, |key| trees.filter.insert(key, changed))?;
    let places = |index: usize| entries.get(index).map_or(&[][..], |entry| given(entry).places);
    if let Some(gathered) = &mut gathered {
        let known = order.sorted().filter(|entry| !entry.is_new);
        gathered.add_run(known.map(|Sorted { key, index, .. }| (key, places(index))));
    }
    let here = order.sorted().filter(|entry| entry.is_new || gathered.is_none());
    let mut additions =
        here.map(|Sorted { key, index, .. }| Addition { key, places: places(index), older: trees.older });
    let mut some = Vec::with_capacity(ADDITIONS.min(entries.len()));
    loop {
        some.clear();
        some.extend(additions.by_ref().take(ADDITIONS));
        if some.is_empty() {
            return Ok(());
        }
        pages::merge(trees.entries, &some)?;
    }
}

/// Adds the places that were gathered.
pub(crate) fn settle(trees: PlaceTrees<'_>, gathered: &Gathered) -> sled::Result<()> {
    let mut merged = gathered.merged()?;
    let (mut keys, mut places, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        keys.clear();
        places.clear();
        ends.clear();
        while ends.len() < ADDITIONS && places.len() < PLACES_MAX && merged.take(&mut keys, &mut places)? {
            ends.push((keys.len(), places.len()));
        }
        if ends.is_empty() {
            return Ok(());
        }
        let starts = std::iter::once(&(0, 0)).chain(&ends);
        let addition = |(start, end): (&(usize, usize), &(usize, usize))| Addition {
            key: keys.get(start.0..end.0).unwrap_or_default(),
            places: places.get(start.1..end.1).unwrap_or_default(),
            older: trees.older,
        };
        pages::merge(trees.entries, &starts.zip(&ends).map(addition).collect::<Vec<_>>())?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{index::tree::Database, log::disk::Disk};

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

    /// However places are divided into batches, whichever batch is repeated, and whether they are gathered first, the chunks
    /// are the same.
    #[test]
    fn chunks_do_not_depend_on_batches() {
        let places: Vec<_> = (11..1011).map(place).collect();
        let chunks = |size: usize, count: usize, gathers: bool, term: Term<'_>| {
            let database = Database::temporary(Disk::default());
            let (entries, older) = (database.tree("entries").unwrap(), database.tree("older").unwrap());
            let folder = tempfile::tempdir().unwrap();
            let filter = Filter::open(&Disk::default(), folder.path()).unwrap();
            let trees = PlaceTrees { entries: &entries, older: &older, filter: &filter };
            let (mut order, mut gathered) = (Order::default(), Gathered::default());
            for (index, batch) in places[..count].chunks(size).enumerate() {
                for _ in 0..1 + index % 2 {
                    let given = |_| Given { term, may_be_new: true, places: batch };
                    let gathered = gathers.then_some(&mut gathered);
                    merge_terms(trees, &[()], given, &mut order, &mut Changed::new(), gathered).unwrap();
                }
                assert_eq!(gathered.is_empty(), !gathers || index == 0, "what is new is written at once");
                if index % 5 == 4 {
                    settle(trees, &std::mem::take(&mut gathered)).unwrap();
                }
                let entry = pages::get(&entries, &term.prefix()).unwrap().unwrap();
                assert_eq!(begin(&entry).unwrap(), places[0].position);
            }
            settle(trees, &gathered).unwrap();
            let mut found = Vec::new();
            let mut before = u64::MAX;
            while before > 0
                && let Some(chunk) = chunk_with(trees, term, before).unwrap()
            {
                let places = chunk.places().unwrap();
                assert_eq!(chunk.last().unwrap(), chunk.first + places.len() as u64 - 1);
                before = chunk.first - 1;
                found.push((chunk.first, places));
            }
            found.reverse();
            found
        };
        for term in [Term::Stream("s-1"), Term::Tag("/about:it")] {
            for count in [1, 127, 128, 129, 256, 257, 1000] {
                let whole = chunks(1000, count, false, term);
                assert!(whole.iter().flat_map(|(_, places)| places).eq(&places[..count]));
                assert!(whole.iter().all(|(first, chunk)| places[*first as usize - 1] == chunk[0]));
                assert!(whole.iter().rev().skip(1).all(|(_, chunk)| chunk.len() == CHUNK_PLACES));
                for (size, gathers) in [1, 7, 127, 128, 129, 500].into_iter().zip([true, false].into_iter().cycle()) {
                    let found = chunks(size, count, gathers, term);
                    assert!(found == whole, "{count} places in batches of {size}, gathered: {gathers}");
                }
            }
        }
    }
}

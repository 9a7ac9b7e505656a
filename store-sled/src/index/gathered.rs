//! Places of streams and tags that wait in memory until there are many: while an index is built, so that a page is written
//! once for many parts of the log and not with each.
//!
//! Each part leaves a run: its keys in order, each with what it shares with the one before, and its places as a chunk has
//! them, which take a fraction of what they take in the part.

use std::collections::BinaryHeap;

use super::{
    order::Order,
    pages::{common, malformed},
    places::{newest_first, put_chunk},
};
use crate::{
    log::{
        Place,
        wire::{Cursor, put_bytes, put_varint},
    },
    overlay::Progress,
};

/// The places of some parts, those of the earlier ones first.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// The runs, one behind the other.
    bytes: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// Room for the parts themselves, which are larger than while a store is open.
    pub(super) order: Order,
    /// Up to where the log is covered.
    pub(super) through: Option<Progress>,
}

/// So many bytes of runs are gathered.
const GATHERED_BYTES: usize = if cfg!(test) { 20_000 } else { 32 << 20 };

/// Room for them and one more run mostly, taken at once: what is not used costs nothing, and so large a piece of memory goes
/// back to the system when it is given up, where smaller ones stay with the allocator.
const ROOM_BYTES: usize = GATHERED_BYTES + GATHERED_BYTES / 4;

impl Gathered {
    /// Adds keys in order, each with its places in theirs, as one run.
    pub(super) fn add_run<'a>(&mut self, entries: impl Iterator<Item = (&'a [u8], &'a [Place])>) {
        let (begin, mut chunk) = (self.bytes.len(), Vec::new());
        let mut before: &[u8] = &[];
        for (key, places) in entries {
            if self.bytes.capacity() == 0 {
                self.bytes.reserve(ROOM_BYTES);
            }
            let shared = common(before, key);
            put_varint(&mut self.bytes, shared as u64);
            put_bytes(&mut self.bytes, key.get(shared..).unwrap_or_default());
            chunk.clear();
            put_chunk(&mut chunk, None, places);
            put_bytes(&mut self.bytes, &chunk);
            before = key;
        }
        if self.bytes.len() > begin {
            self.ends.push(self.bytes.len());
        }
    }

    /// Forgets all of it, but not the room it had.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.through = None;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether it is time to write them.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= GATHERED_BYTES
    }

    /// All keys of all runs in order, those of the earlier runs first where they are the same.
    pub(super) fn merged(&self) -> sled::Result<Merged<'_>> {
        let mut sources = BinaryHeap::with_capacity(self.ends.len());
        let mut begin = 0;
        for (run, end) in self.ends.iter().enumerate() {
            let bytes = self.bytes.get(begin..*end).unwrap_or_default();
            begin = *end;
            let mut source = Source { key: Vec::new(), run, chunk: &[], rest: Cursor::new(bytes) };
            if source.take()? {
                sources.push(source);
            }
        }
        Ok(Merged { sources })
    }
}

/// The entries of several runs as one list.
pub(super) struct Merged<'a> {
    sources: BinaryHeap<Source<'a>>,
}

impl Merged<'_> {
    /// Appends the key of the next entry to `keys` and its places to `places`, in their order; false if there is none.
    pub(super) fn take(&mut self, keys: &mut Vec<u8>, places: &mut Vec<Place>) -> sled::Result<bool> {
        let Some(mut first) = self.sources.peek_mut() else { return Ok(false) };
        keys.extend_from_slice(&first.key);
        let start = places.len();
        for place in newest_first(first.chunk) {
            places.push(place?);
        }
        places.get_mut(start..).unwrap_or_default().reverse();
        if !first.take()? {
            std::collections::binary_heap::PeekMut::pop(first);
        }
        Ok(true)
    }
}

/// A run as far as it was not taken yet: its first entry, and what is behind it.
struct Source<'a> {
    key: Vec<u8>,
    run: usize,
    chunk: &'a [u8],
    rest: Cursor<'a>,
}

impl Source<'_> {
    /// Goes to the next entry; false if there is none.
    fn take(&mut self) -> sled::Result<bool> {
        if self.rest.rest() == 0 {
            return Ok(false);
        }
        let mut take = || {
            self.key.truncate(usize::try_from(self.rest.varint()?).ok()?);
            self.key.extend_from_slice(self.rest.bytes()?);
            self.chunk = self.rest.bytes()?;
            Some(true)
        };
        take().ok_or_else(|| malformed("a run of places"))
    }
}

/// The greatest comes out of the heap first: that is the one with the lowest key, of the earliest run.
impl Ord for Source<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.key.cmp(&self.key).then(other.run.cmp(&self.run))
    }
}

impl PartialOrd for Source<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Source<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Source<'_> {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn place(number: u32) -> Place {
        Place { position: number.into(), frame: u64::from(number) * 300, item: 56, length: 200 + number % 9 }
    }

    /// Keys of several runs, some in all of them.
    fn entries(run: u32) -> BTreeMap<Vec<u8>, Vec<Place>> {
        let key = |number: u32| format!("t/{}", number * (run % 3 + 1)).into_bytes();
        let places = |number: u32| (0..number % 4 + 1).map(|index| place(run * 1000 + number * 4 + index)).collect();
        (0..100).map(|number| (key(number), places(number))).collect()
    }

    fn gathered() -> Gathered {
        let mut gathered = Gathered::default();
        for run in 1..8 {
            let entries = entries(run);
            gathered.add_run(entries.iter().map(|(key, places)| (key.as_slice(), places.as_slice())));
        }
        gathered
    }

    #[test]
    fn runs_come_out_as_one_list_in_order() {
        let mut expected: Vec<_> = (1..8).flat_map(entries).collect();
        // Stable: what the earlier runs say of a key comes first.
        expected.sort_by(|one, other| one.0.cmp(&other.0));
        let gathered = gathered();
        let mut merged = gathered.merged().unwrap();
        for expected in expected {
            let (mut key, mut places) = (Vec::new(), Vec::new());
            assert!(merged.take(&mut key, &mut places).unwrap());
            assert!((key, places) == expected);
        }
        assert!(!merged.take(&mut Vec::new(), &mut Vec::new()).unwrap());
    }

    /// P9: runs are bounded, and an empty part leaves none.
    #[test]
    fn it_is_full_before_it_is_large() {
        let mut full = Gathered::default();
        full.add_run(std::iter::empty());
        assert!(full.is_empty() && !full.is_full());
        while !full.is_full() {
            let entries = entries(1);
            full.add_run(entries.iter().map(|(key, places)| (key.as_slice(), places.as_slice())));
            assert!(!full.is_empty() && full.bytes.len() < ROOM_BYTES && full.bytes.capacity() >= ROOM_BYTES);
        }
        full.clear();
        assert!(full.is_empty() && full.merged().unwrap().sources.is_empty());
    }

    #[test]
    fn a_run_that_is_not_what_was_written_is_an_error() {
        let mut gathered = gathered();
        gathered.ends[0] -= 1;
        let merged = gathered.merged();
        let mut merged = merged.unwrap();
        let mut taken = Ok(true);
        while matches!(taken, Ok(true)) {
            taken = merged.take(&mut Vec::new(), &mut Vec::new());
        }
        assert!(taken.is_err());
    }
}

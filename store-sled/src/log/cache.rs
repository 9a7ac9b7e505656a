//! Events that were read lately at known places, so that reading them again costs no call to the system.
//!
//! Nothing in it can be stale: what is published of the log never changes, and no position is ever given twice.

use std::{
    collections::VecDeque,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use annals_core::{Position, Record, Records};
use hashbrown::HashMap;

use super::{Place, doorkeeper::Doorkeeper, headers::Headers};

/// Keeps verified events up to a number of bytes, each by itself or in runs. Which ones go is decided by second chance: the
/// oldest, unless it was asked for since it came or was last spared. Once some had to go, only those come in that were read
/// before.
#[derive(Debug)]
pub(crate) struct EventCache {
    /// Without what doorkeeper and headers take.
    bytes_max: usize,
    kept: RwLock<Kept>,
    /// Whether some had to go.
    is_full: AtomicBool,
    doorkeeper: Doorkeeper,
    /// The headers of the frames of large commits.
    pub(super) headers: Headers,
}

#[derive(Debug, Default)]
struct Kept {
    /// Boxed, so that the slots of a map that has become smaller cost little.
    entries: HashMap<Key, Box<Entry>>,
    /// The keys in the order in which their entries are to go.
    queue: VecDeque<Key>,
    bytes: usize,
}

/// What an entry is found by: its position, or the first one of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Event(Position),
    Run(Position),
}

/// What is kept.
#[derive(Debug)]
pub(super) struct Entry {
    key: Key,
    what: What,
    /// What it costs to keep.
    bytes: usize,
    was_asked_for: AtomicBool,
}

#[derive(Debug)]
enum What {
    /// By itself in memory.
    Event(Place, Record),
    /// What a long read gave out at once: in memory together, so that it costs one look to find and comes from memory in
    /// one piece.
    Run(Box<[Place]>, Records),
}

/// What keeping an entry costs beside its records, at most: its slots in the map and in the queue while they grow, and its
/// box.
const KEEPING_BYTES: usize = 224;

/// What is larger than this part of the cache is not kept: it would take the place of many.
const LARGE_PART: usize = 16;

/// One read may have so large a part of the cache for itself.
const READ_PART: usize = 2;

/// The doorkeeper has a slot for so many bytes of the cache, twice as many as there are events in it, and so have headers.
const DOORKEEPER_PART: usize = 512;
const HEADERS_PART: usize = 8192;

/// So many entries are spared at once before one goes in any case, so that no reader waits for long.
const SPARED_MAX: usize = 64;

impl EventCache {
    /// A cache that keeps up to so many bytes; with 0, nothing.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let (seen, headers) = (bytes_max / DOORKEEPER_PART, bytes_max / HEADERS_PART);
        let bytes_max = bytes_max - Doorkeeper::bytes(seen) - Headers::bytes(headers);
        let (doorkeeper, headers) = (Doorkeeper::new(seen), Headers::new(headers));
        Self { bytes_max, kept: RwLock::default(), is_full: AtomicBool::new(false), doorkeeper, headers }
    }

    /// Whether it keeps anything at all.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes_max > 0
    }

    /// How many bytes one read may have for itself.
    pub(super) fn read_bytes(&self) -> usize {
        self.bytes_max / READ_PART
    }

    /// What is kept of `places`, in their order, each event by itself, and what all of it costs to keep. A place that is not
    /// exactly that of the event finds nothing.
    pub(super) fn find(&self, places: &[Place]) -> (Vec<Option<Record>>, usize) {
        if !self.has_room() {
            return (Vec::new(), 0);
        }
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = 0;
        let find = |place| {
            let (record, cost) = kept.find(place)?;
            bytes += cost;
            Some(record)
        };
        (places.iter().map(find).collect(), bytes)
    }

    /// The run that is at exactly these places, and what it costs to keep.
    pub(super) fn find_run(&self, places: &[Place]) -> Option<(Records, usize)> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.find_run(places)
    }

    /// Whether the event at this position, or the run that begins there, which was read now, is to be kept.
    pub(super) fn lets_in(&self, position: Position) -> bool {
        self.has_room() && (!self.is_full.load(Ordering::Relaxed) || self.doorkeeper.has_seen(position.get()))
    }

    /// Keeps what was read and found whole.
    pub(super) fn keep(&self, mut entries: Vec<Entry>) {
        entries.retain(|entry| entry.bytes <= self.bytes_max / LARGE_PART);
        if entries.is_empty() {
            return;
        }
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            if kept.add(entry, self.bytes_max) {
                self.is_full.store(true, Ordering::Relaxed);
            }
        }
    }
}

impl Entry {
    /// An event whose record is by itself in memory.
    pub(super) fn event(place: Place, record: Record) -> Self {
        let bytes = KEEPING_BYTES + record.detached_bytes();
        let (key, what) = (Key::Event(place.position), What::Event(place, record));
        Self { key, what, bytes, was_asked_for: AtomicBool::new(false) }
    }

    /// The records at `places`, which are in memory together. Of no places, nothing.
    pub(super) fn run(places: &[Place], records: &Records) -> Option<Self> {
        let key = Key::Run(places.first()?.position);
        // Each costs less than it would by itself.
        let records_bytes: usize = records.clone().map(|record| record.detached_bytes()).sum();
        let bytes = KEEPING_BYTES + size_of_val(places) + records_bytes;
        let what = What::Run(places.into(), records.clone());
        Some(Self { key, what, bytes, was_asked_for: AtomicBool::new(false) })
    }

    /// What it costs to keep.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn is_like(&self, other: &Self) -> bool {
        match (&self.what, &other.what) {
            (What::Event(place, _), What::Event(other, _)) => place == other,
            (What::Run(places, _), What::Run(others, _)) => places == others,
            _ => false,
        }
    }

    fn ask(&self) {
        // It is only written when that changes something, so that readers beside each other share it.
        if !self.was_asked_for.load(Ordering::Relaxed) {
            self.was_asked_for.store(true, Ordering::Relaxed);
        }
    }
}

impl Kept {
    fn find(&self, place: &Place) -> Option<(Record, usize)> {
        let entry = self.entries.get(&Key::Event(place.position))?;
        let What::Event(at, record) = &entry.what else { return None };
        (at == place).then(|| {
            entry.ask();
            (record.clone(), entry.bytes)
        })
    }

    fn find_run(&self, places: &[Place]) -> Option<(Records, usize)> {
        let entry = self.entries.get(&Key::Run(places.first()?.position))?;
        let What::Run(at, records) = &entry.what else { return None };
        (**at == *places).then(|| {
            entry.ask();
            (records.clone(), entry.bytes)
        })
    }

    /// Adds an entry; true when others had to go.
    fn add(&mut self, entry: Entry, bytes_max: usize) -> bool {
        let key = entry.key;
        match self.entries.get(&key) {
            Some(there) if there.is_like(&entry) => return false,
            // A run may have become longer with its stream.
            Some(there) => {
                self.bytes -= there.bytes;
                self.entries.remove(&key);
                self.queue.retain(|queued| *queued != key);
            }
            None => {}
        }
        let is_full = self.bytes + entry.bytes > bytes_max;
        while self.bytes + entry.bytes > bytes_max {
            self.remove_one();
        }
        self.bytes += entry.bytes;
        self.queue.push_back(key);
        self.entries.insert(key, Box::new(entry));
        is_full
    }

    fn remove_one(&mut self) {
        for spared in 0.. {
            let Some(key) = self.queue.pop_front() else { return };
            let Some(entry) = self.entries.get(&key) else { return };
            if spared < SPARED_MAX && entry.was_asked_for.swap(false, Ordering::Relaxed) {
                self.queue.push_back(key);
                continue;
            }
            self.bytes -= entry.bytes;
            self.entries.remove(&key);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use annals_core::{
        CommitNumber, EventId, EventType, Metadata, RecordParts, RecordsBuilder, SchemaVersion, Tag, Timestamp, Version,
    };

    use super::*;

    fn place(position: u32) -> Place {
        Place { position: position.into(), frame: u64::from(position) * 400, item: 56, length: 300 }
    }

    fn record(position: u32, payload: usize) -> Record {
        Record::of(RecordParts {
            position: position.into(),
            commit: CommitNumber::from(position),
            stream: &format!("s-{position}").parse().unwrap(),
            version: Version::FIRST,
            id: EventId::new(),
            event_type: &EventType::new("test.happened").unwrap(),
            schema_version: SchemaVersion::FIRST,
            tags: &[Tag::of("number", position).unwrap()],
            metadata: &Metadata::default(),
            recorded: Timestamp::EPOCH,
            occurred: Timestamp::EPOCH,
            payload: &vec![7; payload],
        })
    }

    fn event(position: u32, payload: usize) -> Entry {
        Entry::event(place(position), record(position, payload))
    }

    /// The places from `first` on of a run of so many events, and the run.
    fn run(first: u32, count: u32) -> (Vec<Place>, Entry) {
        let mut records = RecordsBuilder::new();
        for position in first..first + count {
            records.add(record(position, 200).parts());
        }
        let places: Vec<_> = (first..first + count).map(place).collect();
        let run = Entry::run(&places, &records.finish()).unwrap();
        (places, run)
    }

    fn keep(cache: &EventCache, positions: impl Iterator<Item = u32>) {
        positions.for_each(|position| cache.keep(vec![event(position, 200)]));
    }

    fn has(cache: &EventCache, position: u32) -> bool {
        cache
            .find(&[place(position)])
            .0
            .iter()
            .any(|found| found.as_ref().is_some_and(|found| found.position() == position.into()))
    }

    /// P9: whatever is kept, it never has more bytes than allowed, and what it has is counted.
    #[test]
    fn a_cache_stays_within_its_bytes() {
        const BYTES_MAX: usize = 50_000;
        let cache = EventCache::new(BYTES_MAX);
        for position in 1..2000 {
            cache.keep(vec![event(position, (position as usize * 37) % 2500)]);
            if position % 7 == 0 {
                cache.keep(vec![run(position / 11 + 1, position % 3 + 1).1]);
            }
            has(&cache, position / 3);
            let kept = cache.kept.read().unwrap();
            let sum: usize = kept.entries.values().map(|entry| entry.bytes).sum();
            assert!(kept.bytes == sum && kept.bytes <= BYTES_MAX && kept.queue.len() == kept.entries.len());
            for entry in kept.entries.values() {
                let held = |record: &Record| record.payload().len() + record.tags()[0].as_str().len();
                let held = match &entry.what {
                    What::Event(_, record) => held(record),
                    What::Run(places, records) => {
                        records.clone().map(|record| held(&record)).sum::<usize>() + size_of_val(&**places)
                    }
                };
                assert!(entry.bytes >= held + KEEPING_BYTES);
            }
        }
        let kept = cache.kept.read().unwrap();
        assert!(kept.bytes > BYTES_MAX / 2, "{} bytes are kept", kept.bytes);
        assert!(kept.entries.keys().any(|key| matches!(key, Key::Run(_))));
        let slots = kept.entries.capacity() * (size_of::<(Key, Box<Entry>)>() + 1);
        let slots = slots + kept.queue.capacity() * size_of::<Key>() + kept.entries.len() * size_of::<Entry>();
        assert!(slots <= kept.entries.len() * KEEPING_BYTES);
    }

    #[test]
    fn a_cache_of_no_bytes_keeps_nothing() {
        let cache = EventCache::new(0);
        keep(&cache, 1..10);
        assert!((1..10).all(|position| !has(&cache, position)));
    }

    /// What is asked for stays, what is read once goes.
    #[test]
    fn events_that_are_asked_for_outlive_those_that_are_not() {
        let cache = EventCache::new(100_000);
        keep(&cache, 1..20);
        for position in 20..2000 {
            keep(&cache, position..position + 1);
            assert!((1..20).all(|position| has(&cache, position)), "as of {position}");
        }
        assert!(!has(&cache, 1000) && has(&cache, 1999));
    }

    /// Of what is read at random, a full cache takes what is read twice, and nothing else; one that has room takes all.
    #[test]
    fn a_full_cache_lets_in_what_was_read_before() {
        let cache = EventCache::new(100_000);
        assert!((1..100).all(|position| cache.lets_in(position.into())));
        keep(&cache, 1..1000);
        assert!(!cache.lets_in(Position::from(2000)) && cache.lets_in(Position::from(2000)));
        assert!(!cache.lets_in(Position::from(2001)));
    }

    /// An event is found at its own place and at no other.
    #[test]
    fn another_place_finds_nothing() {
        let cache = EventCache::new(100_000);
        keep(&cache, 1..3);
        let right = place(1);
        assert!(cache.find(&[right]).0[0].is_some());
        for wrong in [
            Place { frame: right.frame + 1, ..right },
            Place { item: right.item + 1, ..right },
            Place { length: right.length + 1, ..right },
            Place { position: Position::from(2), ..right },
            Place { position: Position::from(3), ..right },
        ] {
            assert!(cache.find(&[wrong]).0[0].is_none(), "{wrong:?}");
        }
    }

    /// A run is found at exactly its places, whatever events are kept beside it; once it is longer, the longer one is there
    /// alone.
    #[test]
    fn a_run_is_found_as_a_whole_or_not_at_all() {
        let cache = EventCache::new(1_000_000);
        let positions = |places: &[Place]| {
            cache.find_run(places).map(|(run, _)| run.map(|record| record.position().get()).collect())
        };
        let (places, entry) = run(3, 4);
        keep(&cache, 3..5);
        cache.keep(vec![entry]);
        let all: Option<Vec<_>> = positions(&places);
        assert_eq!(all, Some(vec![3, 4, 5, 6]));
        for other in [&places[..3], &places[1..], &[]] {
            assert_eq!(positions(other), None);
        }
        assert!(has(&cache, 3) && has(&cache, 4) && !has(&cache, 5));
        let (longer, entry) = run(3, 5);
        assert_eq!(positions(&longer), None);
        cache.keep(vec![entry]);
        assert_eq!(positions(&longer), Some(vec![3, 4, 5, 6, 7]));
        assert_eq!(positions(&places), None);
        assert_eq!(cache.kept.read().unwrap().entries.len(), 3);
    }
}

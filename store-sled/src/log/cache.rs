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

use annals_core::{Position, Record};
use hashbrown::HashMap;

use super::{Place, doorkeeper::Doorkeeper, headers::Headers};

/// Keeps verified events up to a number of bytes. Which ones go is decided by second chance: the oldest, unless it was
/// asked for since it came or was last spared. Once some had to go, only those come in that were read before.
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
    events: HashMap<Position, Box<Event>>,
    /// The positions in the order in which they are to go.
    queue: VecDeque<Position>,
    bytes: usize,
}

/// An event that is kept.
#[derive(Debug)]
pub(super) struct Event {
    place: Place,
    record: Record,
    was_asked_for: AtomicBool,
}

/// What keeping an event costs beside its record, at most: its slots in the map and in the queue while they grow, and its box.
const KEEPING_BYTES: usize = 208;

/// An event that is larger than this part of the cache is not kept: it would take the place of many.
const LARGE_PART: usize = 16;

/// The doorkeeper has a slot for so many bytes of the cache, twice as many as there are events in it, and so have headers.
const DOORKEEPER_PART: usize = 512;
const HEADERS_PART: usize = 8192;

/// So many events are spared at once before one goes in any case, so that no reader waits for long.
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

    /// What is kept of `places`, in their order. A place that is not exactly that of the event finds nothing.
    pub(super) fn find(&self, places: &[Place]) -> Vec<Option<Record>> {
        if !self.has_room() {
            return Vec::new();
        }
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        places.iter().map(|place| kept.find(place)).collect()
    }

    /// Whether the event at this position, which was read now, is to be kept.
    pub(super) fn lets_in(&self, position: Position) -> bool {
        self.has_room() && (!self.is_full.load(Ordering::Relaxed) || self.doorkeeper.has_seen(position.get()))
    }

    /// Keeps events that were read and found whole.
    pub(super) fn keep(&self, mut events: Vec<Event>) {
        events.retain(|event| event.bytes() <= self.bytes_max / LARGE_PART);
        if events.is_empty() {
            return;
        }
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            if kept.add(event, self.bytes_max) {
                self.is_full.store(true, Ordering::Relaxed);
            }
        }
    }
}

impl Event {
    /// An event whose record is by itself in memory.
    pub(super) fn new(place: Place, record: Record) -> Self {
        Self { place, record, was_asked_for: AtomicBool::new(false) }
    }

    /// What it costs to keep.
    fn bytes(&self) -> usize {
        KEEPING_BYTES + self.record.detached_bytes()
    }
}

impl Kept {
    fn find(&self, place: &Place) -> Option<Record> {
        let event = self.events.get(&place.position).filter(|event| event.place == *place)?;
        // It is only written when that changes something, so that readers beside each other share it.
        if !event.was_asked_for.load(Ordering::Relaxed) {
            event.was_asked_for.store(true, Ordering::Relaxed);
        }
        Some(event.record.clone())
    }

    /// Adds an event; true when others had to go.
    fn add(&mut self, event: Event, bytes_max: usize) -> bool {
        let position = event.place.position;
        if self.events.contains_key(&position) {
            return false;
        }
        let bytes = event.bytes();
        let is_full = self.bytes + bytes > bytes_max;
        while self.bytes + bytes > bytes_max {
            self.remove_one();
        }
        self.bytes += bytes;
        self.queue.push_back(position);
        self.events.insert(position, Box::new(event));
        is_full
    }

    fn remove_one(&mut self) {
        for spared in 0.. {
            let Some(position) = self.queue.pop_front() else { return };
            let Some(event) = self.events.get(&position) else { return };
            if spared < SPARED_MAX && event.was_asked_for.swap(false, Ordering::Relaxed) {
                self.queue.push_back(position);
                continue;
            }
            self.bytes -= event.bytes();
            self.events.remove(&position);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use annals_core::{
        CommitNumber, EventId, EventType, Metadata, RecordParts, SchemaVersion, Tag, Timestamp, Version,
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

    fn event(position: u32, payload: usize) -> Event {
        Event::new(place(position), record(position, payload))
    }

    fn keep(cache: &EventCache, positions: impl Iterator<Item = u32>) {
        positions.for_each(|position| cache.keep(vec![event(position, 200)]));
    }

    fn has(cache: &EventCache, position: u32) -> bool {
        cache
            .find(&[place(position)])
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
            has(&cache, position / 3);
            let kept = cache.kept.read().unwrap();
            let sum: usize = kept.events.values().map(|event| event.bytes()).sum();
            let held = |event: &Event| event.record.payload().len() + event.record.tags()[0].as_str().len();
            assert!(kept.bytes == sum && kept.bytes <= BYTES_MAX && kept.queue.len() == kept.events.len());
            assert!(kept.events.values().all(|event| event.bytes() >= held(event) + KEEPING_BYTES));
        }
        let kept = cache.kept.read().unwrap();
        assert!(kept.bytes > BYTES_MAX / 2, "{} bytes are kept", kept.bytes);
        let slots = kept.events.capacity() * (size_of::<(Position, Box<Event>)>() + 1);
        let slots = slots + kept.queue.capacity() * size_of::<Position>();
        assert!(slots <= kept.events.len() * KEEPING_BYTES);
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
        assert!(cache.find(&[right])[0].is_some());
        for wrong in [
            Place { frame: right.frame + 1, ..right },
            Place { item: right.item + 1, ..right },
            Place { length: right.length + 1, ..right },
            Place { position: Position::from(2), ..right },
            Place { position: Position::from(3), ..right },
        ] {
            assert!(cache.find(&[wrong])[0].is_none(), "{wrong:?}");
        }
    }
}

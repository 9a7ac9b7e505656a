//! The tail of the log that is not in the index yet: served from memory, and the indexer's queue.

mod listing;
pub(crate) mod once;
pub(crate) mod places;
pub(crate) mod rows;
pub(crate) mod terms;

use std::sync::Arc;

use annals_core::{Direction, EventQuery, NewEvent, Position, StreamId, Tag, Version, judge::in_order};
use smol_str::SmolStr;

use self::{listing::Listing, once::OnceKeys, places::Places, rows::Rows, terms::Terms};
use crate::{
    index::{
        keys,
        kinds::{Kinds, LastMatch},
    },
    log::{Place, event_head::EventHead, frame::Standing, item::ItemError},
};

/// What the index has taken in: where the log then stood, and the frame that was last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    pub(crate) standing: Standing,
    pub(crate) frame: u64,
}

impl Progress {
    pub(crate) const START: Self = Self { standing: Standing::START, frame: 0 };
}

/// Index entries of consecutive commits, and the derived rows of the batches between them.
#[derive(Debug)]
pub(crate) struct Part {
    /// The places of each stream's events, and the version of the first.
    pub(crate) streams: Terms<StreamId, (Version, Places)>,
    /// The places of each tag's events, under the tag's term.
    pub(crate) tags: Terms<SmolStr, Places>,
    /// The last position of each kind of events.
    pub(crate) kinds: Kinds,
    listing: Listing,
    /// Room in which a tag's term is put together.
    term: String,
    pub(crate) rows: Rows,
    /// The idempotency keys that were used or forgotten.
    pub(crate) once: OnceKeys,
    /// Counts every change of the overlay, a group of commits or a batch, through all parts.
    pub(crate) tick: u64,
    /// Up to where the log is covered by this part and those before it.
    pub(crate) through: Progress,
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
}

impl Part {
    pub(crate) fn new(through: Progress) -> Self {
        Self {
            streams: Terms::default(),
            tags: Terms::default(),
            kinds: Kinds::default(),
            listing: Listing::default(),
            term: String::new(),
            rows: Rows::default(),
            once: OnceKeys::default(),
            tick: 0,
            through,
            entries: 0,
            bytes: 0,
        }
    }

    /// An empty part that goes on where this one ends, with room for as much: growing is work under a lock. It takes the
    /// room of `spare`, which is empty.
    pub(crate) fn following(&self, spare: Option<Self>) -> Self {
        let mut next = spare.unwrap_or_else(|| Self::new(self.through));
        next.streams.reserve(self.streams.len());
        next.tags.reserve(self.tags.len());
        next.once.reserve(self.once.len());
        Self { tick: self.tick, through: self.through, ..next }
    }

    /// Without what it holds, but with room for as much.
    pub(crate) fn emptied(self) -> Self {
        let Self { mut streams, mut tags, mut once, through, .. } = self;
        streams.clear();
        tags.clear();
        once.clear();
        Self { streams, tags, once, ..Self::new(through) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Adds events of one stream that follow one another, the first with `version`, each with its place.
    pub(crate) fn add_events(&mut self, events: &[NewEvent], version: Version, places: &[Place]) {
        let (Some(NewEvent { stream, .. }), Some(first)) = (events.first(), places.first()) else { return };
        let mut rest = events.iter().zip(places).peekable();
        while let Some((event, place)) = rest.next() {
            self.add_tags(stream.as_str(), in_order(&event.tags).iter().map(Tag::as_str), *place);
            // Only the last of a kind counts.
            if rest.peek().is_none_or(|(next, _)| next.event_type != event.event_type) {
                self.kinds.add(stream.as_str(), event.event_type.as_str(), place.position);
            }
        }
        match self.streams.get_mut(stream) {
            Some((_, known)) => known.extend(places),
            None => {
                if version == Version::FIRST {
                    self.listing.add(stream, first.position);
                }
                self.streams.add(stream.clone(), (version, Places::of(*first, places)));
            }
        }
        self.entries += events.len();
    }

    /// Adds an event as its item has it.
    pub(crate) fn add_head(&mut self, event: &EventHead<'_>, place: Place) -> Result<(), ItemError> {
        self.kinds.add(event.stream, event.event_type, place.position);
        self.add_tags(event.stream, event.tags(), place);
        match self.streams.get_mut(event.stream) {
            Some((_, places)) => places.push(place),
            None => {
                let stream = event.stream_id()?;
                if event.version == Version::FIRST {
                    self.listing.add(&stream, place.position);
                }
                self.streams.add(stream, (event.version, Places::One(place)));
            }
        }
        self.entries += 1;
        Ok(())
    }

    fn add_tags<'a>(&mut self, stream: &str, tags: impl Iterator<Item = &'a str>, place: Place) {
        let tenant = stream.split_once('/').map(|(tenant, _)| tenant);
        for tag in tags {
            keys::put_tag(&mut self.term, tenant, tag);
            match self.tags.get_mut(self.term.as_str()) {
                Some(places) => places.push(place),
                None => self.tags.add(SmolStr::new(&self.term), Places::One(place)),
            }
            self.entries += 1;
        }
    }

    pub(crate) fn covers(&mut self, through: Progress) {
        self.through = through;
        self.tick += 1;
        // A commit without events or rows counts too, or it would never be indexed.
        self.entries = self.entries.max(1);
    }

    fn version(&self, stream: &StreamId) -> Option<Version> {
        let (first, places) = self.streams.get(stream)?;
        first.checked_add(places.len() as u64).map(Version::previous)
    }
}

/// The unindexed tail: the part that the indexer is writing, and the one that grows.
#[derive(Debug)]
pub(crate) struct Overlay {
    pub(crate) frozen: Option<Arc<Part>>,
    pub(crate) active: Part,
}

impl Overlay {
    pub(crate) fn new(active: Part) -> Self {
        Self { frozen: None, active }
    }

    /// The parts, the newer first: what the newer says of a row holds.
    fn parts(&self) -> impl Iterator<Item = &Part> {
        std::iter::once(&self.active).chain(self.frozen.as_deref())
    }

    pub(crate) fn version(&self, stream: &StreamId) -> Option<Version> {
        self.parts().find_map(|part| part.version(stream))
    }

    /// Where the last record of the tail is that matches `query`, going by its kinds alone.
    pub(crate) fn last_match(&self, query: &EventQuery) -> Option<LastMatch> {
        let found: Option<Vec<_>> = self.parts().map(|part| part.kinds.last_match(query)).collect();
        found?.into_iter().reduce(LastMatch::or)
    }

    /// The places of `stream` from `version` on in the part that holds that version, or those up to it backward.
    pub(crate) fn stream_places(
        &self,
        stream: &StreamId,
        version: Version,
        direction: Direction,
    ) -> Option<Vec<Place>> {
        self.parts().find_map(|part| {
            let (first, places) = part.streams.get(stream)?;
            let places = places.as_slice();
            let index = usize::try_from(version.get().checked_sub(first.get())?).ok()?;
            places.get(index)?;
            Some(match direction {
                Direction::Forward => places.get(index..)?.iter().take(PLACES_MAX).copied().collect(),
                Direction::Backward => places.get(..=index)?.iter().rev().take(PLACES_MAX).copied().collect(),
            })
        })
    }

    /// The places of a stream's events behind `after`, in the order of the log.
    pub(crate) fn stream_places_after(&self, stream: &StreamId, after: Position) -> Vec<Place> {
        let places = self.parts().filter_map(|part| part.streams.get(stream).map(|(_, places)| places));
        places_after(places, after)
    }

    /// The places of a tag's events behind `after`, in the order of the log.
    pub(crate) fn tag_places_after(&self, term: &str, after: Position) -> Vec<Place> {
        places_after(self.parts().filter_map(|part| part.tags.get(term)), after)
    }
}

/// What is behind `after` of the places of parts, which come the newest first.
fn places_after<'a>(parts: impl Iterator<Item = &'a Places>, after: Position) -> Vec<Place> {
    let behind = parts.map(|places| {
        let places = places.as_slice();
        places.get(places.partition_point(|place| place.position <= after)..).unwrap_or_default()
    });
    let mut parts: Vec<_> = behind.collect();
    parts.reverse();
    parts.concat()
}

/// The most places that one look-up gives out.
pub(crate) const PLACES_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use std::ops::Bound;

    use annals_core::LoggedTable;
    use bytes::Bytes;

    use super::*;
    use crate::index::{keys::OnceRow, once::OnceKey};

    fn part(streams: u32) -> Part {
        let mut part = Part::new(Progress::START);
        for number in 1..=streams {
            add(&mut part, number, Version::FIRST);
        }
        part.add_once(OnceKey::from(OnceRow::from_elem(7, 20)), Some(80));
        part.covers(Progress { frame: 80, ..Progress::START });
        part
    }

    fn add(part: &mut Part, number: u32, version: Version) {
        let mut event =
            NewEvent::new(format!("s-{number}").parse().unwrap(), "test.happened".parse().unwrap(), Bytes::new());
        event.tags.push(Tag::of("number", number % 3).unwrap());
        part.add_events(&[event], version, &[Place { position: number.into(), frame: 80, item: 56, length: 9 }]);
    }

    /// A part that takes the room of another has nothing of what that held, and goes on where the one before it ends.
    #[test]
    fn parts_that_take_turns_hold_nothing_of_each_other() {
        let (before, spare) = (part(40), part(30));
        let next = before.following(Some(spare.emptied()));
        assert!(next.is_empty() && next.bytes == 0 && next.kinds.last_match(&EventQuery::all()).is_some());
        assert_eq!((next.streams.len(), next.tags.len(), next.once.len()), (0, 0, 0));
        assert_eq!((next.tick, next.through.frame), (before.tick, 80));
        let overlay = Overlay::new(next);
        assert_eq!(overlay.version(&"s-1".parse().unwrap()), None);
        assert!(overlay.tag_places_after("/number:1", Position::ZERO).is_empty());
    }

    /// What comes behind a listing is in the next one.
    #[test]
    fn streams_are_listed_as_they_come() {
        let mut overlay = Overlay::new(part(5));
        let table = LoggedTable::STREAMS;
        let listed = |overlay: &Overlay| {
            let all = (Bound::Unbounded, Bound::Unbounded);
            let rows = overlay.listed(&table, &all, Direction::Forward, 100);
            rows.map(|(row, _)| String::from_utf8(row.to_vec()).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(listed(&overlay), ["s-1", "s-2", "s-3", "s-4", "s-5"]);
        add(&mut overlay.active, 11, Version::FIRST);
        add(&mut overlay.active, 12, Version::FIRST.checked_add(1).unwrap());
        assert_eq!(listed(&overlay), ["s-1", "s-11", "s-2", "s-3", "s-4", "s-5"]);
    }
}

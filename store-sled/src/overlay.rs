//! The tail of the log that is not in the index yet: served from memory, and the indexer's queue.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use annals_core::{Direction, LoggedTable, RowWrite, StreamId, Tag, Version};
use bytes::Bytes;
use hashbrown::HashMap;

use crate::{
    index::keys,
    log::{Place, frame::Standing},
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

/// Index entries of consecutive commits.
#[derive(Debug)]
pub(crate) struct Part {
    /// The places of each stream's events, and the version of the first.
    pub(crate) streams: HashMap<StreamId, (Version, Vec<Place>)>,
    /// The places of each tag's events, under the tag's term.
    pub(crate) tags: HashMap<Bytes, Vec<Place>>,
    /// The latest value of each row that changed; `None` where it was deleted.
    pub(crate) rows: HashMap<LoggedTable, BTreeMap<Bytes, Option<Bytes>>>,
    /// Up to where the log is covered by this part and those before it.
    pub(crate) through: Progress,
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
}

impl Part {
    pub(crate) fn new(through: Progress) -> Self {
        Self { streams: HashMap::new(), tags: HashMap::new(), rows: HashMap::new(), through, entries: 0, bytes: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    pub(crate) fn add_event(&mut self, stream: &StreamId, version: Version, tags: &[Tag], place: Place) {
        match self.streams.get_mut(stream) {
            Some((_, places)) => places.push(place),
            None => drop(self.streams.insert(stream.clone(), (version, vec![place]))),
        }
        for tag in tags {
            self.tags.entry(keys::tag_term(stream.tenant(), tag)).or_default().push(place);
            self.entries += 1;
        }
        self.entries += 1;
    }

    pub(crate) fn add_row(&mut self, row: RowWrite) {
        self.bytes += row.key.len() + row.value.as_ref().map_or(0, Bytes::len);
        self.rows.entry(row.table).or_default().insert(row.key, row.value);
        self.entries += 1;
    }

    pub(crate) fn covers(&mut self, through: Progress) {
        self.through = through;
        // A commit without events or rows counts too, or it would never be indexed.
        self.entries += 1;
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

    /// The row, if it changed in the tail; inside, `None` where it was deleted.
    pub(crate) fn row(&self, table: &LoggedTable, key: &[u8]) -> Option<Option<Bytes>> {
        self.parts().find_map(|part| part.rows.get(table)?.get(key).cloned())
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
            let index = usize::try_from(version.get().checked_sub(first.get())?).ok()?;
            places.get(index)?;
            Some(match direction {
                Direction::Forward => places.get(index..)?.iter().take(PLACES_MAX).copied().collect(),
                Direction::Backward => places.get(..=index)?.iter().rev().take(PLACES_MAX).copied().collect(),
            })
        })
    }

    /// The places of a stream's events, in the order of the log.
    pub(crate) fn all_stream_places(&self, stream: &StreamId) -> Vec<Place> {
        let frozen = self.frozen.as_deref().and_then(|part| part.streams.get(stream));
        let active = self.active.streams.get(stream);
        frozen.into_iter().chain(active).flat_map(|(_, places)| places).copied().collect()
    }

    /// The places of a tag's events, in the order of the log.
    pub(crate) fn tag_places(&self, term: &[u8]) -> Vec<Place> {
        let frozen = self.frozen.as_deref().and_then(|part| part.tags.get(term));
        let active = self.active.tags.get(term);
        frozen.into_iter().chain(active).flatten().copied().collect()
    }

    /// Up to `limit` changed rows of `table` in the range, in the order of `direction`.
    pub(crate) fn rows(
        &self,
        table: &LoggedTable,
        range: &(Bound<Bytes>, Bound<Bytes>),
        direction: Direction,
        limit: usize,
    ) -> Vec<(Bytes, Option<Bytes>)> {
        let mut merged: BTreeMap<Bytes, Option<Bytes>> = BTreeMap::new();
        // The newer part is inserted last, so that it overrides.
        for part in [self.frozen.as_deref(), Some(&self.active)].into_iter().flatten() {
            let rows = part.rows.get(table).into_iter().flat_map(|rows| rows.range(range.clone()));
            merged.extend(take(rows, direction, limit));
        }
        match direction {
            Direction::Forward => merged.into_iter().take(limit).collect(),
            Direction::Backward => merged.into_iter().rev().take(limit).collect(),
        }
    }
}

/// The most places that one look-up gives out.
pub(crate) const PLACES_MAX: usize = 512;

type Row<'a> = (&'a Bytes, &'a Option<Bytes>);

fn take<'a>(
    rows: impl DoubleEndedIterator<Item = Row<'a>>,
    direction: Direction,
    limit: usize,
) -> Vec<(Bytes, Option<Bytes>)> {
    let copy = |(key, value): Row<'_>| (key.clone(), value.clone());
    match direction {
        Direction::Forward => rows.take(limit).map(copy).collect(),
        Direction::Backward => rows.rev().take(limit).map(copy).collect(),
    }
}

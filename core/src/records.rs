//! Records that were stored or read together, and are in memory together.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use smallvec::SmallVec;

use crate::{
    CommitNumber, EventId, EventType, Metadata, Position, Record, RecordParts, SchemaVersion, StreamId, Tag, Timestamp,
    Version,
};

/// Records that are in memory together, in the order in which they were added: they are moved and freed together, and what
/// they have in common is there once.
///
/// Handed out one by one, each keeps all of them in memory.
#[derive(Debug, Clone, Default)]
pub struct Records {
    page: Arc<Page>,
    /// Those that were not handed out yet.
    left: Range<u32>,
}

/// Puts [`Records`] together.
#[derive(Debug, Default)]
pub struct RecordsBuilder {
    page: Page,
    payloads: Vec<u8>,
}

/// What records hold that are in memory together. One that is alone takes no memory but the page and its payload.
///
/// Invariant: what a head refers to is there.
#[derive(Debug, Default)]
pub(crate) struct Page {
    heads: SmallVec<[Head; 1]>,
    commits: SmallVec<[(CommitNumber, Timestamp); 1]>,
    types: SmallVec<[EventType; 1]>,
    metadata: Vec<Metadata>,
    tags: Vec<Tag>,
    payloads: Bytes,
}

/// What a record has to itself, and where the page has the rest.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) position: Position,
    pub(crate) version: Version,
    pub(crate) id: EventId,
    pub(crate) stream: StreamId,
    pub(crate) occurred: Timestamp,
    pub(crate) schema_version: SchemaVersion,
    commit: u32,
    event_type: u32,
    /// [`NO_METADATA`] where nothing is set.
    metadata: u32,
    tags: Range<u32>,
    payload: Range<usize>,
}

const NO_METADATA: u32 = u32::MAX;

/// The metadata of records that have none.
static EMPTY: Metadata = Metadata::EMPTY;

impl RecordsBuilder {
    /// Without records.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes room for so many more records, with so many more bytes of payload in all.
    pub fn reserve(&mut self, records: usize, payload_bytes: usize) {
        self.page.heads.reserve(records);
        self.payloads.reserve(payload_bytes);
    }

    /// Adds the record that consists of `parts`.
    pub fn add(&mut self, parts: RecordParts<'_>) {
        let from = self.payloads.len();
        self.payloads.extend_from_slice(parts.payload);
        self.page.add(parts, from..self.payloads.len());
    }

    /// How many were added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.page.heads.len()
    }

    /// Whether none was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.page.heads.is_empty()
    }

    /// How many bytes of payload they have in all.
    #[must_use]
    pub fn payload_bytes(&self) -> usize {
        self.payloads.len()
    }

    /// Those that were added.
    #[must_use]
    pub fn finish(self) -> Records {
        let page = Page { payloads: self.payloads.into(), ..self.page };
        let left = 0..short(page.heads.len());
        Records { page: Arc::new(page), left }
    }
}

impl Records {
    /// Keeps the first `count`, of those that were not handed out yet.
    pub fn truncate(&mut self, count: usize) {
        self.left.end = self.left.end.min(self.left.start.saturating_add(short(count)));
    }
}

impl Iterator for Records {
    type Item = Record;

    #[inline]
    fn next(&mut self) -> Option<Record> {
        self.left.next().map(|number| Record::in_page(&self.page, number))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl DoubleEndedIterator for Records {
    fn next_back(&mut self) -> Option<Record> {
        self.left.next_back().map(|number| Record::in_page(&self.page, number))
    }
}

impl ExactSizeIterator for Records {}

impl Page {
    pub(crate) fn of(parts: RecordParts<'_>) -> Self {
        let payloads = Bytes::copy_from_slice(parts.payload);
        let mut page = Self { payloads, ..Self::default() };
        page.add(parts, 0..parts.payload.len());
        page
    }

    fn add(&mut self, parts: RecordParts<'_>, payload: Range<usize>) {
        let tags = short(self.tags.len());
        self.tags.extend_from_slice(parts.tags);
        let head = Head {
            position: parts.position,
            version: parts.version,
            id: parts.id,
            stream: parts.stream.clone(),
            occurred: parts.occurred,
            schema_version: parts.schema_version,
            commit: self.number_of_commit((parts.commit, parts.recorded)),
            event_type: self.number_of_type(parts.event_type),
            metadata: self.number_of_metadata(parts.metadata),
            tags: tags..short(self.tags.len()),
            payload,
        };
        self.heads.push(head);
    }

    /// Records of one commit come one behind the other.
    fn number_of_commit(&mut self, commit: (CommitNumber, Timestamp)) -> u32 {
        if self.commits.last() != Some(&commit) {
            self.commits.push(commit);
        }
        short(self.commits.len() - 1)
    }

    /// There are few, and often it is that of the record before.
    fn number_of_type(&mut self, event_type: &EventType) -> u32 {
        let last = self.heads.last().map_or(0, |head| head.event_type);
        if self.types.get(last as usize) == Some(event_type) {
            return last;
        }
        let known = self.types.iter().position(|known| known == event_type);
        short(known.unwrap_or_else(|| {
            self.types.push(event_type.clone());
            self.types.len() - 1
        }))
    }

    /// What one command decides has the same metadata.
    fn number_of_metadata(&mut self, metadata: &Metadata) -> u32 {
        if metadata.is_empty() {
            return NO_METADATA;
        }
        if self.metadata.last() != Some(metadata) {
            self.metadata.push(metadata.clone());
        }
        short(self.metadata.len() - 1)
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "records are made of heads that are there")]
    pub(crate) fn head(&self, number: u32) -> &Head {
        &self.heads[number as usize]
    }

    #[expect(clippy::indexing_slicing, reason = "what a head refers to is there")]
    pub(crate) fn commit(&self, number: u32) -> (CommitNumber, Timestamp) {
        self.commits[self.head(number).commit as usize]
    }

    #[expect(clippy::indexing_slicing, reason = "what a head refers to is there")]
    pub(crate) fn event_type(&self, number: u32) -> &EventType {
        &self.types[self.head(number).event_type as usize]
    }

    pub(crate) fn metadata(&self, number: u32) -> &Metadata {
        self.metadata.get(self.head(number).metadata as usize).unwrap_or(&EMPTY)
    }

    pub(crate) fn tags(&self, number: u32) -> &[Tag] {
        let Range { start, end } = self.head(number).tags;
        self.tags.get(start as usize..end as usize).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn payload(&self, number: u32) -> &[u8] {
        self.payloads.get(self.head(number).payload.clone()).unwrap_or_default()
    }

    /// What a page takes in memory that has this record alone, at most.
    pub(crate) fn bytes_of_one(&self, number: u32) -> usize {
        /// What a piece of memory costs beside its bytes.
        const EACH: usize = 64;
        /// Shorter ids, types and tags stand inside.
        const INSIDE: usize = 23;
        let text = |text: &str| if text.len() > INSIDE { text.len() + EACH } else { 0 };
        let own = |text: &str| text.len() + EACH;
        let tags = self.tags(number).iter().map(|tag| EACH + text(tag.as_str())).sum::<usize>();
        let metadata = match self.metadata(number) {
            none if none.is_empty() => 0,
            Metadata { actor, traceparent, extra, .. } => {
                let actor = actor.as_ref().map_or(0, |actor| own(actor.as_str()));
                let traceparent = traceparent.as_ref().map_or(0, |traceparent| own(traceparent.as_str()));
                let extra = extra.iter().map(|(key, value)| own(key) + own(value) + EACH);
                size_of::<Metadata>() + EACH + actor + traceparent + extra.sum::<usize>()
            }
        };
        let texts = text(self.head(number).stream.as_str()) + text(self.event_type(number).as_str());
        size_of::<Self>() + 2 * EACH + self.payload(number).len() + texts + tags + metadata
    }

    pub(crate) fn payload_bytes(&self, number: u32) -> Bytes {
        self.payloads.slice(self.head(number).payload.clone())
    }
}

/// So much of anything is not in memory together: a head alone takes a hundred bytes.
fn short(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Given {
        stream: StreamId,
        event_type: EventType,
        tags: Vec<Tag>,
        metadata: Metadata,
        payload: String,
        commit: u32,
    }

    fn given() -> Vec<Given> {
        let actor = |name: &str| Metadata { actor: Some(crate::Actor::new(name).unwrap()), ..Metadata::default() };
        (0..50_u32)
            .map(|number| Given {
                stream: format!("s-{}", number % 7).parse().unwrap(),
                event_type: EventType::new(format!("test.kind-{}", number * number % 5)).unwrap(),
                tags: (0..number % 3).map(|tag| Tag::of("tag", tag).unwrap()).collect(),
                metadata: if number % 4 == 0 { Metadata::default() } else { actor(&format!("a{}", number / 6)) },
                payload: "x".repeat(number as usize % 9),
                commit: 1 + number / 4,
            })
            .collect()
    }

    fn parts(given: &Given, number: u32) -> RecordParts<'_> {
        RecordParts {
            position: Position::from(number + 1),
            commit: CommitNumber::from(given.commit),
            stream: &given.stream,
            version: Version::from(number + 7),
            id: EventId::from(uuid::Uuid::from_u128(number.into())),
            event_type: &given.event_type,
            schema_version: SchemaVersion::new(number + 1).unwrap(),
            tags: &given.tags,
            metadata: &given.metadata,
            recorded: Timestamp::from_micros(given.commit.into()).unwrap(),
            occurred: Timestamp::from_micros(number.into()).unwrap(),
            payload: given.payload.as_bytes(),
        }
    }

    #[test]
    fn records_have_what_was_given_together_and_alone() {
        let given = given();
        let mut builder = RecordsBuilder::new();
        builder.reserve(10, 10);
        for (given, number) in given.iter().zip(0..) {
            builder.add(parts(given, number));
        }
        assert_eq!(builder.payload_bytes(), given.iter().map(|given| given.payload.len()).sum::<usize>());
        let records: Vec<_> = builder.finish().collect();
        assert_eq!(records.len(), given.len());
        for ((record, given), number) in records.iter().zip(&given).zip(0..) {
            assert_eq!(record.parts(), parts(given, number));
            assert_eq!((record.detached(), &*record.payload_bytes()), (record.clone(), record.payload()));
            assert_eq!(Record::of(parts(given, number)), *record);
        }
        assert!(records[1] != records[2] && size_of::<Record>() == 16);
    }

    #[test]
    fn what_is_common_is_there_once() {
        let given = given();
        let mut builder = RecordsBuilder::new();
        given.iter().zip(0..).for_each(|(given, number)| builder.add(parts(given, number)));
        let page = builder.finish().page;
        assert_eq!((page.types.len(), page.commits.len()), (3, 13));
        assert!(page.metadata.len() < 20, "{} of 50", page.metadata.len());
    }

    #[test]
    fn records_come_from_both_ends_and_as_many_as_are_wanted() {
        let given = given();
        let mut builder = RecordsBuilder::new();
        given.iter().zip(0..).for_each(|(given, number)| builder.add(parts(given, number)));
        let mut records = builder.finish();
        let position = |record: Option<Record>| record.map_or(0, |record| record.position().get());
        assert_eq!((position(records.next()), position(records.next_back()), records.len()), (1, 50, 48));
        records.truncate(2);
        assert_eq!(records.map(|record| record.position().get()).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(Records::default().next(), None);
    }
}

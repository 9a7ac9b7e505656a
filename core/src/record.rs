//! Events as they come out of the store.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use crate::{
    CommitNumber, EventId, EventType, Metadata, NewEvent, Position, SchemaVersion, StreamId, Tag, Timestamp, Version,
    records::Page,
};

/// An event as stored. It never changes.
///
/// It is small, and a clone costs a count: what it holds is shared with the records that were [read](crate::Records) with it, and is
/// in memory for as long as one of them is. Who keeps a few of many keeps them [`detached`](Self::detached).
///
/// ```
/// use annals_core::{EventType, NewEvent, Record, RecordParts};
/// # use annals_core::{CommitNumber, EventId, Metadata, Position, SchemaVersion, Timestamp, Version};
/// # let (stream, event_type) = ("account-1".parse()?, EventType::new("account.opened")?);
/// # let event = NewEvent::new(stream, event_type, "{}");
/// # let (tags, metadata) = ([], Metadata::default());
/// # let parts = RecordParts {
/// #     position: Position::FIRST, commit: CommitNumber::FIRST, stream: &event.stream, version: Version::FIRST, id: event.id,
/// #     event_type: &event.event_type, schema_version: SchemaVersion::FIRST, tags: &tags, metadata: &metadata,
/// #     recorded: Timestamp::EPOCH, occurred: Timestamp::EPOCH, payload: b"{}",
/// # };
/// let record = Record::of(parts);
/// assert_eq!((record.stream().key(), record.version()), ("1", Version::FIRST));
///
/// // The same but for its payload, in a test say.
/// let other = Record::of(RecordParts { payload: b"", ..record.parts() });
/// assert_ne!(other, record);
/// # Ok::<(), annals_core::InvalidText>(())
/// ```
#[derive(Clone)]
pub struct Record {
    page: Arc<Page>,
    /// Which of the page's records it is.
    number: u32,
}

/// What a [`Record`] consists of, borrowed: to make one, or to look at all of it at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecordParts<'a> {
    /// [`Record::position`].
    pub position: Position,
    /// [`Record::commit`].
    pub commit: CommitNumber,
    /// [`Record::stream`].
    pub stream: &'a StreamId,
    /// [`Record::version`].
    pub version: Version,
    /// [`Record::id`].
    pub id: EventId,
    /// [`Record::event_type`].
    pub event_type: &'a EventType,
    /// [`Record::schema_version`].
    pub schema_version: SchemaVersion,
    /// [`Record::tags`].
    pub tags: &'a [Tag],
    /// [`Record::metadata`].
    pub metadata: &'a Metadata,
    /// [`Record::recorded`].
    pub recorded: Timestamp,
    /// [`Record::occurred`].
    pub occurred: Timestamp,
    /// [`Record::payload`].
    pub payload: &'a [u8],
}

impl Record {
    /// The record that consists of `parts`, by itself in memory. For stores and tests: records come from a store, and are made
    /// [several at once](crate::RecordsBuilder) where they are read together.
    #[must_use]
    pub fn of(parts: RecordParts<'_>) -> Self {
        Self { page: Arc::new(Page::of(parts)), number: 0 }
    }

    pub(crate) fn in_page(page: &Arc<Page>, number: u32) -> Self {
        Self { page: Arc::clone(page), number }
    }

    /// Its place in the log.
    #[must_use]
    pub fn position(&self) -> Position {
        self.page.head(self.number).position
    }

    /// The commit that wrote it.
    #[must_use]
    pub fn commit(&self) -> CommitNumber {
        self.page.commit(self.number).0
    }

    /// The stream it belongs to.
    #[must_use]
    pub fn stream(&self) -> &StreamId {
        &self.page.head(self.number).stream
    }

    /// Its place in the stream.
    #[must_use]
    pub fn version(&self) -> Version {
        self.page.head(self.number).version
    }

    /// Its id, as given.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.page.head(self.number).id
    }

    /// Its stored name.
    #[must_use]
    pub fn event_type(&self) -> &EventType {
        self.page.event_type(self.number)
    }

    /// The version of its payload's shape.
    #[must_use]
    pub fn schema_version(&self) -> SchemaVersion {
        self.page.head(self.number).schema_version
    }

    /// Its tags, in ascending order, each once.
    #[must_use]
    pub fn tags(&self) -> &[Tag] {
        self.page.tags(self.number)
    }

    /// Who and what caused it.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        self.page.metadata(self.number)
    }

    /// When the store's committer took it. Never decreases along the log, whatever the clock does.
    #[must_use]
    pub fn recorded(&self) -> Timestamp {
        self.page.commit(self.number).1
    }

    /// When it happened in the world: as given, else the recorded time.
    #[must_use]
    pub fn occurred(&self) -> Timestamp {
        self.page.head(self.number).occurred
    }

    /// Its content, byte for byte as given.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.page.payload(self.number)
    }

    /// The same, to be kept: not copied, and in memory with what the record is in memory with.
    #[must_use]
    pub fn payload_bytes(&self) -> Bytes {
        self.page.payload_bytes(self.number)
    }

    /// Everything that it consists of.
    #[must_use]
    pub fn parts(&self) -> RecordParts<'_> {
        RecordParts {
            position: self.position(),
            commit: self.commit(),
            stream: self.stream(),
            version: self.version(),
            id: self.id(),
            event_type: self.event_type(),
            schema_version: self.schema_version(),
            tags: self.tags(),
            metadata: self.metadata(),
            recorded: self.recorded(),
            occurred: self.occurred(),
            payload: self.payload(),
        }
    }

    /// The same record by itself: it keeps none in memory that was read with it.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self::of(self.parts())
    }

    /// How many bytes of memory it takes by itself, at most: see [`detached`](Self::detached).
    #[must_use]
    pub fn detached_bytes(&self) -> usize {
        self.page.bytes_of_one(self.number)
    }

    /// The event that would be stored as this record: the same content, id, tags, metadata and occurred time, without
    /// what the store assigns.
    #[must_use]
    pub fn to_event(&self) -> NewEvent {
        NewEvent {
            stream: self.stream().clone(),
            event_type: self.event_type().clone(),
            schema_version: self.schema_version(),
            id: self.id(),
            tags: self.tags().to_vec(),
            metadata: self.metadata().clone(),
            occurred: Some(self.occurred()),
            payload: self.payload_bytes(),
        }
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RecordParts {
            position,
            commit,
            stream,
            version,
            id,
            event_type,
            schema_version,
            tags,
            metadata,
            recorded,
            occurred,
            payload: _,
        } = self.parts();
        f.debug_struct("Record")
            .field("position", &position)
            .field("commit", &commit)
            .field("stream", stream)
            .field("version", &version)
            .field("id", &id)
            .field("event_type", event_type)
            .field("schema_version", &schema_version)
            .field("tags", &tags)
            .field("metadata", metadata)
            .field("recorded", &recorded)
            .field("occurred", &occurred)
            .field("payload", &self.payload_bytes())
            .finish()
    }
}

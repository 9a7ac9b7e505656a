//! Events on their way into the store and out of it.

use bytes::Bytes;

use crate::{CommitNumber, EventId, EventType, Metadata, Position, SchemaVersion, StreamId, Tag, Timestamp, Version};

/// An event that is to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The stream it is appended to.
    pub stream: StreamId,
    /// Its stored name.
    pub event_type: EventType,
    /// The version of its payload's shape.
    pub schema_version: SchemaVersion,
    /// Its id. Carried as it is; no store checks that it is unique.
    pub id: EventId,
    /// What it is about, beyond its stream. At most 64, without order; a repeated one counts once.
    pub tags: Vec<Tag>,
    /// Who and what caused it.
    pub metadata: Metadata,
    /// When it happened in the world, if that is known to differ from when it is recorded.
    pub occurred: Option<Timestamp>,
    /// Its content: any bytes; annals' own codec writes a MessagePack map.
    pub payload: Bytes,
}

impl NewEvent {
    /// An event with a new id and no tags, metadata or occurred time, in schema version 1.
    pub fn new(stream: StreamId, event_type: EventType, payload: impl Into<Bytes>) -> Self {
        Self {
            stream,
            event_type,
            schema_version: SchemaVersion::FIRST,
            id: EventId::new(),
            tags: Vec::new(),
            metadata: Metadata::default(),
            occurred: None,
            payload: payload.into(),
        }
    }
}

/// An event as stored. It never changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its place in the log.
    pub position: Position,
    /// The commit that wrote it.
    pub commit: CommitNumber,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// Its id, as given.
    pub id: EventId,
    /// Its stored name.
    pub event_type: EventType,
    /// The version of its payload's shape.
    pub schema_version: SchemaVersion,
    /// Its tags, in ascending order, each once.
    pub tags: Vec<Tag>,
    /// Who and what caused it.
    pub metadata: Metadata,
    /// When the store's committer took it. Never decreases along the log, whatever the clock does.
    pub recorded: Timestamp,
    /// When it happened in the world: as given, else the recorded time.
    pub occurred: Timestamp,
    /// Its content, byte for byte as given.
    pub payload: Bytes,
}

impl Record {
    /// The event that would be stored as this record: the same content, id, tags, metadata and occurred time, without
    /// what the store assigns.
    #[must_use]
    pub fn to_event(&self) -> NewEvent {
        NewEvent {
            stream: self.stream.clone(),
            event_type: self.event_type.clone(),
            schema_version: self.schema_version,
            id: self.id,
            tags: self.tags.clone(),
            metadata: self.metadata.clone(),
            occurred: Some(self.occurred),
            payload: self.payload.clone(),
        }
    }
}

//! Events on their way into the store.

use bytes::Bytes;

use crate::{EventId, EventType, Metadata, SchemaVersion, StreamId, Tag, Timestamp};

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

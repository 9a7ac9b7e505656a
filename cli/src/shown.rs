//! Events as they are shown.

use annals_core::{Metadata, Record};
use serde::Serialize;

use crate::payload::Payload;

/// An event as a JSON object.
#[derive(Debug, Serialize)]
pub(crate) struct ShownEvent<'a> {
    position: u64,
    commit: u64,
    stream: &'a str,
    version: u64,
    #[serde(rename = "type")]
    event_type: &'a str,
    schema_version: u32,
    id: String,
    recorded: String,
    occurred: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    metadata: &'a Metadata,
    payload: Payload<'a>,
}

impl<'a> ShownEvent<'a> {
    pub(crate) fn of(record: &'a Record) -> Self {
        Self {
            position: record.position().get(),
            commit: record.commit().get(),
            stream: record.stream().as_str(),
            version: record.version().get(),
            event_type: record.event_type().as_str(),
            schema_version: record.schema_version().get(),
            id: record.id().to_string(),
            recorded: record.recorded().to_string(),
            occurred: record.occurred().to_string(),
            tags: record.tags().iter().map(|tag| tag.as_str()).collect(),
            metadata: record.metadata(),
            payload: Payload::of(record.payload()),
        }
    }
}

/// An event in one line, without its payload.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct EventLine {
    pub(crate) position: u64,
    pub(crate) stream: String,
    pub(crate) version: u64,
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) recorded: String,
}

impl EventLine {
    pub(crate) fn of(record: &Record) -> Self {
        Self {
            position: record.position().get(),
            stream: record.stream().to_string(),
            version: record.version().get(),
            event_type: record.event_type().to_string(),
            recorded: record.recorded().to_string(),
        }
    }
}

/// `text`, cut to so many characters, with `…` where it was.
pub(crate) fn cut(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(characters_max.saturating_sub(1)).chain(['…']).collect(),
    }
}

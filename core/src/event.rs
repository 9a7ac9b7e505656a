//! Facts of a domain, and how they are stored.

use bytes::Bytes;
use thiserror::Error;

use crate::{
    EventType, InvalidText, Record, SchemaVersion, Tag,
    codec::{EncodeError, PayloadError},
};

/// A domain's events: an enum whose variants are the kinds of facts. Derive it.
///
/// By hand it is a table of [`KINDS`](Self::KINDS) and three short methods:
///
/// ```
/// use annals_core::{Event, EventKind, InvalidText, Tag, codec::{self, EncodeError}};
/// use bytes::Bytes;
///
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// enum DoorEvent { Opened, Closed { by: String } }
///
/// impl Event for DoorEvent {
///     const KINDS: &'static [EventKind] =
///         &[EventKind::new("Opened", "door.opened", 1), EventKind::new("Closed", "door.closed", 1)];
///
///     fn kind(&self) -> &'static EventKind {
///         match self { Self::Opened => &Self::KINDS[0], Self::Closed { .. } => &Self::KINDS[1] }
///     }
///     fn tags(&self) -> Result<Vec<Tag>, InvalidText> { Ok(vec![]) }
///     fn encode(&self) -> Result<Bytes, EncodeError> { codec::encode_variant(self) }
///     fn decode(kind: usize, payload: &[u8]) -> Result<Self, codec::PayloadError> {
///         codec::decode_variant(kind as u32, payload)
///     }
/// }
/// # let closed = DoorEvent::Closed { by: "ada".into() };
/// # assert!(matches!(DoorEvent::decode(1, &closed.encode().unwrap()), Ok(DoorEvent::Closed { by }) if by == "ada"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event enum",
    note = "derive it: `#[derive(Serialize, Deserialize, Event)]` with `#[event(prefix = \"..\")]`"
)]
pub trait Event: Clone + Send + Sync + 'static {
    /// What there is to know of each variant, in the order of declaration.
    const KINDS: &'static [EventKind];

    /// The kind of this event: an element of [`KINDS`](Self::KINDS).
    fn kind(&self) -> &'static EventKind;

    /// What it is about, beyond its stream.
    ///
    /// # Errors
    /// [`InvalidText`] when a field's text makes no tag.
    fn tags(&self) -> Result<Vec<Tag>, InvalidText>;

    /// Encodes its content in the current version of its kind.
    ///
    /// # Errors
    /// [`EncodeError`].
    fn encode(&self) -> Result<Bytes, EncodeError>;

    /// Decodes the content of `KINDS[kind]`, stored in that kind's current version.
    ///
    /// # Errors
    /// [`PayloadError`].
    fn decode(kind: usize, payload: &[u8]) -> Result<Self, PayloadError>;
}

/// What there is to know of one variant of an event enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventKind {
    /// The variant's name in the code.
    pub variant: &'static str,
    /// The name it is stored under, for ever.
    pub name: &'static str,
    /// The current version of its shape, from 1.
    pub version: u32,
}

impl EventKind {
    /// The kind with these values.
    #[must_use]
    pub const fn new(variant: &'static str, name: &'static str, version: u32) -> Self {
        Self { variant, name, version }
    }

    /// The stored name.
    ///
    /// # Errors
    /// [`InvalidText`] when it is no valid name; a derived one always is.
    pub fn event_type(&self) -> Result<EventType, InvalidText> {
        EventType::new(self.name)
    }

    /// The current version; a 0, which the derive refuses, counts as 1.
    #[must_use]
    pub fn schema_version(&self) -> SchemaVersion {
        SchemaVersion::new(self.version).unwrap_or(SchemaVersion::FIRST)
    }
}

/// A record that this code cannot read as an event. The record is intact.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("record {position} of stream {stream} {problem}", position = .record.position, stream = .record.stream)]
pub struct DecodeError {
    /// The record.
    pub record: Box<Record>,
    /// What is wrong.
    pub problem: DecodeProblem,
}

/// Why a record cannot be read as an event.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeProblem {
    /// The enum has no variant of this stored name. Add it, or read the stream as another enum.
    #[error("is of type {found}, which {events} does not know")]
    UnknownType {
        /// The stored name.
        found: EventType,
        /// The enum.
        events: &'static str,
    },
    /// The enum's variant is at another version. Newer: use the code that wrote it. Older: it needs an upcaster.
    #[error("is version {found} of {event_type}, this code knows version {known}")]
    UnknownVersion {
        /// The stored name.
        event_type: EventType,
        /// The stored version.
        found: SchemaVersion,
        /// The version of the code.
        known: SchemaVersion,
    },
    /// The payload is not of the variant's shape.
    #[error("has a payload of type {event_type} that {problem}")]
    Payload {
        /// The stored name.
        event_type: EventType,
        /// What is wrong with it.
        problem: PayloadError,
    },
}

/// Reads `record` as an event of `E`: its kind by stored name, its version, its payload.
///
/// # Errors
/// [`DecodeError`], with the record.
pub fn decode_record<E: Event>(record: &Record) -> Result<E, DecodeError> {
    decode_parts(&record.event_type, record.schema_version, &record.payload)
        .map_err(|problem| DecodeError { record: Box::new(record.clone()), problem })
}

/// The one path from stored bytes to an event. Old versions will be lifted to the current one between the look-up of
/// the version and the decoding of the payload.
pub(crate) fn decode_parts<E: Event>(
    event_type: &EventType,
    found: SchemaVersion,
    payload: &[u8],
) -> Result<E, DecodeProblem> {
    let Some((index, kind)) = E::KINDS.iter().enumerate().find(|(_, kind)| kind.name == event_type.as_str()) else {
        let events = std::any::type_name::<E>();
        return Err(DecodeProblem::UnknownType { found: event_type.clone(), events });
    };
    let known = kind.schema_version();
    if found != known {
        return Err(DecodeProblem::UnknownVersion { event_type: event_type.clone(), found, known });
    }
    E::decode(index, payload).map_err(|problem| DecodeProblem::Payload { event_type: event_type.clone(), problem })
}

//! Facts of a domain, and how they are stored.

use bytes::Bytes;

use crate::{
    EventType, InvalidText, Past, SchemaVersion, Tag,
    codec::{EncodeError, PayloadError},
    shape::Schema,
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

    /// The forms in which events were stored in the past: names and versions that are no longer written.
    const PAST: &'static [Past<Self>] = &[];

    /// Stored names whose events are of no interest any more: they are read as nothing, whatever their version.
    const RETIRED: &'static [&'static str] = &[];

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

    /// What each kind is stored as today, in the order of [`KINDS`](Self::KINDS): for [`Schemas`](crate::Schemas). Derived ones
    /// say it; by hand it may be left out.
    #[must_use]
    fn forms() -> Vec<EventForm<Self>> {
        Vec::new()
    }

    /// Decodes the content of `KINDS[kind]`, stored in that kind's current version.
    ///
    /// # Errors
    /// [`PayloadError`].
    fn decode(kind: usize, payload: &[u8]) -> Result<Self, PayloadError>;
}

/// What events of one kind are stored as today.
#[derive(Debug, Clone)]
pub struct EventForm<E> {
    /// Their payload.
    pub schema: Schema,
    /// The names of the tags that they may carry.
    pub tags: &'static [&'static str],
    /// Some of them, as they may occur.
    pub examples: Vec<E>,
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
    /// The names it was stored under in the past; their versions are counted on under the present name.
    pub aliases: &'static [&'static str],
}

impl EventKind {
    /// The kind with these values, which was always stored under this name.
    #[must_use]
    pub const fn new(variant: &'static str, name: &'static str, version: u32) -> Self {
        Self { variant, name, version, aliases: &[] }
    }

    /// The same, which was also stored under these names.
    #[must_use]
    pub const fn formerly(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
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

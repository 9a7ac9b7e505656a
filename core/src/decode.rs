//! From stored records to events.

use thiserror::Error;

use crate::{Event, EventKind, EventType, Past, Record, SchemaVersion, UpcastError, codec::PayloadError, load::catch};

/// The events of one record: one as a rule; none when its type is retired; several when it was split.
///
/// An event of a record is addressed by the record's position and its index here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded<E> {
    /// One event.
    One(E),
    /// None, or several, in their order.
    Many(Vec<E>),
}

/// A record that this code cannot read as an event. The record is intact.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("record {position} of stream {stream} {problem}", position = .record.position(), stream = .record.stream())]
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
    /// The enum has no variant of this stored name, and never had. It was written by newer code, or is the event of another
    /// enum: use that one; or, if it is of no interest any more, name it in `retired(..)`.
    #[error("is of type {found}, which {events} does not know")]
    UnknownType {
        /// The stored name.
        found: EventType,
        /// The enum.
        events: &'static str,
    },
    /// It was written by newer code. Use that.
    #[error("is version {found} of {event_type}, this code knows version {known}")]
    NewerVersion {
        /// The stored name.
        event_type: EventType,
        /// The stored version.
        found: SchemaVersion,
        /// The latest version that this code knows.
        known: SchemaVersion,
    },
    /// It was written by older code, and there is no step from its version. Add it to `from(..)`.
    #[error("is version {found} of {event_type}, from which there is no step to version {known}")]
    NoStep {
        /// The stored name.
        event_type: EventType,
        /// The stored version.
        found: SchemaVersion,
        /// The latest version that this code knows.
        known: SchemaVersion,
    },
    /// A step from an older version failed. Correct the step.
    #[error("is version {found} of {event_type}, whose step from version {from} fails: {error}")]
    Upcast {
        /// The stored name.
        event_type: EventType,
        /// The stored version.
        found: SchemaVersion,
        /// The version from which the step goes.
        from: u32,
        /// What the step says.
        error: UpcastError,
    },
    /// The payload is not of the shape that its type and version have in this code.
    #[error("has a payload of type {event_type} that {problem}")]
    Payload {
        /// The stored name.
        event_type: EventType,
        /// What is wrong with it.
        problem: PayloadError,
    },
}

/// What a reader does with a record of a type or version that only newer code knows. A record that is damaged, or whose
/// steps fail, is an error in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unknown {
    /// It is an error.
    #[default]
    Fail,
    /// It is passed by as if it held no events.
    Ignore,
    /// It is handed over as it is stored.
    HandOver,
}

/// What a record holds for a reader that has decided on [`Unknown`] ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readable<E> {
    /// Events that this code knows.
    Known(Decoded<E>),
    /// A type or version of newer code, to be taken from the record as it is.
    Unknown(DecodeProblem),
}

/// Reads `record` as events of `E`: its kind by stored name, present or past, its version, its payload.
///
/// # Errors
/// [`DecodeError`], with the record.
pub fn decode_record<E: Event>(record: &Record) -> Result<Decoded<E>, DecodeError> {
    decode(record).map_err(|problem| DecodeError { record: Box::new(record.detached()), problem })
}

/// The same for a reader that may be older than what it reads: what only newer code knows is treated as `unknown` says.
///
/// # Errors
/// [`DecodeError`], with the record.
pub fn decode_record_or<E: Event>(record: &Record, unknown: Unknown) -> Result<Readable<E>, DecodeError> {
    match (decode(record), unknown) {
        (Ok(events), _) => Ok(Readable::Known(events)),
        (Err(problem), Unknown::Ignore) if problem.is_of_newer_code() => Ok(Readable::Known(Decoded::Many(Vec::new()))),
        (Err(problem), Unknown::HandOver) if problem.is_of_newer_code() => Ok(Readable::Unknown(problem)),
        (Err(problem), _) => Err(DecodeError { record: Box::new(record.detached()), problem }),
    }
}

fn decode<E: Event>(record: &Record) -> Result<Decoded<E>, DecodeProblem> {
    let stored = record.event_type().as_str();
    match E::KINDS.iter().enumerate().find(|(_, kind)| kind.name == stored) {
        Some((index, kind)) if record.schema_version() == kind.schema_version() => decode_current(index, record),
        found => decode_past(record, found),
    }
}

fn decode_current<E: Event>(kind: usize, record: &Record) -> Result<Decoded<E>, DecodeProblem> {
    E::decode(kind, record.payload()).map(Decoded::One).map_err(|problem| DecodeProblem::payload(record, problem))
}

/// Reads what is stored under a former name or in a former version. Out of the way of what is not.
#[cold]
fn decode_past<E: Event>(
    record: &Record,
    named: Option<(usize, &'static EventKind)>,
) -> Result<Decoded<E>, DecodeProblem> {
    let (stored, version) = (record.event_type().as_str(), record.schema_version().get());
    let aliased = || E::KINDS.iter().enumerate().find(|(_, kind)| kind.aliases.contains(&stored));
    let kind = named.or_else(aliased);
    if let Some((index, kind)) = kind
        && record.schema_version() == kind.schema_version()
    {
        return decode_current(index, record);
    }
    let name = kind.map_or(stored, |(_, kind)| kind.name);
    let mut forms = E::PAST.iter().filter(|past| past.name == name);
    if let Some(past) = forms.clone().find(|past| past.version == version) {
        return read(past, record);
    }
    if E::RETIRED.contains(&stored) {
        return Ok(Decoded::Many(Vec::new()));
    }
    let current = kind.map(|(_, kind)| kind.version);
    let known = current.into_iter().chain(forms.by_ref().map(|past| past.version)).max().and_then(SchemaVersion::new);
    let (event_type, found) = (record.event_type().clone(), record.schema_version());
    Err(match known {
        Some(known) if found > known => DecodeProblem::NewerVersion { event_type, found, known },
        Some(known) => DecodeProblem::NoStep { event_type, found, known },
        None => DecodeProblem::UnknownType { found: event_type, events: std::any::type_name::<E>() },
    })
}

fn read<E: Event>(past: &Past<E>, record: &Record) -> Result<Decoded<E>, DecodeProblem> {
    // The steps are the user's code, and may panic.
    catch(|| (past.read)(record)).unwrap_or_else(|message| {
        Err(DecodeProblem::upcast(record, past.version, UpcastError::new(format!("it panicked: {message}"))))
    })
}

impl DecodeProblem {
    pub(crate) fn payload(record: &Record, problem: PayloadError) -> Self {
        Self::Payload { event_type: record.event_type().clone(), problem }
    }

    pub(crate) fn upcast(record: &Record, from: u32, error: UpcastError) -> Self {
        Self::Upcast { event_type: record.event_type().clone(), found: record.schema_version(), from, error }
    }

    /// Whether newer code may read it.
    #[must_use]
    pub fn is_of_newer_code(&self) -> bool {
        matches!(self, Self::UnknownType { .. } | Self::NewerVersion { .. })
    }
}

impl<E> Decoded<E> {
    /// The events, in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, E> {
        self.as_slice().iter()
    }

    /// The events, in their order.
    #[must_use]
    pub fn as_slice(&self) -> &[E] {
        match self {
            Self::One(event) => std::slice::from_ref(event),
            Self::Many(events) => events,
        }
    }
}

impl<E> IntoIterator for Decoded<E> {
    type Item = E;
    type IntoIter = std::iter::Chain<std::option::IntoIter<E>, std::vec::IntoIter<E>>;
    fn into_iter(self) -> Self::IntoIter {
        let (one, many) = match self {
            Self::One(event) => (Some(event), Vec::new()),
            Self::Many(events) => (None, events),
        };
        one.into_iter().chain(many)
    }
}

impl<'a, E> IntoIterator for &'a Decoded<E> {
    type Item = &'a E;
    type IntoIter = std::slice::Iter<'a, E>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

//! Making new events of records.

use xxhash_rust::xxh3::Xxh3;

use crate::{
    DecodeError, Decoded, Event, EventId, Fate, InvalidText, NewEvent, Record, codec::EncodeError, decode_record,
    execute::Unfit, judge::in_order,
};

/// An event that cannot be stored in place of a record.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RecodeError {
    /// Its content cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Its name or a tag breaks the rules.
    #[error(transparent)]
    InvalidName(#[from] InvalidText),
    /// The record cannot be read as an event of the code. Use the code that can, or let the record be kept.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl Fate {
    /// Lets a record be stored as today's code stores its event: under its name, in its version, with its tags and its
    /// content. One that is stored so already is kept as it is, one of a retired type is left out, one that is read as several
    /// events is split.
    ///
    /// What the code does not know of the content is lost with that: fields that it ignores.
    ///
    /// # Errors
    /// [`RecodeError`] when the record is no event of `E`, or the event makes no record.
    pub fn as_of_today<E: Event>(record: &Record) -> Result<Self, RecodeError> {
        let events = match decode_record::<E>(record)? {
            Decoded::One(event) => {
                let event = record.recoded(&event)?;
                return Ok(if event == record.to_event() { Self::Keep } else { Self::Change(event) });
            }
            Decoded::Many(events) => events,
        };
        if events.is_empty() {
            return Ok(Self::Drop);
        }
        let parts = events.iter().enumerate().map(|(index, event)| {
            let id = record.part(index).id;
            Ok(NewEvent { id, ..record.recoded(event)? })
        });
        parts.collect::<Result<_, RecodeError>>().map(Self::Split)
    }
}

impl Record {
    /// The same record with `event` in it: type, version, tags and payload are those of `event`; stream, id, metadata and
    /// occurred time stay.
    ///
    /// # Errors
    /// [`RecodeError`] when the event makes no record.
    pub fn recoded<E: Event>(&self, event: &E) -> Result<NewEvent, RecodeError> {
        let encoded = crate::execute::Encoded::of(event).map_err(|error| match error {
            Unfit::Encode(error) => RecodeError::Encode(error),
            Unfit::Name(error) => RecodeError::InvalidName(error),
        })?;
        Ok(NewEvent {
            event_type: encoded.kind.event_type()?,
            schema_version: encoded.kind.schema_version(),
            tags: in_order(&encoded.tags).into_owned(),
            payload: encoded.payload,
            ..self.to_event()
        })
    }

    /// One of the events into which the record is split, as the record is, but for the id: part 0 has the record's, each
    /// other part one that is computed from it, the same each time.
    #[must_use]
    pub fn part(&self, index: usize) -> NewEvent {
        let event = self.to_event();
        if index == 0 {
            return event;
        }
        let mut hasher = Xxh3::new();
        hasher.update(self.id().as_uuid().as_bytes());
        hasher.update(&(index as u64).to_be_bytes());
        let id = uuid::Builder::from_custom_bytes(hasher.digest128().to_be_bytes()).into_uuid();
        NewEvent { id: EventId::from(id), ..event }
    }
}

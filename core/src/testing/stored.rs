//! Events as a store has them.

use bytes::Bytes;
use uuid::Uuid;

use crate::{
    Aggregate, AggregateId, Commit, CommitNumber, Event, EventId, EventType, InvalidText, Metadata, Position, Record,
    RecordParts, SchemaVersion, StreamId, Timestamp, Version,
    codec::{EncodeError, PayloadError},
    execute::{Encoded, Terms},
};

use super::fail;

/// A commit of `events` to the aggregate `id`, under no condition, as a command that emits them would write it: what
/// somebody else commits in a test. It belongs to no tenant.
///
/// # Panics
/// When the id makes no stream or an event cannot be stored.
#[must_use]
#[track_caller]
pub fn commit_of<A: Aggregate>(id: impl Into<A::Id>, events: impl IntoIterator<Item = A::Event>) -> Commit {
    let stream = match StreamId::new(A::NAME, id.into().to_key()) {
        Ok(stream) => stream,
        Err(error) => fail(&error.to_string()),
    };
    let terms = Terms { now: Timestamp::EPOCH, metadata: Metadata::default().into(), occurred: None, tenant: None };
    Commit::of(events.into_iter().map(|event| {
        match Encoded::of(&event).and_then(|encoded| terms.event(stream.clone(), encoded)) {
            Ok(event) => event,
            Err(error) => fail(&format!("event {} cannot be stored: {error:?}", event.kind().name)),
        }
    }))
}

/// A record of which only the form and the payload matter.
pub(super) fn record_of(
    event_type: &EventType,
    schema_version: SchemaVersion,
    payload: &Bytes,
) -> Result<Record, InvalidText> {
    Ok(Record::of(RecordParts {
        position: Position::FIRST,
        commit: CommitNumber::FIRST,
        stream: &StreamId::new("test", "test")?,
        version: Version::FIRST,
        id: EventId::from(Uuid::nil()),
        event_type,
        schema_version,
        tags: &[],
        metadata: &Metadata::default(),
        recorded: Timestamp::EPOCH,
        occurred: Timestamp::EPOCH,
        payload,
    }))
}

/// The event as a store would give it back.
#[track_caller]
pub(super) fn recoded<E: Event>(event: &E) -> E {
    let kind = event.kind();
    match recode(event) {
        Ok(event) => event,
        Err(Lost::Encode(error)) => fail(&format!("event {} cannot be stored: {error}", kind.name)),
        Err(Lost::Decode(error)) => fail(&format!("event {} was stored, but its payload {error}", kind.name)),
        Err(Lost::Unlisted) => fail(&format!("event {} is not in the table of kinds", kind.name)),
    }
}

enum Lost {
    Encode(EncodeError),
    Decode(PayloadError),
    Unlisted,
}

fn recode<E: Event>(event: &E) -> Result<E, Lost> {
    let kind = event.kind();
    let index = E::KINDS.iter().position(|known| known.name == kind.name).ok_or(Lost::Unlisted)?;
    let payload = event.encode().map_err(Lost::Encode)?;
    E::decode(index, &payload).map_err(Lost::Decode)
}

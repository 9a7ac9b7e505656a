//! A commit in the making.

use crate::{
    Aggregate, Commit, Condition, Decision, Event, EventId, Expected, InvalidText, Metadata, NewEvent, StreamId,
    Timestamp, Version, codec::EncodeError, decision::Ids, load::Held,
};

/// What all decisions and events of one execution share.
#[derive(Debug)]
pub struct Terms {
    pub(crate) now: Timestamp,
    pub(crate) metadata: Metadata,
    pub(crate) occurred: Option<Timestamp>,
}

/// A commit in the making.
#[derive(Debug)]
pub struct Draft<'a> {
    terms: &'a Terms,
    pub(crate) commit: Commit,
}

/// An event that makes no record.
#[derive(Debug)]
pub enum Unfit {
    /// Its content cannot be encoded.
    Encode(EncodeError),
    /// Its name or a tag breaks the rules.
    Name(InvalidText),
}

impl<'a> Draft<'a> {
    pub(crate) fn new(terms: &'a Terms) -> Self {
        Self { terms, commit: Commit::new() }
    }

    /// Adds what was decided about `held`, on condition that it is still there, and returns the state behind it.
    pub(crate) fn settle<A: Aggregate>(&mut self, held: &Held<A>, decision: Decision<A>) -> Result<Held<A>, Unfit> {
        let (state, events) = decision.into_parts();
        self.commit.conditions.push(Condition::stream(held.stream.clone(), Expected::At(held.version)));
        for event in &events {
            self.commit.events.push(self.terms.event(&held.stream, event)?);
        }
        let version = held.version.checked_add(events.len() as u64).unwrap_or(Version::MAX);
        let (id, stream) = (held.id.clone(), held.stream.clone());
        Ok(Held { id, stream, state, version, snapshot: held.snapshot, replaces: held.replaces })
    }
}

impl Terms {
    pub(crate) fn decision<A: Aggregate>(&self, held: &Held<A>) -> Decision<A> {
        let (id, state) = (held.id.clone(), held.state.clone());
        Decision::new(id, state, held.version, self.now, Ids::Random, self.metadata.clone())
    }

    pub(crate) fn event<E: Event>(&self, stream: &StreamId, event: &E) -> Result<NewEvent, Unfit> {
        let kind = event.kind();
        Ok(NewEvent {
            stream: stream.clone(),
            event_type: kind.event_type().map_err(Unfit::Name)?,
            schema_version: kind.schema_version(),
            id: EventId::new(),
            tags: event.tags().map_err(Unfit::Name)?,
            metadata: self.metadata.clone(),
            occurred: self.occurred,
            payload: event.encode().map_err(Unfit::Encode)?,
        })
    }
}

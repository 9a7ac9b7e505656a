//! A commit in the making.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;

use crate::{
    Aggregate, Boundary, BoundaryDecision, Commit, Condition, Decision, Event, EventId, EventKind, Expected, Home,
    InvalidText, Metadata, NewEvent, Selection, StreamId, Tag, Tenant, Timestamp, Version,
    codec::EncodeError,
    decision::{Decided, Ids},
    load::Held,
    names::Claimed,
};

/// What all decisions and events of one execution share.
#[derive(Debug)]
pub struct Terms {
    pub(crate) now: Timestamp,
    /// Shared by everything that is decided; each event gets a copy.
    pub(crate) metadata: Arc<Metadata>,
    pub(crate) occurred: Option<Timestamp>,
    pub(crate) tenant: Option<Tenant>,
}

/// A commit in the making.
#[derive(Debug)]
pub struct Draft<'a> {
    terms: &'a Terms,
    pub(crate) commit: Commit,
    /// What the decisions said of unique names, target by target. It becomes conditions and rows when the key is at hand.
    pub(crate) names: Vec<Claimed>,
    /// The streams of what was emitted within boundaries.
    streams: HashSet<StreamId>,
}

/// An event as it is stored, without its stream.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) kind: &'static EventKind,
    pub(crate) tags: Vec<Tag>,
    pub(crate) payload: Bytes,
}

/// An event that makes no record, or a name that is none.
#[derive(Debug)]
pub enum Unfit {
    /// Its content cannot be encoded.
    Encode(EncodeError),
    /// Its name, a tag or its stream breaks the rules.
    Name(InvalidText),
}

impl<'a> Draft<'a> {
    pub(crate) fn new(terms: &'a Terms) -> Self {
        Self { terms, commit: Commit::new(), names: Vec::new(), streams: HashSet::new() }
    }

    /// Adds what was decided about `held`, on condition that it is still there, and returns the state behind it, or
    /// `held` itself where that is not known.
    pub(crate) fn settle<A: Aggregate>(&mut self, held: &Held<A>, decision: Decision<A>) -> Result<Held<A>, Unfit> {
        let Decided { state, events, names } = decision.into_parts();
        reserve_first(&mut self.commit.conditions, 1);
        self.commit.conditions.push(Condition::stream(held.stream.clone(), Expected::At(held.version)));
        reserve_first(&mut self.commit.events, events.len());
        for event in &events {
            self.push(held.stream.clone(), Encoded::of(event)?)?;
        }
        for claim in names {
            self.names.push(claim.by(&held.stream, self.terms.tenant.as_ref()).map_err(Unfit::Name)?);
        }
        // What a boundary emitted into the stream stands before these events, and the decision has not folded it.
        if self.streams.contains(&held.stream) {
            return Ok(held.clone());
        }
        let version = held.version.checked_add(events.len() as u64).unwrap_or(Version::MAX);
        let (id, stream) = (held.id.clone(), held.stream.clone());
        Ok(Held { id, stream, state, version, snapshot: held.snapshot, replaces: held.replaces })
    }

    /// Adds an event to a stream at whatever version.
    pub(crate) fn emit(&mut self, home: &Home, event: Encoded) -> Result<(), Unfit> {
        let stream = home.stream(self.terms.tenant.as_ref()).map_err(Unfit::Name)?;
        self.streams.insert(stream.clone());
        self.push(stream, event)
    }

    fn push(&mut self, stream: StreamId, event: Encoded) -> Result<(), Unfit> {
        self.commit.events.push(self.terms.event(stream, event)?);
        Ok(())
    }
}

/// Makes room for so many, and no more, in a list that has none yet: most commits change one stream, and a list that grows
/// takes room for four, which for events is more memory than the allocator has at hand.
fn reserve_first<T>(list: &mut Vec<T>, count: usize) {
    if list.capacity() == 0 {
        list.reserve_exact(count);
    }
}

impl Encoded {
    pub(crate) fn of<E: Event>(event: &E) -> Result<Self, Unfit> {
        let tags = event.tags().map_err(Unfit::Name)?;
        Ok(Self { kind: event.kind(), tags, payload: event.encode().map_err(Unfit::Encode)? })
    }
}

impl Terms {
    pub(crate) fn decision<A: Aggregate>(&self, held: &Held<A>) -> Decision<A> {
        let (id, state) = (held.id.clone(), held.state.clone());
        Decision::new(id, state, held.version, self.now, Ids::Random, Arc::clone(&self.metadata))
    }

    pub(crate) fn event(&self, stream: StreamId, event: Encoded) -> Result<NewEvent, Unfit> {
        let Encoded { kind, tags, payload } = event;
        Ok(NewEvent {
            stream,
            event_type: kind.event_type().map_err(Unfit::Name)?,
            schema_version: kind.schema_version(),
            id: EventId::new(),
            tags,
            metadata: Metadata::clone(&self.metadata),
            occurred: self.occurred,
            payload,
        })
    }

    pub(crate) fn boundary_decision<B: Boundary>(&self, state: B, selection: Arc<Selection<B>>) -> BoundaryDecision<B> {
        BoundaryDecision::new(state, selection, self.now, Ids::Random, Arc::clone(&self.metadata))
    }
}

//! One pure step from a state and a command to events.

use std::ops::Deref;

use uuid::Uuid;

use crate::{Aggregate, Metadata, Timestamp, Version};

/// An aggregate while it decides: its state to read, and [`emit`](Self::emit) to change it.
///
/// It derefs to the state. The state cannot be changed in any other way than by an event, and what an event changes is
/// visible at once. The clock and the ids are the framework's, so that tests repeat.
#[derive(Debug)]
pub struct Decision<A: Aggregate> {
    state: A,
    id: A::Id,
    version: Version,
    emitted: Vec<A::Event>,
    now: Timestamp,
    ids: Ids,
    metadata: Metadata,
}

/// Where a decision's new ids come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// New ones of version 7.
    Random,
    /// 1, 2, 3 ... as UUIDs, the number given out last; for tests.
    Counted(u128),
}

impl Ids {
    fn next(&mut self) -> Uuid {
        match self {
            Self::Random => Uuid::now_v7(),
            Self::Counted(last) => {
                *last += 1;
                Uuid::from_u128(*last)
            }
        }
    }
}

impl<A: Aggregate> Decision<A> {
    /// A decision about `state`, folded from `version` events.
    pub(crate) fn new(id: A::Id, state: A, version: Version, now: Timestamp, ids: Ids, metadata: Metadata) -> Self {
        Self { state, id, version, emitted: Vec::new(), now, ids, metadata }
    }

    /// Emits an event: it is folded into the state at once, and stored when the decision is committed.
    pub fn emit(&mut self, event: A::Event) {
        self.state.evolve(&event);
        self.emitted.push(event);
    }

    /// Which aggregate it is.
    pub fn id(&self) -> &A::Id {
        &self.id
    }

    /// The version of the stream that the decision began with; events emitted since do not count.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether the stream held no events when the decision began.
    pub fn is_new(&self) -> bool {
        self.version.is_zero()
    }

    /// The time of the decision: the same however often it is asked for.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A new id, another one each time.
    pub fn new_id(&mut self) -> Uuid {
        self.ids.next()
    }

    /// What the sender said of itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What was emitted so far.
    pub fn emitted(&self) -> &[A::Event] {
        &self.emitted
    }

    /// The decided state and the events that led to it.
    pub(crate) fn into_parts(self) -> (A, Vec<A::Event>) {
        (self.state, self.emitted)
    }
}

impl<A: Aggregate> Deref for Decision<A> {
    type Target = A;
    fn deref(&self) -> &A {
        &self.state
    }
}

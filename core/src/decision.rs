//! One pure step from a state and a command to events.

use std::{ops::Deref, sync::Arc};

use uuid::Uuid;

use crate::{
    Aggregate, Home, Metadata, Timestamp, Version,
    names::{NameClaim, Said},
};

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
    names: Vec<Said>,
    now: Timestamp,
    ids: Ids,
    metadata: Arc<Metadata>,
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
    pub(crate) fn next(&mut self) -> Uuid {
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
    pub(crate) fn new(
        id: A::Id,
        state: A,
        version: Version,
        now: Timestamp,
        ids: Ids,
        metadata: Arc<Metadata>,
    ) -> Self {
        Self { state, id, version, emitted: Vec::new(), names: Vec::new(), now, ids, metadata }
    }

    /// Emits an event: it is folded into the state at once, and stored when the decision is committed.
    pub fn emit(&mut self, event: A::Event) {
        self.state.evolve(&event);
        self.emitted.push(event);
    }

    /// Claims `name` of `scope` (`"iban"`, `"email"`) for this aggregate, in the same commit as the events: it is refused
    /// ([`ExecuteError::Names`](crate::ExecuteError::Names)) when a stream of the tenant holds the name, this one too. Names
    /// are compared byte by byte; bring them into one form before.
    ///
    /// What the decision has said of names before counts, also through other aggregates. Kept is a keyed hash of the name,
    /// never the name.
    pub fn claim(&mut self, scope: impl AsRef<str>, name: impl AsRef<str>) {
        self.names.push(Said::now(NameClaim::new(scope.as_ref(), name.as_ref())));
    }

    /// Gives a name up, in the same commit as the events. Refused when this aggregate does not hold it.
    pub fn release(&mut self, scope: impl AsRef<str>, name: impl AsRef<str>) {
        self.names.push(Said::now(NameClaim::release(scope.as_ref(), name.as_ref())));
    }

    /// Hands a name over to another aggregate ([`at::<Account>(id)`](crate::at)), in the same commit as the events: at no
    /// moment is it free. Refused when this aggregate does not hold it.
    pub fn transfer(&mut self, scope: impl AsRef<str>, name: impl AsRef<str>, to: impl Into<Home>) {
        self.names.push(Said::now(NameClaim::transfer(scope.as_ref(), name.as_ref(), to.into())));
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

    pub(crate) fn into_parts(self) -> Decided<A> {
        Decided { state: self.state, events: self.emitted, names: self.names }
    }
}

/// What came of a decision.
pub(crate) struct Decided<A: Aggregate> {
    pub(crate) state: A,
    pub(crate) events: Vec<A::Event>,
    pub(crate) names: Vec<Said>,
}

impl<A: Aggregate> Deref for Decision<A> {
    type Target = A;
    fn deref(&self) -> &A {
        &self.state
    }
}

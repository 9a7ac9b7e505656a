//! A boundary while it is decided on.

use std::{ops::Deref, sync::Arc};

use uuid::Uuid;

use crate::{
    Boundary, Event, Home, Metadata, Timestamp,
    decision::Ids,
    execute::{Encoded, Unfit},
};

use super::Selection;

/// A boundary while it is decided on: its state to read, and [`emit`](Self::emit) to change it.
///
/// It derefs to the state. As with an aggregate's [`Decision`](crate::Decision), only an event changes the state, what it
/// changes is visible at once, and clock and ids are the framework's, so that tests repeat.
#[derive(Debug)]
pub struct BoundaryDecision<B: Boundary> {
    state: B,
    selection: Arc<Selection<B>>,
    emitted: Vec<Emitted>,
    now: Timestamp,
    ids: Ids,
    metadata: Arc<Metadata>,
}

/// An event on its way into a stream.
#[derive(Debug)]
pub(crate) struct Emitted {
    pub(crate) home: Home,
    pub(crate) event: Result<Encoded, Unfit>,
}

impl<B: Boundary> BoundaryDecision<B> {
    pub(crate) fn new(
        state: B,
        selection: Arc<Selection<B>>,
        now: Timestamp,
        ids: Ids,
        metadata: Arc<Metadata>,
    ) -> Self {
        Self { state, selection, emitted: Vec::new(), now, ids, metadata }
    }

    /// Emits an event of any enum into the stream `home`, whatever version that is at. If the boundary selects it, it is
    /// folded into the state at once; it is stored when the decision is committed.
    pub fn emit<E: Event>(&mut self, home: impl Into<Home>, event: E) {
        let encoded = Encoded::of(&event);
        if let Ok(encoded) = &encoded {
            self.selection.fold_emitted(&mut self.state, encoded.kind, &encoded.tags, &event);
        }
        self.emitted.push(Emitted { home: home.into(), event: encoded });
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

    pub(crate) fn into_emitted(self) -> Vec<Emitted> {
        self.emitted
    }
}

impl<B: Boundary> Deref for BoundaryDecision<B> {
    type Target = B;
    fn deref(&self) -> &B {
        &self.state
    }
}

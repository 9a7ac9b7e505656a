//! A boundary with a history.

use std::sync::Arc;

use crate::{
    Boundary, BoundaryDecision, Event, Home, Metadata, Selection, Timestamp,
    decision::Ids,
    execute::{Encoded, Unfit},
};

use super::{When, fail, recoded};

/// A boundary about `id`, with no events yet. Go on with [`event`](GivenBoundary::event) and [`when`](GivenBoundary::when).
///
/// ```
/// use annals_core::{Boundary, Evolve, Selection, in_stream, kinds, testing::{emitted, given_boundary}};
#[doc = include_str!("../doc/seat.txt")]
/// # #[derive(Default, Clone)]
/// # struct Seats { free: u32 }
/// # impl Evolve<SeatEvent> for Seats {
/// #     fn evolve(&mut self, event: &SeatEvent) {
/// #         match event {
/// #             SeatEvent::Offered { seats, .. } => self.free += seats,
/// #             SeatEvent::Taken { .. } => self.free -= 1,
/// #         }
/// #     }
/// # }
/// # impl Boundary for Seats {
/// #     type Id = String;
/// #     fn select(course: &String) -> Selection<Self> {
/// #         Selection::of(kinds![SeatEvent::Offered, SeatEvent::Taken]).tag("course", course)
/// #     }
/// # }
/// let taken = || SeatEvent::Taken { course: "rust".into() };
/// given_boundary::<Seats>("rust")
///     .event(SeatEvent::Offered { course: "rust".into(), seats: 2 })
///     .event(SeatEvent::Offered { course: "go".into(), seats: 9 }) // another course: not selected
///     .when(|seats| {
///         seats.emit(in_stream("course", "rust"), taken());
///         Ok::<_, String>(seats.free)
///     })
///     .then_emitted([emitted(in_stream("course", "rust"), taken())])
///     .replies(1);
/// ```
///
/// # Panics
/// When the boundary selects by no kind of event, or a value by which it selects makes no tag.
#[track_caller]
pub fn given_boundary<B: Boundary>(id: impl Into<B::Id>) -> GivenBoundary<B> {
    let selection = B::select(&id.into());
    if let Err(error) = selection.query(None) {
        fail(&error.to_string());
    }
    let selection = Arc::new(selection);
    GivenBoundary { state: B::default(), selection, now: Timestamp::EPOCH, metadata: Metadata::default() }
}

/// A boundary with a history. Made by [`given_boundary`].
#[derive(Debug)]
#[must_use = "nothing is tested before `when`"]
pub struct GivenBoundary<B: Boundary> {
    state: B,
    selection: Arc<Selection<B>>,
    now: Timestamp,
    metadata: Metadata,
}

/// An event in the stream it was emitted into, as a store would have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InStream {
    home: Home,
    event_type: &'static str,
    /// The payload as text, so that differences can be read.
    content: String,
}

/// An event that is expected to be emitted into the stream `home`.
///
/// # Panics
/// When it does not survive its encoding.
#[must_use]
#[track_caller]
pub fn emitted<E: Event>(home: impl Into<Home>, event: E) -> InStream {
    in_stream(home.into(), Encoded::of(&recoded(&event)))
}

#[track_caller]
fn in_stream(home: Home, event: Result<Encoded, Unfit>) -> InStream {
    let (event_type, payload) = match event {
        Ok(Encoded { kind, payload, .. }) => (kind.name, payload),
        Err(problem) => fail(&format!("an event for {home:?} cannot be stored: {problem:?}")),
    };
    // What was just encoded can be read.
    let content = rmpv::decode::read_value(&mut &*payload).map(|value| value.to_string()).unwrap_or_default();
    InStream { home, event_type, content }
}

impl<B: Boundary> GivenBoundary<B> {
    /// An event that happened before; it is folded if the boundary selects it.
    ///
    /// # Panics
    /// When it does not survive its encoding.
    #[track_caller]
    pub fn event<E: Event>(mut self, event: E) -> Self {
        let event = recoded(&event);
        match Encoded::of(&event) {
            Ok(Encoded { kind, tags, .. }) => self.selection.fold_emitted(&mut self.state, kind, &tags, &event),
            Err(problem) => fail(&format!("event {} cannot be stored: {problem:?}", event.kind().name)),
        }
        self
    }

    /// Events of one enum that happened before, in this order.
    ///
    /// # Panics
    /// When one does not survive its encoding.
    #[track_caller]
    pub fn events<E: Event>(self, events: impl IntoIterator<Item = E>) -> Self {
        events.into_iter().fold(self, Self::event)
    }

    /// The time of the decision; 1970-01-01T00:00:00Z if not given.
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// What the sender says of itself.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// Lets `decide` decide within the boundary. The ids that it makes are 1, 2, 3 ... as UUIDs.
    ///
    /// # Panics
    /// When an emitted event does not survive its encoding.
    #[track_caller]
    pub fn when<R, E>(
        self,
        decide: impl FnOnce(&mut BoundaryDecision<B>) -> Result<R, E>,
    ) -> When<B, Vec<InStream>, R, E> {
        let Self { state, selection, now, metadata } = self;
        let mut decision = BoundaryDecision::new(state, selection, now, Ids::Counted(0), metadata.into());
        let result = decide(&mut decision);
        let state = B::clone(&decision);
        let events = decision.into_emitted().into_iter().map(|emitted| in_stream(emitted.home, emitted.event));
        When { result, state, events: events.collect(), names: Vec::new() }
    }
}

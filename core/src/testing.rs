//! Tests of aggregates. With feature `testing`.
//!
//! * [`given`] these events, when this command, then these events: a rule, tested without a store. Both the given and the
//!   emitted events go through their encoding and back, so that a test fails where a real store would lose something. Time
//!   stands still and new ids are counted, so that tests repeat.
//! * [`laws`]: what holds for every aggregate, as a test of one line.
//! * [`FaultyStore`]: conflicts, failures, lost answers and delays, where the test wants them.

mod differ;
mod faults;
pub mod laws;
mod stored;

use crate::{
    Aggregate, AggregateId, Decision, Handle, Metadata, Timestamp, Version,
    decision::{Decided, Ids},
};

pub use faults::{CommitFault, FaultyStore, ReadFault, Reads};
pub use stored::commit_of;
use stored::recoded;

/// An aggregate with a history. Go on with [`when`](Given::when).
///
/// ```
/// use annals_core::testing::given;
#[doc = include_str!("doc/counter.txt")]
/// # use Counted::Incremented;
/// given::<Counter>([Incremented { by: 1 }])
///     .when(Increment { by: 2 })
///     .then([Incremented { by: 2 }])
///     .replies(3);
/// given::<Counter>([]).when(Increment { by: 0 }).refused("nothing to count".to_owned());
/// ```
///
/// # Panics
/// When an event does not survive its encoding.
#[track_caller]
pub fn given<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    let mut state = A::default();
    let mut version = Version::ZERO;
    for event in events {
        state.evolve(&recoded(&event));
        version = version.next();
    }
    Given { state, version, id: None, now: Timestamp::EPOCH, metadata: Metadata::default() }
}

/// An aggregate with a history. Made by [`given`].
#[derive(Debug)]
#[must_use = "nothing is tested before `when`"]
pub struct Given<A: Aggregate> {
    state: A,
    version: Version,
    id: Option<A::Id>,
    now: Timestamp,
    metadata: Metadata,
}

impl<A: Aggregate> Given<A> {
    /// The time of the decision; 1970-01-01T00:00:00Z if not given.
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// The aggregate's id; if not given, the one of key `test`, `1` or the nil UUID, whichever is an id.
    pub fn id(mut self, id: impl Into<A::Id>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The version of the stream, if more came before than was given.
    pub fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// What the sender says of itself.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// Lets the aggregate decide about `command`. The ids that it makes are 1, 2, 3 ... as UUIDs.
    ///
    /// # Panics
    /// When the aggregate's id has to be given, or an emitted event does not survive its encoding.
    #[track_caller]
    pub fn when<C>(self, command: C) -> When<A, A::Reply, A::Error>
    where
        A: Handle<C>,
    {
        let Self { state, version, id, now, metadata } = self;
        let id = id.unwrap_or_else(any_id::<A>);
        let mut decision = Decision::new(id, state, version, now, Ids::Counted(0), metadata);
        let result = A::handle(&mut decision, command);
        let Decided { state, events, .. } = decision.into_parts();
        When { result, state, events: events.iter().map(recoded).collect() }
    }
}

/// What an aggregate decided. Made by [`Given::when`].
#[derive(Debug)]
#[must_use = "nothing is tested before `then`, `then_nothing`, `replies` or `refused`"]
pub struct When<A: Aggregate, R, E> {
    result: Result<R, E>,
    state: A,
    events: Vec<A::Event>,
}

/// What an aggregate accepted: look at its reply or state as well, or leave it.
#[derive(Debug)]
pub struct Then<A, R> {
    reply: R,
    state: A,
}

impl<A: Aggregate, R, E: std::fmt::Debug> When<A, R, E> {
    /// It accepted, and emitted exactly `events`.
    ///
    /// # Panics
    /// Otherwise, with the difference.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = A::Event>) -> Then<A, R>
    where
        A::Event: std::fmt::Debug + PartialEq,
    {
        let events: Vec<_> = events.into_iter().collect();
        let then = accepted(self.result, self.state);
        differ::check_equal("other events were emitted", &events, &self.events);
        then
    }

    /// It accepted, and emitted nothing.
    ///
    /// # Panics
    /// Otherwise, with what it emitted.
    #[track_caller]
    pub fn then_nothing(self) -> Then<A, R>
    where
        A::Event: std::fmt::Debug + PartialEq,
    {
        self.then([])
    }

    /// It accepted and replied `reply`, whatever it emitted.
    ///
    /// # Panics
    /// Otherwise, with the difference.
    #[track_caller]
    pub fn replies(self, reply: R) -> Then<A, R>
    where
        R: std::fmt::Debug + PartialEq,
    {
        accepted(self.result, self.state).replies(reply)
    }

    /// It refused with `error`.
    ///
    /// # Panics
    /// Otherwise, with the difference.
    #[track_caller]
    pub fn refused(self, error: E)
    where
        R: std::fmt::Debug,
        E: PartialEq,
    {
        match self.result {
            Ok(reply) => fail(&format!("expected the refusal {error:#?}, but it was accepted with reply {reply:#?}")),
            Err(refusal) => differ::check_equal("it was refused with another error", &error, &refusal),
        }
    }

    /// It refused, and the error's text is `message`.
    ///
    /// # Panics
    /// Otherwise, with the difference.
    #[track_caller]
    pub fn refused_saying(self, message: &str)
    where
        E: std::fmt::Display,
    {
        match self.result {
            Ok(_) => fail(&format!("expected the refusal {message:?}, but it was accepted")),
            Err(refusal) => differ::check_equal("it was refused with another text", message, &*refusal.to_string()),
        }
    }
}

impl<A, R> Then<A, R> {
    /// And it replied `reply`.
    ///
    /// # Panics
    /// Otherwise, with the difference.
    #[track_caller]
    pub fn replies(self, reply: R) -> Self
    where
        R: std::fmt::Debug + PartialEq,
    {
        differ::check_equal("it replied something else", &reply, &self.reply);
        self
    }

    /// The state behind the emitted events.
    #[must_use]
    pub fn state(&self) -> &A {
        &self.state
    }
}

#[track_caller]
fn accepted<A, R, E: std::fmt::Debug>(result: Result<R, E>, state: A) -> Then<A, R> {
    match result {
        Ok(reply) => Then { reply, state },
        Err(refusal) => fail(&format!("expected that it is accepted, but it was refused with {refusal:#?}")),
    }
}

#[track_caller]
fn any_id<A: Aggregate>() -> A::Id {
    let keys = ["test", "1", "00000000-0000-0000-0000-000000000000"];
    match keys.iter().find_map(|key| A::Id::from_key(key)) {
        Some(id) => id,
        None => fail("the aggregate has an id of its own form: give one with `.id(..)`"),
    }
}

#[track_caller]
#[expect(clippy::panic, reason = "a test says that it failed by panicking")]
fn fail(message: &str) -> ! {
    panic!("{message}")
}

#[cfg(test)]
mod tests;

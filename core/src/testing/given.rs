//! An aggregate with a history.

use crate::{
    Aggregate, AggregateId, Decision, Handle, Metadata, Timestamp, Version,
    decision::{Decided, Ids},
    names::{NameClaim, Said},
};

use super::{When, fail, recoded};

/// An aggregate with a history. Go on with [`when`](Given::when).
///
/// ```
/// use annals_core::testing::given;
#[doc = include_str!("../doc/counter.txt")]
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
    pub(super) state: A,
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
    pub fn when<C>(self, command: C) -> When<A, Vec<A::Event>, A::Reply, A::Error>
    where
        A: Handle<C>,
    {
        self.decide(|aggregate| A::handle(aggregate, command))
    }

    /// Lets `decide` decide about the aggregate, as [`together`](crate::Annals::together) would. The ids that it makes are
    /// 1, 2, 3 ... as UUIDs.
    ///
    /// # Panics
    /// When the aggregate's id has to be given, or an emitted event does not survive its encoding.
    #[track_caller]
    pub fn decide<R, E>(self, decide: impl FnOnce(&mut Decision<A>) -> Result<R, E>) -> When<A, Vec<A::Event>, R, E> {
        let mut decision = self.open(0);
        let result = decide(&mut decision);
        let (state, events, names) = settled(decision);
        When { result, state, events, names: claims_of(names) }
    }

    /// The decision; the ids that it makes begin behind `ids`.
    #[track_caller]
    pub(super) fn open(self, ids: u128) -> Decision<A> {
        let Self { state, version, id, now, metadata } = self;
        let id = id.unwrap_or_else(any_id::<A>);
        Decision::new(id, state, version, now, Ids::Counted(ids), metadata.into())
    }
}

/// What was said of names, in the order in which it was.
pub(super) fn claims_of(mut names: Vec<Said>) -> Vec<NameClaim> {
    names.sort_by_key(|said| said.at);
    names.into_iter().map(|said| said.claim).collect()
}

/// What came of a decision: the state, the events as a store would give them back, and what was said of names.
#[track_caller]
pub(super) fn settled<A: Aggregate>(decision: Decision<A>) -> (A, Vec<A::Event>, Vec<Said>) {
    let Decided { state, events, names } = decision.into_parts();
    (state, events.iter().map(recoded).collect(), names)
}

#[track_caller]
pub(super) fn any_id<A: Aggregate>() -> A::Id {
    let keys = ["test", "1", "00000000-0000-0000-0000-000000000000"];
    match keys.iter().find_map(|key| A::Id::from_key(key)) {
        Some(id) => id,
        None => fail("the aggregate has an id of its own form: give one with `.id(..)`"),
    }
}

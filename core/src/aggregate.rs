//! State that is folded from a stream.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::{Decision, Event, SnapshotPolicy, UpcastError, codec::EncodeError, codec::PayloadError};

/// State that is folded from the events of one stream, and decides about commands. Derive it.
///
/// `Default` is the state before the first event.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an aggregate",
    note = "derive it: `#[derive(Default, Clone, Aggregate)]` with `#[aggregate(name = \"..\", id = .., event = ..)]`"
)]
pub trait Aggregate: Evolve<Self::Event> + Default + Clone + Send + Sync + 'static {
    /// The category of its streams, for ever.
    const NAME: &'static str;

    /// What tells one aggregate of this kind from another: the key of its stream.
    type Id: AggregateId;

    /// Its events.
    type Event: Event;

    /// How its state is kept so that long streams need not be folded from the start; `None` never keeps it.
    #[must_use]
    fn snapshots() -> Option<Snapshots<Self>> {
        None
    }
}

/// How an aggregate's state is written down and read back.
#[derive(Debug)]
pub struct Snapshots<A: 'static> {
    /// When a snapshot is taken.
    pub policy: SnapshotPolicy,
    /// The version of the fold and of the state's meaning; raise it when either changes. From 1.
    pub version: u32,
    /// The state's own fields as written in the code. Another text makes older snapshots unusable.
    pub shape: &'static str,
    /// How snapshots of older versions are read, where folding anew is too dear. One of a version that is not here is not
    /// used.
    pub past: &'static [PastSnapshot<A>],
    /// Writes the state down.
    pub encode: fn(&A) -> Result<bytes::Bytes, EncodeError>,
    /// Reads it back.
    pub decode: fn(&[u8]) -> Result<A, PayloadError>,
}

/// How a snapshot of an older version is read.
#[derive(Debug)]
pub struct PastSnapshot<A: 'static> {
    /// The version.
    pub version: u32,
    /// The fields that the state had then.
    pub shape: &'static str,
    /// Reads it, and takes the steps to the state of today.
    pub decode: fn(&[u8]) -> Result<A, UpcastError>,
}

/// A state as it was written into snapshots by older code. Derive it.
///
/// Its [`SHAPE`](Self::SHAPE) tells whether a snapshot is of this state; one that is not is never read as it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no state of the past",
    note = "derive it: `#[derive(Deserialize, FormerState)]`"
)]
pub trait FormerState: DeserializeOwned {
    /// The state's own fields as they were written in the code.
    const SHAPE: &'static str;
}

/// Folds an event into a state.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot evolve from `{E}`",
    note = "write `impl Evolve<{E}> for {Self} {{ fn evolve(&mut self, event: &{E}) {{ .. }} }}`"
)]
pub trait Evolve<E> {
    /// Changes the state as the event says. It happened: there is nothing to refuse, and nothing to do but fold.
    fn evolve(&mut self, event: &E);
}

/// Decides about a command.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle the command `{C}`",
    label = "no `impl Handle<{C}> for {Self}`",
    note = "write `impl Handle<{C}> for {Self}` with the reply, the error and the decision"
)]
pub trait Handle<C>: Aggregate {
    /// What the sender is told when the command is accepted.
    type Reply: Send;

    /// Why a command is refused.
    type Error: Send;

    /// Decides: reads the state, emits events or refuses. Pure: no clock, no randomness, no input or output of its own,
    /// because it is run again when another command came in between.
    ///
    /// # Errors
    /// The refusal. Events that were emitted before it are dropped.
    fn handle(aggregate: &mut Decision<Self>, command: C) -> Result<Self::Reply, Self::Error>;
}

/// What tells one aggregate of a kind from another. Derive it for a newtype around one of the types below.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no id of an aggregate",
    note = "derive it: `#[derive(Debug, Clone, PartialEq, AggregateId)]`"
)]
pub trait AggregateId: Clone + fmt::Debug + PartialEq + Send + Sync + 'static {
    /// The key of the aggregate's stream: no `/`, no control characters, not empty.
    fn to_key(&self) -> String;

    /// Reads [`to_key`](Self::to_key) back; `None` when the text is no such id.
    fn from_key(key: &str) -> Option<Self>;
}

impl AggregateId for String {
    fn to_key(&self) -> String {
        self.clone()
    }
    fn from_key(key: &str) -> Option<Self> {
        Some(key.to_owned())
    }
}

macro_rules! plain_ids {
    ($($id:ty),*) => {$(
        impl AggregateId for $id {
            fn to_key(&self) -> String {
                self.to_string()
            }
            fn from_key(key: &str) -> Option<Self> {
                key.parse().ok()
            }
        }
    )*};
}

plain_ids!(u32, u64, i32, i64, uuid::Uuid);

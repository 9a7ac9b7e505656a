//! A saga, whatever its type: from a stored state and an input to a stored state and what is to be done.

use std::{
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
};

use annals_core::codec;
use annals_projections::{EventContext, HandlerPanic, Incoming, Subscription, engine::message};
use bytes::Bytes;

use crate::{
    BoxError, Commands, Reception, Refusal, Saga, StateError, Step,
    step::{About, Effects},
};

/// A saga, whatever its type.
pub(crate) trait Machine: Send + Sync {
    fn name(&self) -> &'static str;
    fn subscription(&self) -> Subscription;
    fn commands(&self) -> Commands;
    /// Whether its instances have a state.
    fn remembers(&self) -> bool {
        true
    }
    fn receive(&self, event: Incoming<'_>, context: &EventContext<'_>) -> Result<Option<Reception>, BoxError>;
    /// Decides a step; without a state it is the first one.
    fn decide(&self, state: Option<&StoredState>, input: &Given<'_>, about: &About<'_>) -> Result<Decided, BoxError>;
}

/// What an instance decides about.
pub(crate) enum Given<'a> {
    Event(Incoming<'a>, EventContext<'a>),
    Refused(Refusal<'a>),
    Timer(&'a str),
}

/// A state as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredState {
    pub(crate) version: u32,
    pub(crate) content: Bytes,
}

/// What came of a step.
#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) state: StoredState,
    pub(crate) effects: Effects,
}

/// The saga `S`.
pub(crate) struct MachineOf<S>(PhantomData<fn() -> S>);

impl<S> MachineOf<S> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S: Saga> Machine for MachineOf<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn subscription(&self) -> Subscription {
        S::subscription()
    }

    fn commands(&self) -> Commands {
        S::commands()
    }

    fn receive(&self, event: Incoming<'_>, context: &EventContext<'_>) -> Result<Option<Reception>, BoxError> {
        guarded(|| S::receive(event, context))
    }

    fn decide(&self, state: Option<&StoredState>, input: &Given<'_>, about: &About<'_>) -> Result<Decided, BoxError> {
        let mut saga = state.map(open::<S>).transpose()?.unwrap_or_default();
        let mut effects = Effects::default();
        let mut step = Step::new(about, &mut effects);
        guarded(|| match input {
            Given::Event(event, context) => saga.handle(*event, context, &mut step),
            Given::Refused(refusal) => saga.refused(refusal, &mut step),
            Given::Timer(name) => saga.timeout(name, &mut step),
        })?;
        let content = codec::encode("state of a saga", &saga)?;
        Ok(Decided { state: StoredState { version: S::VERSION, content }, effects: effects.checked()? })
    }
}

/// Reads a stored state, of today's version or of one of the past.
pub(crate) fn open<S: Saga>(state: &StoredState) -> Result<S, StateError> {
    if state.version == S::VERSION {
        return Ok(codec::decode(&state.content)?);
    }
    let past = S::PAST.iter().find(|past| past.version == state.version);
    let past = past.ok_or(StateError::Version { found: state.version, known: S::VERSION })?;
    (past.decode)(&state.content).map_err(|reason| StateError::Upcast { version: state.version, reason })
}

/// Does what a saga says, whatever it does.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, BoxError>) -> Result<T, BoxError> {
    // Whatever was changed is thrown away after a panic.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(HandlerPanic { message: message(&*panic) }.into()))
}

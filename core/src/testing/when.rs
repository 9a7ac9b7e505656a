//! What was decided, and what a test says of it.

use std::fmt::{Debug, Display};

use crate::{Aggregate, Home, names::NameClaim};

use super::{InStream, differ::check_equal, fail};

/// What was decided about `S`, with events `V`. Made by [`Given::when`](super::Given::when), and by the same of several
/// aggregates and of boundaries.
#[derive(Debug)]
#[must_use = "nothing is tested before `then`, `then_nothing`, `replies` or `refused`"]
pub struct When<S, V, R, E> {
    pub(super) result: Result<R, E>,
    pub(super) state: S,
    pub(super) events: V,
    pub(super) names: Vec<NameClaim>,
}

/// What was accepted: look at its reply, its names or its state as well, or leave it.
#[derive(Debug)]
pub struct Then<S, R> {
    reply: R,
    state: S,
    names: Vec<NameClaim>,
}

impl<A: Aggregate, R, E: Debug> When<A, Vec<A::Event>, R, E> {
    /// It accepted, and emitted exactly `events`.
    ///
    /// # Panics
    /// Otherwise, with the difference.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = A::Event>) -> Then<A, R>
    where
        A::Event: Debug + PartialEq,
    {
        self.then_each(events.into_iter().collect())
    }

    /// It accepted, and emitted nothing.
    ///
    /// # Panics
    /// Otherwise, with what it emitted.
    #[track_caller]
    pub fn then_nothing(self) -> Then<A, R>
    where
        A::Event: Debug + PartialEq,
    {
        self.then([])
    }
}

impl<S, R, E: Debug> When<S, Vec<InStream>, R, E> {
    /// It accepted, and emitted exactly these events, in this order: [`emitted`](super::emitted) makes each.
    ///
    /// # Panics
    /// Otherwise, with the difference.
    #[track_caller]
    pub fn then_emitted(self, events: impl IntoIterator<Item = InStream>) -> Then<S, R> {
        self.then_each(events.into_iter().collect())
    }
}

impl<S, V, R, E: Debug> When<S, V, R, E> {
    /// It accepted, and emitted exactly `events`: for several aggregates a tuple of what each emitted.
    ///
    /// # Panics
    /// Otherwise, with the difference.
    #[track_caller]
    pub fn then_each(self, events: V) -> Then<S, R>
    where
        V: Debug + PartialEq,
    {
        let (then, found) = self.accepted();
        check_equal("other events were emitted", &events, &found);
        then
    }

    /// It accepted and replied `reply`, whatever it emitted.
    ///
    /// # Panics
    /// Otherwise, with the difference.
    #[track_caller]
    pub fn replies(self, reply: R) -> Then<S, R>
    where
        R: Debug + PartialEq,
    {
        self.accepted().0.replies(reply)
    }

    /// It refused with `error`.
    ///
    /// # Panics
    /// Otherwise, with the difference.
    #[track_caller]
    pub fn refused(self, error: E)
    where
        R: Debug,
        E: PartialEq,
    {
        match self.result {
            Ok(reply) => fail(&format!("expected the refusal {error:#?}, but it was accepted with reply {reply:#?}")),
            Err(refusal) => check_equal("it was refused with another error", &error, &refusal),
        }
    }

    /// It refused, and the error's text is `message`.
    ///
    /// # Panics
    /// Otherwise, with the difference.
    #[track_caller]
    pub fn refused_saying(self, message: &str)
    where
        E: Display,
    {
        match self.result {
            Ok(_) => fail(&format!("expected the refusal {message:?}, but it was accepted")),
            Err(refusal) => check_equal("it was refused with another text", message, &*refusal.to_string()),
        }
    }

    #[track_caller]
    fn accepted(self) -> (Then<S, R>, V) {
        let Self { result, state, events, names } = self;
        match result {
            Ok(reply) => (Then { reply, state, names }, events),
            Err(refusal) => fail(&format!("expected that it is accepted, but it was refused with {refusal:#?}")),
        }
    }
}

impl<S, R> Then<S, R> {
    /// And it replied `reply`.
    ///
    /// # Panics
    /// Otherwise, with the difference.
    #[track_caller]
    pub fn replies(self, reply: R) -> Self
    where
        R: Debug + PartialEq,
    {
        check_equal("it replied something else", &reply, &self.reply);
        self
    }

    /// And it said exactly this of unique names, in this order; see [`claims`], [`releases`] and [`transfers`].
    ///
    /// # Panics
    /// Otherwise, with the difference.
    #[track_caller]
    pub fn names(self, said: impl IntoIterator<Item = NameClaim>) -> Self {
        let said: Vec<_> = said.into_iter().collect();
        check_equal("something else was said of names", &said, &self.names);
        self
    }

    /// The state behind the emitted events.
    #[must_use]
    pub fn state(&self) -> &S {
        &self.state
    }
}

/// What [`Decision::claim`](crate::Decision::claim) says.
#[must_use]
pub fn claims(scope: impl AsRef<str>, name: impl AsRef<str>) -> NameClaim {
    NameClaim::new(scope.as_ref(), name.as_ref())
}

/// What [`Decision::release`](crate::Decision::release) says.
#[must_use]
pub fn releases(scope: impl AsRef<str>, name: impl AsRef<str>) -> NameClaim {
    NameClaim::release(scope.as_ref(), name.as_ref())
}

/// What [`Decision::transfer`](crate::Decision::transfer) says.
#[must_use]
pub fn transfers(scope: impl AsRef<str>, name: impl AsRef<str>, to: impl Into<Home>) -> NameClaim {
    NameClaim::transfer(scope.as_ref(), name.as_ref(), to.into())
}

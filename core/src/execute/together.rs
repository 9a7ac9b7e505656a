//! One decision about several things at once, on its way.

use std::future::IntoFuture;

use futures::future::BoxFuture;

use crate::{Annals, Command, Executed, Metadata, Record, Reply, Targets, Timestamp};

use super::{Asked, Decide, Deciding, ExecuteError, Request, execute};

/// One decision about several aggregates or boundaries, on its way. Await it.
///
/// A future that is dropped before its commit was queued wrote nothing; later the commit completes by itself.
#[must_use = "nothing is decided before it is awaited"]
pub struct Together<'a, T: Targets, R, E> {
    annals: &'a Annals,
    targets: T,
    decide: Decide<'a, T, R, E>,
    request: Request<R>,
}

impl<'a, T: Targets, R, E> Together<'a, T, R, E> {
    pub(crate) fn new(annals: &'a Annals, targets: T, decide: Decide<'a, T, R, E>) -> Self {
        Self { annals, targets, decide, request: Request::default() }
    }

    /// Makes the decision take effect once, however often it is made under this key: a repetition is answered with the
    /// first reply and writes nothing. A refusal is not recorded. `request` is what is asked for; with another one, other
    /// aggregates, or boundaries with other tags, the key is an error ([`KeyReused`](ExecuteError::KeyReused)).
    pub fn idempotency_key(mut self, key: impl AsRef<str>, request: &impl Command) -> Self
    where
        R: Reply,
    {
        self.request.asked = Some(Asked::new(key.as_ref(), request));
        self.request.show(self.annals, request);
        self
    }

    /// Who and what caused it. Every event gets it; a command id and a correlation id are made if not given, and a
    /// traceparent of the current tracing span.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.request.metadata = metadata;
        self
    }

    /// The event that led to it: the new events belong to its conversation and name it as their cause.
    pub fn caused_by(mut self, record: &Record) -> Self {
        self.request.metadata.follow(record);
        self
    }

    /// When it happened in the world; without it, when it is recorded.
    pub fn occurred(mut self, occurred: Timestamp) -> Self {
        self.request.occurred = Some(occurred);
        self
    }
}

impl<'a, T, R, E> IntoFuture for Together<'a, T, R, E>
where
    T: Targets + 'a,
    R: Send + 'a,
    E: Send + 'a,
{
    type Output = Result<Executed<R>, ExecuteError<E>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(execute(self.annals, self.targets, self.request, Deciding::Now(self.decide)))
    }
}

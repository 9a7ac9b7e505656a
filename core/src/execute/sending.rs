//! A command on its way to whoever decides about it.

use std::future::IntoFuture;

use futures::future::BoxFuture;

use crate::{Aggregate, Annals, At, Beside, Command, Executed, Metadata, Record, Reply, Targets, Timestamp, Version};

use super::{Asked, Deciding, ExecuteError, Request, execute};

/// A command on its way to whoever decides about it: one aggregate ([`On::send`](crate::On::send)), or several things together
/// ([`Annals::send`]). Await it to send it.
///
/// A future that is dropped before its commit was queued wrote nothing; later the commit completes by itself.
///
/// It resolves to a reply `R` or an error `E`. How the command is decided is taken where it is known that it can be, in
/// [`On::send`](crate::On::send): so a command that is not handled is one mistake with one message, and not another one
/// at the `.await`.
#[must_use = "nothing is sent before it is awaited"]
pub struct Sending<'a, T: Targets, C, R, E> {
    annals: &'a Annals,
    targets: T,
    command: C,
    request: Request<R>,
    deciding: fn(C) -> Deciding<'a, T, R, E>,
}

impl<'a, T: Targets, C, R, E> Sending<'a, T, C, R, E> {
    pub(crate) fn new(annals: &'a Annals, targets: T, command: C, deciding: fn(C) -> Deciding<'a, T, R, E>) -> Self {
        Self { annals, targets, command, request: Request::default(), deciding }
    }

    /// The handle that it is sent through.
    #[must_use]
    pub fn annals(&self) -> &'a Annals {
        self.annals
    }

    /// Makes the command take effect once, however often it is sent under this key: a repetition is answered with the
    /// first reply and writes nothing, also when the aggregate would refuse it by now. A refusal is not recorded.
    ///
    /// The key holds for the handle's tenant. Sent to another aggregate, as another command, or with other content, the
    /// key is an error ([`KeyReused`](ExecuteError::KeyReused)).
    pub fn idempotency_key(mut self, key: impl AsRef<str>) -> Self
    where
        C: Command,
        R: Reply,
    {
        self.request.asked = Some(Asked::new(key.as_ref(), &self.command));
        self
    }

    /// Who and what caused the command. Every event gets it; a command id and a correlation id are made if not given, and
    /// a traceparent of the current tracing span.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.request.metadata = metadata;
        self
    }

    /// The event that led to the command: the new events belong to its conversation and name it as their cause.
    pub fn caused_by(mut self, record: &Record) -> Self {
        self.request.metadata.follow(record);
        self
    }

    /// What the command's commit carries beside what is decided.
    pub fn beside(mut self, beside: Beside) -> Self {
        self.request.beside = beside;
        self
    }

    /// When what the command says happened in the world; without it, when it is recorded.
    pub fn occurred(mut self, occurred: Timestamp) -> Self {
        self.request.occurred = Some(occurred);
        self
    }
}

impl<A: Aggregate, C, R, E> Sending<'_, At<A>, C, R, E> {
    /// Sends the command only to this version of the aggregate (a client's `If-Match`): any other is a conflict at
    /// once, and nothing is tried again.
    pub fn expect_version(mut self, version: Version) -> Self {
        self.request.expected = Some(version);
        self
    }
}

impl<'a, T, C, R, E> IntoFuture for Sending<'a, T, C, R, E>
where
    T: Targets + 'a,
    C: Clone + Send + Sync + 'static,
    R: Send + 'a,
    E: Send + 'a,
{
    type Output = Result<Executed<R>, ExecuteError<E>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { annals, targets, command, mut request, deciding } = self;
        request.show(annals, &command);
        Box::pin(execute(annals, targets, request, deciding(command)))
    }
}

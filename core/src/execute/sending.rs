//! A command on its way to one aggregate.

use std::future::IntoFuture;

use futures::future::BoxFuture;

use crate::{Aggregate, Annals, At, Command, Decision, Executed, Handle, Metadata, Reply, Timestamp, Version};

use super::{Asked, ExecuteError, Request, execute};

/// A command on its way to one aggregate. Await it to send it.
///
/// A future that is dropped before its commit was queued wrote nothing; later the commit completes by itself.
///
/// It resolves to a reply `R` or an error `E`. The handler is taken where it is known to be there, in
/// [`On::send`](crate::On::send): so a command that is not handled is one mistake with one message, and not another one
/// at the `.await`.
#[must_use = "nothing is sent before it is awaited"]
pub struct Sending<'a, A: Aggregate, C, R, E> {
    annals: &'a Annals,
    target: At<A>,
    command: C,
    request: Request<R>,
    handle: fn(&mut Decision<A>, C) -> Result<R, E>,
}

impl<'a, A: Aggregate, C, R, E> Sending<'a, A, C, R, E> {
    pub(super) fn new(annals: &'a Annals, target: At<A>, command: C) -> Self
    where
        A: Handle<C, Reply = R, Error = E>,
    {
        Self { annals, target, command, request: Request::default(), handle: A::handle }
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

    /// Sends the command only to this version of the aggregate (a client's `If-Match`): any other is a conflict at
    /// once, and nothing is tried again.
    pub fn expect_version(mut self, version: Version) -> Self {
        self.request.expected = Some(version);
        self
    }

    /// Who and what caused the command. Every event gets it; a command id and a correlation id are made if not given.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.request.metadata = metadata;
        self
    }

    /// When what the command says happened in the world; without it, when it is recorded.
    pub fn occurred(mut self, occurred: Timestamp) -> Self {
        self.request.occurred = Some(occurred);
        self
    }
}

impl<'a, A, C, R, E> IntoFuture for Sending<'a, A, C, R, E>
where
    A: Aggregate,
    C: Clone + Send + 'a,
    R: Send + 'a,
    E: Send + 'a,
{
    type Output = Result<Executed<R>, ExecuteError<E>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { annals, target, command, request, handle } = self;
        Box::pin(execute(annals, target, request, move |aggregate| handle(aggregate, command.clone())))
    }
}

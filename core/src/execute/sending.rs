//! A command on its way to one aggregate.

use std::future::IntoFuture;

use futures::future::BoxFuture;

use crate::{Annals, At, Command, Executed, Handle, Metadata, Reply, Timestamp, Version};

use super::{Asked, ExecuteError, Request, execute};

/// A command on its way to one aggregate. Await it to send it.
///
/// A future that is dropped before its commit was queued wrote nothing; later the commit completes by itself.
#[must_use = "nothing is sent before it is awaited"]
pub struct Sending<'a, A: Handle<C>, C> {
    annals: &'a Annals,
    target: At<A>,
    command: C,
    request: Request<<A as Handle<C>>::Reply>,
}

impl<'a, A: Handle<C>, C> Sending<'a, A, C> {
    pub(super) fn new(annals: &'a Annals, target: At<A>, command: C) -> Self {
        Self { annals, target, command, request: Request::default() }
    }

    /// Makes the command take effect once, however often it is sent under this key: a repetition is answered with the
    /// first reply and writes nothing, also when the aggregate would refuse it by now. A refusal is not recorded.
    ///
    /// The key holds for the handle's tenant. Sent to another aggregate, as another command, or with other content, the
    /// key is an error ([`KeyReused`](ExecuteError::KeyReused)).
    pub fn idempotency_key(mut self, key: impl AsRef<str>) -> Self
    where
        C: Command,
        A::Reply: Reply,
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

impl<'a, A, C> IntoFuture for Sending<'a, A, C>
where
    A: Handle<C>,
    A::Id: 'a,
    C: Clone + Send + 'a,
{
    type Output = Result<Executed<A::Reply>, ExecuteError<A::Error>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { annals, target, command, request } = self;
        Box::pin(execute(annals, target, request, move |aggregate| A::handle(aggregate, command.clone())))
    }
}

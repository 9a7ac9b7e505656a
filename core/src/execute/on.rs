//! One aggregate, to send commands to.

use std::sync::Arc;

use thiserror::Error;

use crate::{
    Aggregate, Annals, At, Closing, Commit, CommitError, Handle, InvalidText, LoadError, Loaded, LoggedTable, Prepare,
    Receipt, Rejection, RowWrite, SnapshotError, Version, load,
};

use super::{Deciding, Request, Sending};

/// One aggregate of one handle's tenant, to send commands to.
#[derive(Debug)]
pub struct On<'a, A: Aggregate> {
    pub(crate) annals: &'a Annals,
    pub(crate) target: At<A>,
}

/// What is replied when `A` has prepared a `C`.
type Reply<A, C> = <A as Handle<<A as Prepare<C>>::Prepared>>::Reply;

/// Why a stream was not closed, or may not have been.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum CloseError {
    /// The id makes no stream id. Correct it.
    #[error(transparent)]
    InvalidId(#[from] InvalidText),
    /// An interceptor let it not pass; nothing was written. Its reason says why.
    #[error("rejected: {0}")]
    Rejected(Rejection),
    /// The store failed; the error says what to do.
    #[error(transparent)]
    Store(#[from] CommitError),
}

impl<'a, A: Aggregate> On<'a, A> {
    pub(crate) fn new(annals: &'a Annals, target: At<A>) -> Self {
        Self { annals, target }
    }

    /// Sends a command: the aggregate is loaded, decides, and what it emitted is committed if it has not moved since;
    /// if it has, it decides again on what came in between.
    ///
    /// A command that emits nothing and has no idempotency key writes nothing.
    pub fn send<C>(&self, command: C) -> Sending<'a, At<A>, C, A::Reply, A::Error>
    where
        A: Handle<C>,
        C: Clone + Send + Sync + 'static,
    {
        Sending::new(self.annals, self.target.clone(), command, Deciding::handling)
    }

    /// The same for a command for which something has to be waited for first: once the aggregate is loaded,
    /// [`Prepare::prepare`] runs, once, and then the aggregate decides about what it prepared. The idempotency key is that
    /// of the command as it is given here, and is looked up before.
    pub fn prepare<C>(&self, command: C) -> Sending<'a, At<A>, C, Reply<A, C>, <A as Prepare<C>>::Error>
    where
        A: Prepare<C> + Handle<A::Prepared, Error = <A as Prepare<C>>::Error>,
        C: Clone + Send + Sync + 'static,
    {
        Sending::new(self.annals, self.target.clone(), command, Deciding::preparing)
    }

    /// The state as of now.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn load(&self) -> Result<Loaded<A>, LoadError> {
        let held = load::load(self.annals, &self.target).await?;
        let loaded = Loaded { state: held.state.clone(), version: held.version };
        load::keep(self.annals, held);
        Ok(loaded)
    }

    /// Closes the stream for ever: no event can be appended to it, and it reads as before. Idempotent: a stream that is
    /// closed already stays so, and the receipt is that of the latest commit. Interceptors see a [`Closing`].
    ///
    /// # Errors
    /// [`CloseError`].
    pub async fn close(&self) -> Result<Receipt, CloseError> {
        let stream = self.annals.stream(&self.target)?;
        let mut request = Request::<()>::default();
        request.show(self.annals, &Closing);
        let intercepted = request.intercept(self.annals, std::slice::from_ref(&stream), &[]).await;
        intercepted.map_err(CloseError::Rejected)?;
        let (table, key) = LoggedTable::CLOSED.row_of(&stream);
        let rows = self.annals.store().get(&[(table.into(), key)]).await.map_err(CommitError::Unreadable)?;
        let is_closed = rows.iter().any(Option::is_some);
        let commit = if is_closed { Commit::new() } else { Commit::new().row(RowWrite::close(&stream)) };
        Ok(self.annals.store().commit(commit).await?)
    }

    /// Takes a snapshot now, whatever the policy says, and returns its version. At version 0 there is nothing to take.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub async fn snapshot(&self) -> Result<Version, SnapshotError> {
        let mut held = load::load(self.annals, &self.target).await?;
        if !held.version.is_zero() {
            self.annals.keeper().take_now(self.annals.store(), &held).await?;
            Arc::make_mut(&mut held).note_snapshot();
        }
        let version = held.version;
        load::keep(self.annals, held);
        Ok(version)
    }
}

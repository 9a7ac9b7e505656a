//! What happens to every command before anything is looked up: validation, authorisation, metadata.

use std::{any::Any, error::Error, fmt, sync::Arc};

use async_trait::async_trait;

use crate::{IdempotencyKey, Metadata, StreamId, Tag, Tenant};

/// Sees every command, every decision about several things, and every closing of a stream before it is executed:
/// validates, authorises, or enriches the metadata. Registered on the [builder](crate::Builder::interceptor), run in that order, once for each time a
/// command is sent, repetitions included; the first that rejects ends it.
///
/// A function from `&mut Intent` to a `Result<(), Rejection>` is an interceptor; what has to wait implements the trait.
///
/// ```
/// use annals_core::{Annals, ExecuteError, Intent, MemoryStore, Rejection};
#[doc = include_str!("doc/counter.txt")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let small_steps = |intent: &mut Intent<'_>| match intent.command::<Increment>() {
///     Some(increment) if increment.by > 10 => Err(Rejection::new("a step is at most 10")),
///     _ => Ok(()),
/// };
/// let annals = Annals::over(MemoryStore::new()).interceptor(small_steps).open().await?;
/// let rejected = annals.on::<Counter>("steps").send(Increment { by: 11 }).await;
/// assert!(matches!(rejected, Err(ExecuteError::Rejected(_))));
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Interceptor: Send + Sync + 'static {
    /// Looks at what is to be done.
    ///
    /// # Errors
    /// [`Rejection`]: nothing is looked up, decided or written.
    async fn intercept(&self, intent: &mut Intent<'_>) -> Result<(), Rejection>;
}

#[async_trait]
impl<F> Interceptor for F
where
    F: Fn(&mut Intent<'_>) -> Result<(), Rejection> + Send + Sync + 'static,
{
    async fn intercept(&self, intent: &mut Intent<'_>) -> Result<(), Rejection> {
        self(intent)
    }
}

/// What is about to be done.
pub struct Intent<'a> {
    /// The streams of the aggregates that it is about, in the order in which they were named.
    pub streams: &'a [StreamId],
    /// The tags by which its boundaries select, in the order in which they were named.
    pub tags: &'a [Tag],
    /// Whose handle it is sent by.
    pub tenant: Option<&'a Tenant>,
    /// The idempotency key, if there is one.
    pub key: Option<&'a IdempotencyKey>,
    /// What every event will carry; command and correlation id are set already.
    pub metadata: &'a mut Metadata,
    pub(crate) command: Option<&'a (dyn Any + Send + Sync)>,
}

impl Intent<'_> {
    /// The command, if it is a `C`. A decision about several aggregates has one only under an idempotency key: its request.
    #[must_use]
    pub fn command<C: 'static>(&self) -> Option<&C> {
        self.command?.downcast_ref()
    }
}

impl fmt::Debug for Intent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { streams, tags, tenant, key, metadata, command: _ } = self;
        f.debug_struct("Intent")
            .field("streams", streams)
            .field("tags", tags)
            .field("tenant", tenant)
            .field("key", key)
            .field("metadata", metadata)
            .finish_non_exhaustive()
    }
}

/// The command that interceptors see when a stream is closed ([`On::close`](crate::On::close)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing;

/// Why an interceptor let something not pass.
#[derive(Debug, Clone)]
pub struct Rejection {
    reason: Arc<dyn Error + Send + Sync>,
}

impl Rejection {
    /// The rejection with this reason: a text, or an error of one's own, which the sender gets back as
    /// [`reason`](Self::reason).
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { reason: Arc::from(reason.into()) }
    }

    /// The reason, to be looked at or downcast.
    #[must_use]
    pub fn reason(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.reason
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

#[cfg(test)]
mod tests;

//! What has to be waited for before a pure decision.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    future::Future,
    ops::Deref,
    sync::Arc,
};

use crate::{Aggregate, IdempotencyKey, Metadata, Timestamp, Version};

/// Waits for what a decision about `C` needs from outside: a payment provider, a price list.
///
/// It runs once for a command, on the state as it was loaded first; the decision on what it prepared may run again when
/// another command came in between, so whatever must hold at that moment is checked there. With an idempotency key the
/// first answer is looked up before anything is prepared.
///
/// The service is registered once ([`Builder::service`](crate::Builder::service)); a test registers another value of the
/// same type. For a choice at run time the type is a trait object: `type Service = Arc<dyn Payments>`.
///
/// ```
/// use annals_core::{Annals, MemoryStore, Preparation, Prepare};
#[doc = include_str!("doc/counter.txt")]
/// /// What a step counts for; in a real app it asks another service.
/// struct Weights(u32);
///
/// #[derive(Clone)]
/// struct Step;
///
/// impl Prepare<Step> for Counter {
///     type Service = Weights;
///     type Prepared = Increment; // handled as usual
///     type Error = String;
///     async fn prepare(_: Preparation<'_, Counter>, _: Step, weights: &Weights) -> Result<Increment, String> {
///         Ok(Increment { by: weights.0 })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let annals = Annals::over(MemoryStore::new()).service(Weights(7)).open().await?;
/// assert_eq!(annals.on::<Counter>("steps").prepare(Step).await?.reply, 7);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not prepare the command `{C}`",
    label = "no `impl Prepare<{C}> for {Self}`",
    note = "write `impl Prepare<{C}> for {Self}`, or send the command without preparing it: `.send(..)`"
)]
pub trait Prepare<C>: Aggregate {
    /// What is asked.
    type Service: Send + Sync + 'static;

    /// What the aggregate handles then: a command of its own, that says what was found out.
    type Prepared: Clone + Send + Sync;

    /// Why nothing comes of it: the error of the handler.
    type Error: Send;

    /// Finds out what the decision needs. Written as an `async fn`.
    ///
    /// # Errors
    /// The refusal; nothing is decided or written.
    fn prepare(
        aggregate: Preparation<'_, Self>,
        command: C,
        service: &Self::Service,
    ) -> impl Future<Output = Result<Self::Prepared, Self::Error>> + Send;
}

/// What a command is prepared on: the aggregate as it was loaded first, to which it derefs, and what is known of the
/// sending.
#[derive(Debug)]
pub struct Preparation<'a, A: Aggregate> {
    pub(crate) state: &'a A,
    pub(crate) id: &'a A::Id,
    pub(crate) version: Version,
    pub(crate) now: Timestamp,
    pub(crate) metadata: &'a Metadata,
    pub(crate) key: Option<&'a IdempotencyKey>,
}

impl<'a, A: Aggregate> Preparation<'a, A> {
    /// Which aggregate it is.
    #[must_use]
    pub fn id(&self) -> &'a A::Id {
        self.id
    }

    /// How many events the state was folded from.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The time of the decision that follows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Who and what caused the command. Its command id is another one each time that the command is sent.
    #[must_use]
    pub fn metadata(&self) -> &'a Metadata {
        self.metadata
    }

    /// The idempotency key, if there is one: the same each time that the command is sent, so that a service that takes such
    /// keys recognises the repetition too.
    #[must_use]
    pub fn key(&self) -> Option<&'a IdempotencyKey> {
        self.key
    }
}

impl<A: Aggregate> Deref for Preparation<'_, A> {
    type Target = A;
    fn deref(&self) -> &A {
        self.state
    }
}

/// The services that were registered, one of each type.
#[derive(Clone, Default)]
pub(crate) struct Services {
    by_type: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl Services {
    /// Registers `service` in place of another of its type.
    pub(crate) fn register<S: Send + Sync + 'static>(&mut self, service: S) {
        self.by_type.insert(TypeId::of::<S>(), Arc::new(service));
    }

    pub(crate) fn get<S: 'static>(&self) -> Option<&S> {
        self.by_type.get(&TypeId::of::<S>())?.downcast_ref()
    }
}

#[cfg(test)]
mod tests;

//! What runs on an open store beside commands: projections, sagas.

use std::{any::Any, sync::Arc};

use async_trait::async_trait;

use crate::{Annals, OpenError};

/// Something that runs on a store for as long as it is open, as it is built. [`Builder::component`](crate::Builder::component)
/// takes it; a crate that has one gives the builder a method of its own instead, by a trait.
#[async_trait]
pub trait Component: Any + Send {
    /// Starts it. Whatever it does for long belongs into tasks of its own. The handle may be kept: it is one through which
    /// commands can be sent, and by which nothing is found that runs on the store, so that what runs does not keep itself.
    ///
    /// # Errors
    /// [`OpenError`], usually [`OpenError::Component`]; nothing is left running.
    async fn start(self: Box<Self>, annals: &Annals) -> Result<Arc<dyn Running>, OpenError>;
}

/// Something that runs on a store.
#[async_trait]
pub trait Running: Any + Send + Sync {
    /// Ends it, and waits until it has ended. Idempotent. Called before the store is shut down.
    async fn stop(&self);
}

//! What can be opened as a store.

use std::{error::Error, sync::Arc};

use async_trait::async_trait;
use thiserror::Error;

use crate::{InvalidText, MemoryStore, Store};

/// Something that becomes a store: the options of a durable store, or a store that is open already.
#[async_trait]
pub trait OpenStore: Send {
    /// Opens it.
    ///
    /// # Errors
    /// [`OpenError`], usually [`OpenError::Store`].
    async fn open_store(self: Box<Self>) -> Result<Arc<dyn Store>, OpenError>;
}

#[async_trait]
impl OpenStore for MemoryStore {
    async fn open_store(self: Box<Self>) -> Result<Arc<dyn Store>, OpenError> {
        Ok(Arc::new(*self))
    }
}

#[async_trait]
impl OpenStore for Arc<dyn Store> {
    async fn open_store(self: Box<Self>) -> Result<Arc<dyn Store>, OpenError> {
        Ok(*self)
    }
}

/// Why nothing was opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store could not be opened; this is its own error, which says what to do.
    #[error(transparent)]
    Store {
        /// The store's own error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Two aggregates were registered under one name, or one twice. Give each its own.
    #[error("aggregate {name} is registered twice")]
    DuplicateAggregate {
        /// The name.
        name: &'static str,
    },
    /// An aggregate's name makes no category of streams. Rename it.
    #[error("an aggregate has an unusable name: {0}")]
    InvalidAggregate(InvalidText),
    /// Two event enums claim one stored name, as a present name, an alias or a form of the past: what the one writes, the
    /// other would read as its own. Rename one of them; or, if the event moved from one enum to the other, let the former
    /// one name it in `retired(..)`.
    #[error("event {name} is claimed by {first} and by {second}")]
    DuplicateEvent {
        /// The stored name.
        name: &'static str,
        /// The enum that was registered first.
        first: &'static str,
        /// The other one.
        second: &'static str,
    },
    /// An aggregate or an event enum was registered whose events are not among those of
    /// [`Builder::schemas`](crate::Builder::schemas), so that nothing would look at what they are stored as. Add it there.
    #[error(
        "{events} is registered, but missing from the schemas: add `.event::<{events}>()`, or its aggregate, to them"
    )]
    NotInSchemas {
        /// The event enum.
        events: &'static str,
    },
    /// What was to run on the store could not be started; this is its own error, which says what to do.
    #[error(transparent)]
    Component {
        /// Its own error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It was opened outside a tokio runtime, which is needed for work in the background. Open it inside one.
    #[error("there is no tokio runtime to run on")]
    NoRuntime,
}

impl OpenError {
    /// The error of a store that could not be opened.
    pub fn store(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Store { source: source.into() }
    }

    /// The error of a component that could not be started.
    pub fn component(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Component { source: source.into() }
    }
}

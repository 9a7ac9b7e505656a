//! How an application's builder opens the store.

use std::sync::Arc;

use annals_core::{OpenError, OpenStore, Store};
use async_trait::async_trait;

use crate::{SledOptions, SledStore};

#[async_trait]
impl OpenStore for SledOptions {
    /// Opens the store on a thread for blocking work.
    async fn open_store(self: Box<Self>) -> Result<Arc<dyn Store>, OpenError> {
        let opening = tokio::task::spawn_blocking(move || SledStore::open(*self));
        let store = opening.await.map_err(OpenError::store)?.map_err(OpenError::store)?;
        Ok(Arc::new(store))
    }
}

#[async_trait]
impl OpenStore for SledStore {
    async fn open_store(self: Box<Self>) -> Result<Arc<dyn Store>, OpenError> {
        Ok(Arc::new(*self))
    }
}

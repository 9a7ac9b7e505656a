//! The embedded store as the suite and the examples meet it.

use std::sync::Arc;

use annals_conformance::{Harness, Setup};
use annals_core::Store;
use annals_store_sled::{SledOptions, SledStore};
use tempfile::TempDir;

/// `BATCH` index entries are written at once.
pub(crate) struct SledHarness<const BATCH: usize> {
    store: SledStore,
    setup: Setup,
    folder: TempDir,
}

fn open(folder: &TempDir, setup: &Setup, batch: usize) -> SledStore {
    let options = SledOptions::new(folder.path().join("store")).limits(setup.limits).clock(setup.clock());
    let options = options.index_batch_entries(batch);
    SledStore::open(options).expect("the store opens")
}

impl<const BATCH: usize> Harness for SledHarness<BATCH> {
    const SURVIVES: bool = true;

    async fn create(setup: Setup) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        Self { store: open(&folder, &setup, BATCH), setup, folder }
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    async fn reopen(&mut self) {
        self.store.shut_down().await;
        self.store = open(&self.folder, &self.setup, BATCH);
    }

    async fn lose_index(&mut self) -> bool {
        self.store.shut_down().await;
        std::fs::remove_dir_all(self.folder.path().join("store/index")).expect("the index is deleted");
        self.store = open(&self.folder, &self.setup, BATCH);
        true
    }
}

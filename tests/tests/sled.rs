//! The embedded store against the suite.

use std::sync::Arc;

use annals_conformance::{Harness, Setup};
use annals_core::Store;
use annals_store_sled::{SledOptions, SledStore};
use tempfile::TempDir;

struct SledHarness {
    store: SledStore,
    setup: Setup,
    folder: TempDir,
}

fn open(folder: &TempDir, setup: &Setup) -> SledStore {
    let options = SledOptions::new(folder.path().join("store")).limits(setup.limits).clock(setup.clock());
    SledStore::open(options).expect("the store opens")
}

impl Harness for SledHarness {
    const SURVIVES: bool = true;

    async fn create(setup: Setup) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        Self { store: open(&folder, &setup), setup, folder }
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    async fn reopen(&mut self) {
        self.store.shut_down().await;
        self.store = open(&self.folder, &self.setup);
    }
}

annals_conformance::suite!(SledHarness);

//! The store with faults, without any: whatever a test does not ask for goes to the store behind it as it is.

use std::sync::Arc;

use annals_conformance::{Harness, MemoryHarness, Setup};
use annals_core::{Store, testing::FaultyStore};

struct Faulty(MemoryHarness, FaultyStore);

impl Faulty {
    fn over(harness: MemoryHarness) -> Self {
        let store = FaultyStore::over(harness.store());
        Self(harness, store)
    }
}

impl Harness for Faulty {
    const SURVIVES: bool = MemoryHarness::SURVIVES;

    async fn create(setup: Setup) -> Self {
        Self::over(MemoryHarness::create(setup).await)
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.1.clone())
    }

    async fn reopen(&mut self) {
        self.0.reopen().await;
        self.1 = FaultyStore::over(self.0.store());
    }
}

annals_conformance::suite!(Faulty);

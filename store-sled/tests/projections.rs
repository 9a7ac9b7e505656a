//! Projections over the embedded store (T11; P6, P14): killed at any moment, with the index lost or replaced by an older
//! one between two starts, their rows equal the fold of the log.
//!
//! 50 kills with 100,000 events, or as many as `ANNALS_SOAK_PROJECTION_KILLS` says, and 20 while rows are computed anew beside those
//! that are read, or as many as `ANNALS_SOAK_REBUILD_KILLS` says; `ANNALS_SEED` repeats when they come, as far as the machine does.
#![allow(clippy::print_stdout, reason = "its child speaks to it")]

mod kills;
mod lost;
mod rebuilds;

use std::{path::Path, sync::Arc};

use annals_core::{Annals, Store};
use annals_projections::{ProjectionOptions, Retry};
use annals_store_sled::{SledOptions, SledStore};

use crate::bank::{self, Balances, is_live, until};

/// A store that hands batches to sled often, so that what happens meets both.
fn store(path: &Path) -> Arc<dyn Store> {
    Arc::new(opened(path))
}

/// The same behind a kill, which costs no more than the newest batches.
fn store_of_killed(path: &Path) -> Arc<dyn Store> {
    let store = opened(path);
    assert_eq!(store.report().rebuilt, None, "all rows are lost");
    Arc::new(store)
}

fn opened(path: &Path) -> SledStore {
    SledStore::open(SledOptions::new(path).index_batch_entries(256)).unwrap()
}

/// What is set aside stays there until somebody asks for it.
fn options(lanes: usize) -> ProjectionOptions {
    ProjectionOptions::default().retry(Retry::never()).lanes(lanes)
}

/// Waits until everything was taken in or set aside.
async fn caught_up(annals: &Annals) {
    let head = annals.store().head().borrow().position;
    until(annals, |status| is_live(status) && status.position >= head).await;
}

/// Cures the projection, takes in what is set aside, and checks that nothing is missing and nothing counts twice. Says how
/// many events were set aside.
async fn cured_and_checked(annals: &Annals, balances: &Balances) -> usize {
    balances.cure();
    let mut replayed = 0;
    for key in bank::handle(annals).parked().await.unwrap() {
        assert_eq!(bank::handle(annals).replay(&key).await.unwrap(), key.events);
        replayed += key.events;
    }
    until(annals, |status| status.parked_events == 0).await;
    bank::check(annals).await;
    replayed
}

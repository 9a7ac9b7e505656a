//! Batches of derived rows: checked, and put into the overlay at once. The indexer writes them behind their back.

use annals_core::{ApplyError, RowBatch};

use crate::{
    indexer::Signal,
    shared::{Shared, lock},
};

/// Applies `batch`, and waits before it begins while the tail is too large.
pub(crate) async fn apply(shared: &Shared, signal: &Signal, mut batch: RowBatch) -> Result<(), ApplyError> {
    loop {
        // Listens before it looks, so that no shortening is missed.
        let shortened = signal.shortened();
        if apply_if_room(shared, signal, &mut batch)? {
            return Ok(());
        }
        shortened.await;
    }
}

/// Checks the batch and takes its rows; false when the tail is too large for it now.
fn apply_if_room(shared: &Shared, signal: &Signal, batch: &mut RowBatch) -> Result<bool, ApplyError> {
    let fence = batch.epoch.as_ref().map(|epoch| shared.fences.of(&epoch.row().1));
    let _running = fence.as_ref().map(|fence| lock(fence));
    let ended = lock(&shared.batches);
    if let Some(reason) = &*ended {
        return Err(reason.clone().into());
    }
    if signal.is_full(&shared.overlay()) {
        return Ok(false);
    }
    check(shared, batch)?;
    if !batch.rows.is_empty() {
        let rows = std::mem::take(&mut batch.rows);
        let (entries, bytes) = {
            let mut overlay = shared.overlay_mut();
            overlay.active.add_batch(rows);
            (overlay.active.entries, overlay.active.bytes)
        };
        signal.has_grown(entries, bytes);
    }
    Ok(true)
}

/// Checks generation, epoch and conditions. The caller sees to it that neither the epoch nor derived rows change; so
/// what is not in the overlay is what sled has, and rows can be looked up one after the other.
fn check(shared: &Shared, batch: &RowBatch) -> Result<(), ApplyError> {
    let actual = shared.index()?.generation;
    if let Some(expected) = batch.generation.filter(|expected| *expected != actual) {
        return Err(ApplyError::GenerationLost { expected, actual });
    }
    if let Some(epoch) = &batch.epoch {
        let (table, key) = epoch.row();
        epoch.check(shared.logged_row(&table, &key)?.as_deref())?;
    }
    let mut failed = Vec::new();
    for condition in &batch.conditions {
        let row = shared.row(&condition.table.clone().into(), &condition.key)?;
        if !condition.is.holds(row.as_deref()) {
            failed.push(condition.clone());
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(ApplyError::Conflict { failed }) }
}

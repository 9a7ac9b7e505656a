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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use annals_core::{DerivedCondition, DerivedTable, DerivedWrite, ReadError, RowIs, Store, Table};
    use bytes::Bytes;

    use super::*;
    use crate::{SledOptions, SledStore};

    fn put(key: &str, value: u64) -> DerivedWrite {
        let table = DerivedTable::new("view").unwrap();
        DerivedWrite { table, key: key.to_owned().into(), value: Some(value.to_string().into()) }
    }

    fn batch(rows: impl IntoIterator<Item = DerivedWrite>) -> RowBatch {
        RowBatch { rows: rows.into_iter().collect(), ..RowBatch::default() }
    }

    async fn row(store: &SledStore, key: &str) -> Option<Bytes> {
        let table: Table = DerivedTable::new("view").unwrap().into();
        store.get(&[(table, key.to_owned().into())]).await.unwrap().remove(0)
    }

    /// P9, F15: a tail that opening has left in memory, larger than a batch, is written like any other; batches do not wait
    /// for a commit that may never come.
    #[tokio::test]
    async fn batches_do_not_wait_for_ever_behind_what_opening_left() {
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(SledOptions::new(folder.path().join("first"))).unwrap();
        for number in 0..40_u8 {
            let table = annals_core::LoggedTable::new("large").unwrap();
            let row = annals_core::RowWrite::put(table, vec![number], vec![number; 1 << 20]);
            store.commit(annals_core::Commit::new().row(row)).await.unwrap();
        }
        // As a kill would leave it, without its index.
        let log = folder.path().join("second/log");
        std::fs::create_dir_all(&log).unwrap();
        for file in std::fs::read_dir(folder.path().join("first/log")).unwrap().map(Result::unwrap) {
            std::fs::copy(file.path(), log.join(file.file_name())).unwrap();
        }
        let store = SledStore::open(SledOptions::new(folder.path().join("second"))).unwrap();
        let applied = tokio::time::timeout(Duration::from_secs(30), store.apply(batch([put("row", 1)]))).await;
        applied.expect("the batch is applied").unwrap();
    }

    /// P9: while the index cannot be written, batches wait, as tasks do, and memory holds what was configured.
    #[tokio::test]
    async fn batches_wait_for_the_index() {
        const BATCHES: u64 = 100;
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(SledOptions::new(folder.path()).index_batch_entries(20)).unwrap();
        store.apply(batch([put("first", 0)])).await.unwrap();
        let shared = std::sync::Arc::clone(store.shared());
        // A read that lasts: nothing newer than what it sees may be written to sled.
        let pin = shared.pins.pin(0);
        let writing = store.clone();
        let mut writer = tokio::spawn(async move {
            for n in 0..BATCHES {
                // One row is the same each time and takes no more room.
                writing.apply(batch([put("count", n + 1), put(&format!("row-{n}"), n)])).await.unwrap();
            }
        });
        let waits = tokio::time::timeout(Duration::from_millis(300), &mut writer).await;
        assert!(waits.is_err(), "batches wait for the index");
        let (frozen, active) = {
            let overlay = shared.overlay();
            (overlay.frozen.as_ref().map_or(0, |part| part.entries), overlay.active.entries)
        };
        assert!((20..=22).contains(&active) && frozen <= 22, "{active} and {frozen} entries in memory");
        assert_eq!(row(&store, &format!("row-{}", BATCHES - 1)).await, None);
        drop(pin);
        writer.await.unwrap();
        assert_eq!(row(&store, "count").await, Some(BATCHES.to_string().into()));
    }

    /// F6: when sled has failed, a batch is refused with its reason and changes nothing; what was applied still reads.
    #[tokio::test]
    async fn a_failed_index_refuses_batches() {
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(SledOptions::new(folder.path()).index_batch_entries(4)).unwrap();
        let shared = std::sync::Arc::clone(store.shared());
        let pin = shared.pins.pin(0);
        store.apply(batch([put("a", 1), put("b", 1)])).await.unwrap();
        // The indexer finds no index to write to; for readers it is there again.
        let index = shared.take_index();
        drop(pin);
        let failed = async {
            while shared.read_only().is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), failed).await.expect("the indexer fails");
        shared.put_index(index);
        for _ in 0..10 {
            let refused = store.apply(batch([put("a", 2), put("b", 2), put("c", 2)])).await;
            assert!(matches!(refused, Err(ApplyError::Unavailable(ReadError::ShutDown))), "{refused:?}");
        }
        assert_eq!((row(&store, "a").await, row(&store, "c").await), (Some("1".into()), None));
    }

    /// P6: of batches that rest on the same row, one is applied, whether the row is in memory, on its way, or in sled.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn batches_are_compared_and_set() {
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(SledOptions::new(folder.path()).index_batch_entries(3)).unwrap();
        let mut tasks = Vec::new();
        for _ in 0..4 {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                let mut applied = 0_u64;
                while applied < 200 {
                    let before = row(&store, "count").await;
                    let count = before.as_ref().map_or(0, |count| std::str::from_utf8(count).unwrap().parse().unwrap());
                    let is = before.map_or(RowIs::Absent, RowIs::Equals);
                    let table = DerivedTable::new("view").unwrap();
                    let conditions = vec![DerivedCondition { table, key: "count".into(), is }];
                    match store.apply(RowBatch { conditions, ..batch([put("count", count + 1)]) }).await {
                        Ok(()) => applied += 1,
                        Err(ApplyError::Conflict { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(row(&store, "count").await, Some("800".into()));
    }
}

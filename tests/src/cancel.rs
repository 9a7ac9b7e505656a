//! Futures that are dropped.

use std::{future::Future, iter::successors, pin::pin};

use annals_core::{Commit, DerivedTable, Expected, RowBatch, Scan};
use futures::poll;

use crate::{Harness, Setup, fixture::*};

/// Polls `future` up to `count` times, lets others run in between, and drops it. Whether it was ready.
pub(crate) async fn poll_and_drop(count: usize, future: impl Future) -> bool {
    let mut future = pin!(future);
    for _ in 0..count {
        if poll!(future.as_mut()).is_ready() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

/// How many polls a future is given before it is dropped, one try after the other: first every number, then growing steps.
/// Later polls only wait for a thread or for the disk, and how many it takes until those are ready is the machine's.
pub(crate) fn polls() -> impl Iterator<Item = usize> {
    successors(Some(0), |polls| Some(polls + polls / 32 + 1))
}

pub(crate) fn wide(round: usize) -> Commit {
    let pattern = [event("a-1", "x"), event("b-1", "y"), event("a-1", "z")];
    Commit::of(pattern).row(put("names", &format!("{round:04}"), "1")).once(once(&round.to_string(), "request", ""))
}

/// Every commit that left a trace left all of it: events of both streams, its row, its key.
pub(crate) async fn are_whole(store: &Handle) -> usize {
    let whole = log(store).await;
    let wide: Vec<_> = whole.iter().filter(|record| *record.stream() != stream("sentinel-1")).collect();
    for three in wide.chunks(3) {
        let kinds: Vec<_> = three.iter().map(|record| record.event_type().as_str()).collect();
        assert_eq!(kinds, ["x", "y", "z"]);
        assert!(three.iter().all(|record| record.commit() == three[0].commit()));
    }
    let count = wide.len() / 3;
    assert_eq!(positions(&whole), (1..=whole.len() as u64).collect::<Vec<_>>());
    assert_eq!(all_of(store, "a-1").await.len(), 2 * count);
    assert_eq!(all_of(store, "b-1").await.len(), count);
    assert_eq!(rows(store, Scan::all(table("names"))).await.len(), count);
    assert_eq!(rows(store, Scan::all(annals_core::LoggedTable::ONCE)).await.len(), count);
    count
}

/// P12: a future does nothing before it is polled.
pub async fn a_commit_that_was_never_polled_wrote_nothing<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for round in 0..10 {
        drop(store.commit(wide(round)));
    }
    let receipt = commit(&store, append("sentinel-1", 1, Expected::Any)).await;
    assert_eq!(receipt.commit.get(), 1);
    assert_eq!(are_whole(&store).await, 0);
}

/// P12, F14: dropped after k polls, for every k until it is ready; the next commit is numbered as it should be.
pub async fn a_dropped_commit_is_whole_or_absent<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let mut round = 0;
    for polls in 0..40 {
        for _ in 0..5 {
            poll_and_drop(polls, store.commit(wide(round))).await;
            round += 1;
        }
        // Queued behind the dropped ones, so that their outcome is settled when it returns.
        commit(&store, append("sentinel-1", 1, Expected::Any)).await;
        are_whole(&store).await;
    }
    for again in 0..round {
        commit(&store, wide(again)).await;
    }
    assert_eq!(are_whole(&store).await, round, "a repetition finds out what became of each");
}

/// P12, F14, F15: tasks aborted at any moment.
pub async fn an_aborted_task_leaves_a_commit_whole_or_absent<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for round in 0..100 {
        let task = tokio::spawn({
            let store = store.clone();
            async move { store.commit(wide(round)).await.is_ok() }
        });
        for _ in 0..round % 5 {
            tokio::task::yield_now().await;
        }
        task.abort();
        let outcome = task.await;
        assert!(outcome.as_ref().map_or_else(|error| error.is_cancelled(), |ok| *ok), "{outcome:?}");
    }
    commit(&store, append("sentinel-1", 1, Expected::Any)).await;
    are_whole(&store).await;
}

/// P12: a dropped batch was applied or not begun.
pub async fn a_dropped_batch_is_whole_or_absent<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for round in 0..60 {
        let key = format!("{round:03}");
        let rows = vec![derived_put("view", &key, "1"), derived_put("other", &key, "1")];
        poll_and_drop(round % 12, store.apply(RowBatch { rows, ..RowBatch::default() })).await;
        // A batch of our own behind it, so that its outcome is settled.
        let rows = vec![derived_put("settled", "x", "1")];
        store.apply(RowBatch { rows, ..RowBatch::default() }).await.expect("the batch is applied");
        let (view, other): (Vec<_>, Vec<_>) =
            (rows_of(&store, derived("view")).await, rows_of(&store, derived("other")).await);
        assert_eq!(view, other);
    }
}

async fn rows_of(store: &Handle, table: DerivedTable) -> Vec<(bytes::Bytes, bytes::Bytes)> {
    rows(store, Scan::all(table)).await
}

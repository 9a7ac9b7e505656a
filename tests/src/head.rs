//! The live signal.

use annals_core::{Commit, Expected, Head, RowBatch};

use crate::{Harness, Setup, fixture::*};

/// Nothing was committed yet.
pub async fn an_empty_store_begins_at_zero<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    assert_eq!(head(&harness.store()), Head::default());
}

/// After `Ok` the head is at the commit, and the receipt agrees with it.
pub async fn every_commit_moves_the_head_to_its_receipt<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for count in [1, 3, 0, 2] {
        let receipt = commit(&store, append("a-1", count, Expected::Any).row(put("names", "a", "1"))).await;
        let found = head(&store);
        assert_eq!(found.commit, receipt.commit);
        assert_eq!(found.position.get(), log(&store).await.len() as u64);
        assert!(receipt.positions.is_none_or(|(_, last)| last == found.position));
    }
    assert_eq!(head(&store), Head { commit: 4_u32.into(), position: position(6) });
}

/// Refusals, repetitions, questions and batches do not.
pub async fn only_commits_that_write_move_the_head<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let request = || append("a-1", 1, at(0)).once(once("key", "request", ""));
    commit(&store, request()).await;
    let mut signal = store.head();
    let before = *signal.borrow_and_update();
    commit(&store, request()).await;
    conflict(&store, append("a-1", 1, at(0))).await;
    commit(&store, Commit::new()).await;
    store.commit(Commit::new().once(once("key", "other", ""))).await.expect_err("the key is used");
    store.apply(RowBatch { rows: vec![derived_put("view", "a", "1")], ..RowBatch::default() }).await.expect("applied");
    assert!(!signal.has_changed().expect("the store is open"));
    assert_eq!(head(&store), before);
}

/// D.4: who waits is woken, also by a commit without events.
pub async fn a_commit_wakes_who_waits<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for number in 1..=3 {
        let mut signal = store.head();
        signal.borrow_and_update();
        let waiting = tokio::spawn(async move {
            signal.changed().await.expect("the store is open");
            let head = *signal.borrow();
            head.commit.get()
        });
        let count = usize::from(number != 2);
        commit(&store, append("a-1", count, Expected::Any).row(put("names", "a", "1"))).await;
        assert_eq!(soon("the signal", waiting).await.expect("no panic"), number);
    }
}

/// P3: whoever sees a head can read everything up to it, rows included; it is never announced before.
pub async fn what_the_head_names_can_be_read<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let watcher = tokio::spawn({
        let store = store.clone();
        let mut signal = store.head();
        async move {
            let mut seen = Head::default();
            while seen.commit.get() < 200 {
                soon("the next commit", signal.changed()).await.expect("the store is open");
                let head = *signal.borrow_and_update();
                assert!(head.commit >= seen.commit && head.position >= seen.position, "it never goes back");
                let found = log(&store).await.len() as u64;
                assert!(found >= head.position.get(), "{found} records at {head:?}");
                let row = row(&store, table("names"), "commit").await.expect("a row");
                let row: u64 = String::from_utf8_lossy(&row).parse().expect("a number");
                assert!(row >= head.commit.get(), "the row is of commit {row} at {head:?}");
                seen = head;
            }
        }
    });
    for number in 1..=200 {
        let next = append("a-1", number % 3, Expected::Any).row(put("names", "commit", &number.to_string()));
        commit(&store, next).await;
        if number % 8 == 0 {
            tokio::task::yield_now().await;
        }
    }
    soon("the end of the watcher", watcher).await.expect("the head was right");
}

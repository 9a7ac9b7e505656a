//! Shutting down.

use annals_core::{
    ApplyError, Commit, CommitError, EventQuery, Expected, Position, ReadError, ReadLog, ReadStream, RowBatch, Scan,
    StoreExt, Table,
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};

use crate::{Harness, Setup, fixture::*};

async fn assert_shut_down(store: &Handle) {
    let commits = [append("a-1", 1, Expected::Any), append("a-1", 1, at(9)), Commit::new()];
    for commit in commits {
        let refused = store.commit(commit).await;
        assert!(matches!(refused, Err(CommitError::ShutDown)), "{refused:?}");
    }
    let batch = RowBatch { rows: vec![derived_put("view", "a", "2")], ..RowBatch::default() };
    let refused = store.apply(batch).await;
    assert!(matches!(refused, Err(ApplyError::Unavailable(ReadError::ShutDown))), "{refused:?}");
    let refused: Result<Vec<_>, _> = store.read_stream(ReadStream::all(stream("a-1"))).try_collect().await;
    assert!(matches!(refused, Err(ReadError::ShutDown)), "{refused:?}");
    let refused: Result<Vec<_>, _> = store.read_log(ReadLog::all()).try_collect().await;
    assert!(matches!(refused, Err(ReadError::ShutDown)), "{refused:?}");
    let refused = store.get(&[(Table::from(table("names")), Bytes::from("a"))]).await;
    assert!(matches!(refused, Err(ReadError::ShutDown)), "{refused:?}");
    let refused = store.scan(Scan::all(table("names"))).await;
    assert!(matches!(refused, Err(ReadError::ShutDown)), "{refused:?}");
    for make in [false, true] {
        let refused = store.name_key(make).await;
        assert!(matches!(refused, Err(ReadError::ShutDown)), "{refused:?}");
    }
}

/// Commits, batches and reads, through every handle.
pub async fn everything_answers_shut_down<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let (store, other) = (harness.store(), harness.store());
    commit(&store, append("a-1", 1, Expected::Any).row(put("names", "a", "1"))).await;
    soon("shutting down", store.shut_down()).await;
    assert_shut_down(&store).await;
    assert_shut_down(&other).await;
}

/// Idempotent, one after the other and at once.
pub async fn shutting_down_twice_is_no_error<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let (store, other) = (harness.store(), harness.store());
    let twice = async { tokio::join!(store.shut_down(), other.shut_down()) };
    soon("shutting down twice", twice).await;
    soon("shutting down again", store.shut_down()).await;
    assert_shut_down(&store).await;
}

/// F15, P1, P12: every commit that was sent gets an answer; those answered `Ok` are there when the store is opened
/// again, those answered `ShutDown` are not.
pub async fn commits_under_way_are_finished_or_refused<H: Harness>() {
    let mut harness = H::create(Setup::default()).await;
    let store = harness.store();
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                match store.commit(append(&format!("a-{n}"), 2, Expected::Empty)).await {
                    Ok(_) => true,
                    Err(CommitError::ShutDown) => false,
                    Err(other) => panic!("{other:?}"),
                }
            })
        })
        .collect();
    tokio::task::yield_now().await;
    soon("shutting down", store.shut_down()).await;
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(soon("an answer", task).await.expect("no panic"));
    }
    assert_shut_down(&store).await;
    drop(store);
    if !crate::survives::<H>("commits_under_way_are_finished_or_refused") {
        return;
    }
    harness.reopen().await;
    let store = harness.store();
    for (n, written) in answers.into_iter().enumerate() {
        let found = versions_of(&store, &format!("a-{n}")).await;
        assert_eq!(found, if written { vec![1, 2] } else { vec![] });
    }
}

/// Who follows the log is told, waiting or not.
pub async fn a_follower_ends<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("a-1", 1, Expected::Any)).await;
    let mut following = store.follow(EventQuery::all(), Position::ZERO);
    soon("the first record", following.next()).await.expect("a record").expect("it reads");
    let waiting = tokio::spawn(async move { following.next().await });
    tokio::task::yield_now().await;
    store.shut_down().await;
    let last = soon("the end of following", waiting).await.expect("no panic");
    assert!(matches!(last, Some(Err(ReadError::ShutDown))), "{last:?}");
}

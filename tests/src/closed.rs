//! Streams that are closed for ever.

use annals_core::{Commit, CommitError, Condition, Expected, Failure, LoggedTable, RowWrite, Scan, StreamId};

use crate::{Harness, Setup, fixture::*};

fn close(name: &str) -> Commit {
    Commit::new().row(RowWrite::close(&stream(name)))
}

async fn refused(store: &Handle, commit: Commit) -> (Vec<StreamId>, Vec<Failure>) {
    match store.commit(commit).await {
        Err(CommitError::Closed { streams, failures }) => (streams, failures),
        other => panic!("expected closed streams, found {other:?}"),
    }
}

/// A.30, A.32: whatever is expected of it.
pub async fn a_closed_stream_takes_no_events<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("a-1", 2, Expected::Any)).await;
    commit(&store, close("a-1")).await;
    let before = contents(&store).await;
    for expected in [Expected::Any, Expected::Exists, at(2)] {
        let (streams, failures) = refused(&store, append("a-1", 1, expected)).await;
        assert_eq!((streams, failures), (vec![stream("a-1")], vec![]));
    }
    for expected in [Expected::Empty, at(0), at(1), at(3)] {
        let (streams, failures) = refused(&store, append("a-1", 1, expected)).await;
        assert_eq!(streams, [stream("a-1")]);
        assert_eq!(failures, [Failure::Stream { stream: stream("a-1"), expected, actual: version(2) }]);
    }
    assert_eq!(contents(&store).await, before);
}

/// A.60: each closed stream once, in the order of the commit, and every failed condition with them.
pub async fn closed_streams_are_named_with_all_failures<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, close("b-1").row(RowWrite::close(&stream("a-1")))).await;
    let before = contents(&store).await;
    let events = [event("b-1", "x"), event("c-1", "x"), event("a-1", "x"), event("b-1", "x")];
    let mixed = Commit::of(events)
        .when(Condition::stream(stream("c-1"), at(4)))
        .when(Condition::stream(stream("d-1"), Expected::Exists));
    let (streams, failures) = refused(&store, mixed).await;
    assert_eq!(streams, [stream("b-1"), stream("a-1")]);
    assert_eq!(failures.len(), 2, "{failures:?}");
    assert_eq!(contents(&store).await, before);
}

/// B.4 differs: a closed stream is not deleted.
pub async fn a_closed_stream_reads_as_before<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("a-1", 3, Expected::Any)).await;
    let before = (all_of(&store, "a-1").await, log(&store).await);
    commit(&store, close("a-1")).await;
    assert_eq!((all_of(&store, "a-1").await, log(&store).await), before);
    assert_eq!(keys(&store, Scan::all(LoggedTable::CLOSED)).await, ["a-1"]);
    assert_eq!(keys(&store, Scan::all(LoggedTable::STREAMS)).await, ["a-1"]);
}

/// Closing is idempotent; nothing opens a stream again.
pub async fn closing_twice_changes_nothing<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, close("a-1")).await;
    commit(&store, close("a-1")).await;
    assert_eq!(keys(&store, Scan::all(LoggedTable::CLOSED)).await, ["a-1"]);
    let (table, key) = LoggedTable::CLOSED.row_of(&stream("a-1"));
    let reopen = store.commit(Commit::new().row(RowWrite::delete(table, key))).await;
    assert!(matches!(reopen, Err(CommitError::Invalid(_))), "{reopen:?}");
    refused(&store, append("a-1", 1, Expected::Any)).await;
}

/// The last events and the closing are one commit, judged against the state before it.
pub async fn a_commit_may_append_and_close<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("a-1", 2, at(0)).row(RowWrite::close(&stream("a-1")))).await;
    assert_eq!(versions_of(&store, "a-1").await, [1, 2]);
    refused(&store, append("a-1", 1, at(2))).await;
}

/// A stream can be closed before it holds an event; then it never will.
pub async fn a_stream_without_events_can_be_closed<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, close("a-1")).await;
    refused(&store, append("a-1", 1, Expected::Empty)).await;
    assert!(keys(&store, Scan::all(LoggedTable::STREAMS)).await.is_empty());
}

/// F11: neither a longer id nor the same id of another tenant is closed with it.
pub async fn only_the_named_stream_is_closed<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, close("order-1")).await;
    for name in ["order-10", "acme/order-1", "other-1", "order-1-1"] {
        commit(&store, append(name, 1, Expected::Empty)).await;
    }
    commit(&store, close("acme/order-10")).await;
    commit(&store, append("order-10", 1, at(1))).await;
    refused(&store, append("acme/order-10", 1, Expected::Any)).await;
    commit(&store, append("acme/order-1", 1, at(1))).await;
}

/// A.66: a closed stream may be looked at by a condition; only appending to it is refused.
pub async fn a_commit_may_expect_a_closed_stream<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("a-1", 1, Expected::Any)).await;
    commit(&store, close("a-1")).await;
    commit(&store, append("b-1", 1, Expected::Empty).when(Condition::stream(stream("a-1"), at(1)))).await;
    let failures = conflict(&store, append("b-1", 1, at(1)).when(Condition::stream(stream("a-1"), at(2)))).await;
    assert_eq!(failures.len(), 1);
}

/// A.30, A.54.
pub async fn closed_streams_stay_closed_after_reopening<H: Harness>() {
    if !crate::survives::<H>("closed_streams_stay_closed_after_reopening") {
        return;
    }
    let mut harness = H::create(Setup::default()).await;
    commit(&harness.store(), append("a-1", 1, Expected::Any).row(RowWrite::close(&stream("a-1")))).await;
    harness.reopen().await;
    let store = harness.store();
    refused(&store, append("a-1", 1, Expected::Any)).await;
    assert_eq!(versions_of(&store, "a-1").await, [1]);
}

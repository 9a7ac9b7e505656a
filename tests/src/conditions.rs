//! Conditions on streams: what is expected, and what is said when it is not so.

use annals_core::{Commit, CommitError, Condition, Expected, Failure, LoggedTable, Position, RowIs, Scan, Version};

use crate::{Harness, Setup, fixture::*};

fn failure(name: &str, expected: Expected, actual: u64) -> Failure {
    Failure::Stream { stream: stream(name), expected, actual: version(actual) }
}

/// A.8, A.34, A.36, P4: the error names stream, expected and actual, and its text does too.
pub async fn stale_version_is_refused_with_what_was_found<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let failures = conflict(&store, append("order-1", 1, at(1))).await;
    assert_eq!(failures, [failure("order-1", at(1), 0)]);
    commit(&store, append("order-1", 1, Expected::Any)).await;
    let failures = conflict(&store, append("order-1", 1, at(0))).await;
    assert_eq!(failures, [failure("order-1", at(0), 1)]);
    let text = CommitError::Conflict { failures }.to_string();
    assert_eq!(text, "stream order-1 is at version 1, expected version 0");
}

/// A.14, A.40, F12: 0, 1, 2 and everything above 3 are wrong when three events are there; 3 is right.
pub async fn versions_below_and_above_the_head_are_refused<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("order-1", 3, Expected::Any)).await;
    let before = contents(&store).await;
    for wrong in [0, 1, 2, 4, 5, u64::from(u32::MAX), Version::MAX.get() - 1, Version::MAX.get()] {
        let failures = conflict(&store, append("order-1", 1, at(wrong))).await;
        assert_eq!(failures, [failure("order-1", at(wrong), 3)]);
    }
    assert_eq!(contents(&store).await, before);
    commit(&store, append("order-1", 1, at(3))).await;
}

/// A.2, A.8, A.10, A.32, G.38, G.40: every expectation, on a missing stream and on one of two events.
pub async fn every_expectation_means_what_it_says<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("there-1", 2, Expected::Any)).await;
    for (expected, missing, there) in [
        (Expected::Any, true, true),
        (Expected::Empty, true, false),
        (Expected::Exists, false, true),
        (at(0), true, false),
        (at(1), false, false),
        (at(2), false, true),
    ] {
        for (name, actual, holds) in [("missing-1", 0, missing), ("there-1", 2, there)] {
            let check = Commit::new().when(Condition::stream(stream(name), expected));
            match store.commit(check).await {
                Ok(_) => assert!(holds, "{name} {expected:?} must not hold"),
                Err(CommitError::Conflict { failures }) => {
                    assert!(!holds, "{name} {expected:?} must hold");
                    assert_eq!(failures, [failure(name, expected, actual)]);
                }
                Err(other) => panic!("{name} {expected:?}: {other:?}"),
            }
        }
    }
}

/// A.60, A.66: a condition is legal for a stream that gets no event.
pub async fn a_stream_without_events_in_the_commit_is_checked<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("limit-1", 1, Expected::Any)).await;
    let other = |expected| append("order-1", 1, Expected::Any).when(Condition::stream(stream("limit-1"), expected));
    assert_eq!(conflict(&store, other(at(2))).await, [failure("limit-1", at(2), 1)]);
    commit(&store, other(at(1))).await;
    assert_eq!(versions_of(&store, "limit-1").await, [1]);
    assert_eq!(versions_of(&store, "order-1").await, [1]);
}

/// A.66: a stream that is only checked does not come into being.
pub async fn checking_a_stream_does_not_create_it<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("order-1", 1, Expected::Any).when(Condition::stream(stream("ghost-1"), at(0)))).await;
    assert_eq!(keys(&store, Scan::all(LoggedTable::STREAMS)).await, ["order-1"]);
    commit(&store, append("ghost-1", 1, Expected::Empty)).await;
}

/// A.60: not only the first failure; conditions of every kind, in the order of the commit.
pub async fn all_failures_are_reported_in_the_order_of_the_commit<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let seed = Commit::of([tagged("seat-1", "taken", &["seat:1"])]).row(put("names", "ada", "1"));
    commit(&store, seed).await;
    let row = |key: &str, is| Condition::Row { table: table("names"), key: key.to_owned().into(), is };
    let query = any_of([of_tags(&["seat:1"])]);
    let before = contents(&store).await;
    let refused = Commit::of([event("a-1", "x"), event("b-1", "x"), event("c-1", "x")])
        .when(Condition::stream(stream("a-1"), at(1)))
        .when(Condition::none_match(query.clone(), Position::ZERO))
        .when(Condition::stream(stream("b-1"), Expected::Any))
        .when(row("ada", RowIs::Absent))
        .when(row("bob", RowIs::Equals("2".into())))
        .when(row("ada", RowIs::Equals("1".into())))
        .when(Condition::stream(stream("c-1"), at(2)));
    let row = |key: &str, expected, actual: Option<&'static str>| Failure::Row {
        table: table("names"),
        key: key.to_owned().into(),
        expected,
        actual: actual.map(Into::into),
    };
    let failures = [
        failure("a-1", at(1), 0),
        Failure::NoneMatch { query, after: Position::ZERO, found: position(1) },
        row("ada", RowIs::Absent, Some("1")),
        row("bob", RowIs::Equals("2".into()), None),
        failure("c-1", at(2), 0),
    ];
    assert_eq!(conflict(&store, refused).await, failures);
    assert_eq!(contents(&store).await, before);
}

/// A.62: A and C are new, B is not: only B is reported, and nothing of A and C is written.
pub async fn one_stale_stream_refuses_the_whole_commit<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("b-1", 1, Expected::Any)).await;
    let before = contents(&store).await;
    let mut refused = Commit::of([event("a-1", "x"), event("b-1", "x"), event("c-1", "x")]);
    for name in ["a-1", "b-1", "c-1"] {
        refused = refused.when(Condition::stream(stream(name), Expected::Empty));
    }
    assert_eq!(conflict(&store, refused).await, [failure("b-1", Expected::Empty, 1)]);
    assert_eq!(contents(&store).await, before);
}

/// Conditions are judged against everything committed before, never against the commit itself.
pub async fn conditions_see_the_state_before_the_commit<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("a-1", 3, Expected::Empty)).await;
    commit(&store, append("a-1", 2, at(3))).await;
    let failures = conflict(&store, append("b-1", 2, Expected::Exists)).await;
    assert_eq!(failures, [failure("b-1", Expected::Exists, 0)]);
}

/// A.32: a commit can be a question: its conditions are checked, and nothing is written either way.
pub async fn conditions_without_events_are_checked<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("a-1", 2, Expected::Any)).await;
    let before = contents(&store).await;
    let receipt = commit(&store, append("a-1", 0, at(2))).await;
    assert_eq!((receipt.commit.get(), receipt.positions), (1, None));
    assert_eq!(conflict(&store, append("a-1", 0, at(1))).await, [failure("a-1", at(1), 2)]);
    assert_eq!(contents(&store).await, before);
}

/// The same condition twice is reported twice: each is answered for itself.
pub async fn a_condition_may_be_given_twice<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let twice = append("a-1", 1, at(1)).when(Condition::stream(stream("a-1"), at(1)));
    assert_eq!(conflict(&store, twice).await, [failure("a-1", at(1), 0), failure("a-1", at(1), 0)]);
    commit(&store, append("a-1", 1, at(0)).when(Condition::stream(stream("a-1"), at(0)))).await;
}

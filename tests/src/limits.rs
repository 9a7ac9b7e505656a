//! Limits: one below, at, and one above (F9). What is above is refused before anything is written.

use annals_core::{
    ApplyError, Commit, CommitError, Condition, Expected, InvalidCommit, Limits, Metadata, NewEvent, Once,
    ROW_KEY_BYTES_MAX, RowBatch, RowWrite, Tag,
};

use crate::{Harness, Setup, fixture::*};

const SMALL: Limits = Limits {
    event_bytes: 100,
    metadata_bytes: 200,
    tags: 3,
    row_bytes: 50,
    commit_bytes: 1000,
    commit_events: 20,
    commit_rows: 10,
    commit_conditions: 5,
    batch_rows: 15,
    batch_bytes: 900,
};

/// Commits what `carry` makes for sizes around `limit`.
async fn around<H: Harness>(limit: usize, limits: Limits, carry: impl Fn(usize) -> Commit) {
    let harness = H::create(Setup { limits, ..Setup::default() }).await;
    let store = harness.store();
    let mut number = 0;
    for size in [limit - 1, limit, limit + 1, limit * 10] {
        let before = contents(&store).await;
        let sent = store.commit(carry(size)).await;
        if size <= limit {
            number += 1;
            let receipt = sent.unwrap_or_else(|error| panic!("{size} of {limit}: {error}"));
            assert_eq!(receipt.commit.get(), number);
            continue;
        }
        let Err(CommitError::Invalid(InvalidCommit::TooLarge { what, found, limit: named })) = sent else {
            panic!("{size} of {limit}: {sent:?}");
        };
        assert_eq!((found, named), (size, limit), "{what}");
        assert_eq!(contents(&store).await, before, "{what}");
    }
}

fn payload(size: usize) -> NewEvent {
    NewEvent::new(stream("a-1"), event_type("x"), vec![7; size])
}

/// The payload of one event; the third of three is enough to refuse them all.
pub async fn payloads_are_limited<H: Harness>() {
    around::<H>(100, SMALL, |size| Commit::of([payload(1), payload(size)])).await;
    let roomy = Limits { commit_bytes: 16 << 20, ..Limits::default() };
    around::<H>(1 << 20, roomy, |size| Commit::of([payload(size)])).await;
}

/// The metadata of one event, encoded.
pub async fn metadata_is_limited<H: Harness>() {
    // A map of one field that is a map of one entry: 1 + 6 bytes for `extra`, 1 for the inner map, 2 for its key `k`,
    // 2 before a text of 32 to 255 bytes or 3 before a longer one.
    let carry = |size: usize| {
        let text = if size <= 255 + 12 { size - 12 } else { size - 13 };
        let metadata = Metadata { extra: [("k".to_owned(), "v".repeat(text))].into(), ..Metadata::default() };
        Commit::of([payload(1), NewEvent { metadata, ..payload(1) }])
    };
    around::<H>(200, SMALL, carry).await;
}

/// The tags of one event, as given.
pub async fn tags_are_limited<H: Harness>() {
    let tags = |size: usize| (0..size).map(|n| Tag::of("n", n).expect("a valid tag")).collect::<Vec<_>>();
    around::<H>(3, SMALL, |size| Commit::of([NewEvent { tags: tags(size), ..payload(1) }])).await;
    around::<H>(64, Limits::default(), |size| Commit::of([NewEvent { tags: tags(size), ..payload(1) }])).await;
}

/// The key of a row, which is limited for all stores alike, and its value.
pub async fn rows_are_limited<H: Harness>() {
    let roomy = Limits { commit_bytes: 1 << 20, ..SMALL };
    let of = |key: usize, value: usize| Commit::new().row(RowWrite::put(table("names"), vec![7; key], vec![7; value]));
    around::<H>(ROW_KEY_BYTES_MAX, roomy, |size| of(size, 1)).await;
    around::<H>(50, SMALL, |size| of(1, size)).await;
    around::<H>(ROW_KEY_BYTES_MAX, roomy, |size| Commit::new().row(RowWrite::delete(table("names"), vec![7; size])))
        .await;
}

/// The answer of a keyed commit is limited like the value of a row.
pub async fn answers_are_limited<H: Harness>() {
    around::<H>(50, SMALL, |size| {
        let key = once(&size.to_string(), "request", "");
        Commit::of([payload(1)]).once(Once { answer: vec![7; size].into(), ..key })
    })
    .await;
}

/// Events, rows and conditions are counted.
pub async fn counts_are_limited<H: Harness>() {
    around::<H>(20, SMALL, |size| Commit::of(events("a-1", size))).await;
    let rows = |size: usize| (0..size).map(|n| put("names", &n.to_string(), "")).fold(Commit::new(), Commit::row);
    around::<H>(10, SMALL, rows).await;
    let any = || Condition::stream(stream("a-1"), Expected::Any);
    around::<H>(5, SMALL, |size| (0..size).map(|_| any()).fold(Commit::of([payload(1)]), Commit::when)).await;
    around::<H>(10_000, Limits::default(), |size| Commit::of((0..size).map(|_| payload(0)))).await;
}

/// Payloads, rows and the answer add up.
pub async fn the_whole_commit_is_limited<H: Harness>() {
    around::<H>(1000, Limits { event_bytes: 1 << 20, ..SMALL }, |size| {
        let row = RowWrite::put(table("names"), "key", vec![7; 47]);
        let key = once(&size.to_string(), "request", "");
        Commit::of([payload(400), payload(size - 500)]).row(row).once(Once { answer: vec![7; 50].into(), ..key })
    })
    .await;
}

/// A batch of derived rows has limits of its own beside those of each row.
pub async fn batches_are_limited<H: Harness>() {
    let harness = H::create(Setup { limits: SMALL, ..Setup::default() }).await;
    let store = harness.store();
    let value = |size: usize| vec![derived_put("view", "key", &"v".repeat(size))];
    let count = |size: usize| (0..size).map(|n| derived_put("view", &n.to_string(), "")).collect::<Vec<_>>();
    let key = |size: usize| vec![derived_put("view", &"k".repeat(size), "")];
    for (rows, fits) in [
        (value(49), true),
        (value(50), true),
        (value(51), false),
        (count(SMALL.batch_rows), true),
        (count(SMALL.batch_rows + 1), false),
        (key(ROW_KEY_BYTES_MAX.min(SMALL.batch_bytes)), true),
        (key(SMALL.batch_bytes + 1), false),
        (key(ROW_KEY_BYTES_MAX + 1), false),
    ] {
        let before = contents(&store).await;
        let sent = store.apply(RowBatch { rows, ..RowBatch::default() }).await;
        if fits {
            sent.expect("it fits");
            continue;
        }
        assert!(matches!(sent, Err(ApplyError::Invalid(InvalidCommit::TooLarge { .. }))), "{sent:?}");
        assert_eq!(contents(&store).await, before);
    }
}

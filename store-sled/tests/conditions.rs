//! Conditions on tags and streams, wherever the event that they forbid is: still pending, in the tail, in the index (P4).

use std::path::Path;

use annals_core::{Commit, CommitError, Condition, EventQuery, Position, QueryItem, Store, Tag};
use annals_store_sled::{SledOptions, SledStore};

use crate::support::{event, open};

fn claim(number: u64, query: EventQuery, after: Position) -> Commit {
    // The event carries the tag `about:number`.
    Commit::of([event(&format!("s-{number}"), &number.to_string())]).when(Condition::none_match(query, after))
}

fn tagged(number: u64) -> EventQuery {
    EventQuery::new([QueryItem::new().tag(Tag::of("about", number).unwrap())])
}

fn of_stream(number: u64) -> EventQuery {
    EventQuery::new([QueryItem::new().stream(format!("s-{number}").parse().unwrap())])
}

fn at(position: u64) -> Position {
    Position::new(position).unwrap()
}

fn open_with(path: &Path, batch: usize) -> SledStore {
    SledStore::open(SledOptions::new(path).index_batch_entries(batch)).unwrap()
}

/// What a condition on `query` says whose only match is at `position`.
async fn assert_found(store: &SledStore, query: EventQuery, position: u64) {
    for after in [0, position - 1] {
        let refused = store.commit(claim(0, query.clone(), at(after))).await;
        assert!(matches!(refused, Err(CommitError::Conflict { .. })), "after {after}: {refused:?}");
    }
    // Nothing is written, so that what matches stays the only one.
    let passed = store.commit(Commit::new().when(Condition::none_match(query, at(position)))).await;
    assert!(passed.is_ok(), "after {position}: {passed:?}");
}

/// P4: an event that a condition forbids is found however much of the index was written, and after it was opened again.
#[tokio::test]
async fn a_condition_finds_its_match_wherever_it_is() {
    const EVENTS: u64 = 300;
    for batch in [1, 7, 64, 100_000] {
        let folder = tempfile::tempdir().unwrap();
        let store = open_with(folder.path(), batch);
        for number in 1..=EVENTS {
            store.commit(claim(number, tagged(number), Position::ZERO)).await.unwrap();
            let earlier = number / 2 + 1;
            assert_found(&store, tagged(earlier), earlier).await;
            assert_found(&store, of_stream(number), number).await;
        }
        store.shut_down().await;
        let store = open(folder.path());
        for number in (1..=EVENTS).step_by(7) {
            assert_found(&store, tagged(number), number).await;
            assert_found(&store, of_stream(number), number).await;
        }
        store.shut_down().await;
    }
}

/// P4: of those who claim the same tag at once, one gets it, while the index is written beside.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_is_claimed_once() {
    const TAGS: u64 = 400;
    let folder = tempfile::tempdir().unwrap();
    let store = open_with(folder.path(), 16);
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut won = Vec::new();
            for number in 1..=TAGS {
                match store.commit(claim(number, tagged(number), Position::ZERO)).await {
                    Ok(_) => won.push(number),
                    Err(error) => assert!(matches!(error, CommitError::Conflict { .. }), "{error}"),
                }
            }
            won
        }));
    }
    let mut won = Vec::new();
    for task in tasks {
        won.extend(task.await.unwrap());
    }
    won.sort_unstable();
    assert!(won.iter().copied().eq(1..=TAGS), "{won:?}");
}

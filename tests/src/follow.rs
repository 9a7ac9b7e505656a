//! Following the log from history into the present.

use annals_core::{EventQuery, Expected, Position, ReadError, Record, StoreExt};
use futures::{StreamExt, stream::BoxStream};

use crate::{Harness, Setup, fixture::*};

type Following = BoxStream<'static, Result<Record, ReadError>>;

async fn next(following: &mut Following, count: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    while seen.len() < count {
        let record = soon("the next record", following.next()).await;
        seen.push(record.expect("following does not end").expect("it reads").position().get());
    }
    seen
}

/// D.6, C.2: what is there, then what comes, each once and in order.
pub async fn history_is_followed_by_the_present<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("a-1", 3, Expected::Any)).await;
    let mut following = store.follow(EventQuery::all(), Position::ZERO);
    assert_eq!(next(&mut following, 2).await, [1, 2]);
    commit(&store, append("b-1", 2, Expected::Any)).await;
    assert_eq!(next(&mut following, 3).await, [3, 4, 5]);
    commit(&store, append("a-1", 1, Expected::Any)).await;
    assert_eq!(next(&mut following, 1).await, [6]);
}

/// D.4: before there is an event, and woken by the first.
pub async fn an_empty_store_can_be_followed<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let mut following = store.follow(EventQuery::all(), Position::ZERO);
    let first = tokio::spawn(async move { next(&mut following, 1).await });
    commit(&store, append("a-1", 1, Expected::Any)).await;
    assert_eq!(first.await.expect("no panic"), [1]);
}

/// D.10, D.16: behind a position, also from the head, which gives later records only.
pub async fn following_begins_behind_a_position<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("a-1", 3, Expected::Any)).await;
    let mut behind_1 = store.follow(EventQuery::all(), position(1));
    let mut behind_head = store.follow(EventQuery::all(), position(3));
    assert_eq!(next(&mut behind_1, 2).await, [2, 3]);
    commit(&store, append("a-1", 1, Expected::Any)).await;
    assert_eq!(next(&mut behind_1, 1).await, [4]);
    assert_eq!(next(&mut behind_head, 1).await, [4]);
}

/// D.2, D.8, D.24: other records neither appear nor hold up, in history and in the present.
pub async fn only_matching_records_are_given<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for name in ["a-1", "b-1"] {
        commit(&store, append(name, 300, Expected::Any)).await;
    }
    let query = any_of([annals_core::QueryItem::new().stream(stream("b-1"))]);
    let mut following = store.follow(query, Position::ZERO);
    assert_eq!(next(&mut following, 300).await, (301..=600).collect::<Vec<_>>());
    for name in ["a-1", "a-1", "b-1", "acme/b-1", "b-1"] {
        commit(&store, append(name, 1, Expected::Any)).await;
    }
    assert_eq!(next(&mut following, 2).await, [603, 605]);
}

/// D.22, F20: it takes a record, lets thousands pass, and takes the rest.
pub async fn a_slow_follower_misses_nothing<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let mut following = store.follow(EventQuery::all(), Position::ZERO);
    let mut seen = Vec::new();
    for _ in 0..20 {
        for _ in 0..10 {
            commit(&store, append("a-1", 15, Expected::Any)).await;
        }
        seen.extend(next(&mut following, 1).await);
    }
    seen.extend(next(&mut following, 2980).await);
    assert_eq!(seen, (1..=3000).collect::<Vec<_>>());
}

/// D.6, F20, C.6: followers that begin at any moment, four writers, nothing missed and nothing twice.
pub async fn nothing_is_missed_or_repeated_under_writers<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for round in 0..60 {
                    commit(&store, append(&format!("a-{writer}"), 1 + round % 3, Expected::Any)).await;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let total = 4 * 60 * 2;
    let followers: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let after = head(&store).position;
                let mut following = store.follow(EventQuery::all(), after);
                let seen = next(&mut following, total - usize::try_from(after.get()).expect("small")).await;
                assert_eq!(seen, (after.get() + 1..=total as u64).collect::<Vec<_>>());
            })
        })
        .collect();
    for task in writers.into_iter().chain(followers) {
        soon("the end of writers and followers", task).await.expect("nothing missed, nothing repeated");
    }
}

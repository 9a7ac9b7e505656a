//! Every public future, dropped after more and more polls until it is ready (T10; F14, F15): commits and batches are whole
//! or absent, and the store goes on.

use std::{future::Future, sync::Arc, time::Duration};

use annals_core::{
    Annals, EventQuery, Expected, LoggedTable, Position, ReadLog, ReadStream, RowBatch, Scan, StoreExt, Version, at,
};
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture};

use crate::{
    Harness, Setup,
    cancel::{are_whole, poll_and_drop, polls, wide},
    fixture::*,
    soak,
    tally::{Count, Tallied, Tally},
};

/// Drops what `make` makes, given the number of the try, after more and more polls until it is ready; how often it was
/// dropped.
async fn sweep<F: Future>(what: &str, mut make: impl FnMut(usize) -> F) -> usize {
    let tries = async {
        for (number, polls) in polls().enumerate() {
            if poll_and_drop(polls, make(number)).await {
                return number;
            }
        }
        unreachable!("there is always a larger number of polls")
    };
    soon(what, tries).await
}

/// The reading futures of the contract, by name.
fn reading<'a>(store: &'a Handle, kind: &str) -> BoxFuture<'a, ()> {
    let names = || table("names").into();
    match kind {
        "read_stream" => store.read_stream(ReadStream::all(stream("a-1"))).try_collect::<Vec<_>>().map(drop).boxed(),
        "read_stream backward" => {
            store.read_stream(ReadStream::all(stream("a-1")).backward()).try_collect::<Vec<_>>().map(drop).boxed()
        }
        "read_log" => store.read_log(ReadLog::all()).try_collect::<Vec<_>>().map(drop).boxed(),
        "read_log by tag" => {
            let query = any_of([of_tags(&["never"])]);
            store.read_log(ReadLog::of(query)).try_collect::<Vec<_>>().map(drop).boxed()
        }
        "get" => async move { drop(store.get(&[(names(), "k".into())]).await) }.boxed(),
        "name_key" => async move { drop(store.name_key(false).await) }.boxed(),
        "scan" => store.scan(Scan::all(LoggedTable::ONCE)).map(drop).boxed(),
        "head" => async move { drop(store.head().wait_for(|head| head.position > Position::ZERO).await) }.boxed(),
        _ => {
            let mut follow = store.follow(EventQuery::all(), Position::ZERO);
            async move { drop(follow.next().await) }.boxed()
        }
    }
}

/// The futures of the contract: those that write leave all or nothing, those that read change nothing.
pub async fn every_future_of_the_contract_can_be_dropped<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let (mut sent, mut dropped) = (0, 0);
    for turn in 0..20 {
        let tries = sweep("commit", |number| store.commit(wide(sent + number))).await;
        sent += tries + 1;
        dropped += tries;
        commit(&store, append("sentinel-1", 1, Expected::Any)).await;
        are_whole(&store).await;
        let batch = |number: usize| {
            let rows = ["view", "other"].map(|table| derived_put(table, &format!("{turn}/{number}"), "1")).to_vec();
            RowBatch { rows, ..RowBatch::default() }
        };
        dropped += sweep("apply", |number| store.apply(batch(number))).await;
        let both = [derived("view"), derived("other")];
        let [view, other] = both.map(|table| Scan::all(table).limit(7));
        assert_eq!(rows(&store, view).await, rows(&store, other).await, "a batch is whole or absent");
    }
    // So many that a store may read them ahead, on a thread that is dropped with its reader.
    commit(&store, append("a-1", 5_000, Expected::Any)).await;
    let reads = ["read_stream", "read_stream backward", "read_log", "read_log by tag", "get", "scan"];
    for kind in reads.into_iter().chain(["name_key", "head", "follow"]) {
        let before = contents(&store).await;
        dropped += sweep(kind, |_| reading(&store, kind)).await;
        assert_eq!(contents(&store).await, before, "{kind} changes nothing");
    }
    soak::report(&format!("dropped={dropped}"));
}

/// Shutting down, dropped at any moment: then the store either still works or is shut down, and comes to an end.
pub async fn a_dropped_shut_down_leaves_the_store_open_or_shut<H: Harness>() {
    for polls in 0..4 {
        let mut harness = H::create(Setup::default()).await;
        let store = harness.store();
        commit(&store, wide(0)).await;
        poll_and_drop(polls, store.shut_down()).await;
        let after = store.commit(wide(1)).await.is_ok();
        soon("shutting down", store.shut_down()).await;
        assert!(store.commit(wide(2)).await.is_err());
        drop(store);
        if H::SURVIVES {
            soon("opening again", harness.reopen()).await;
            let whole = are_whole(&harness.store()).await;
            assert_eq!(whole, 1 + usize::from(after));
        }
    }
}

/// The futures of `Annals`: a command that is dropped has effect as a whole or not at all, once it is sent again with
/// its key exactly once.
pub async fn every_future_of_annals_can_be_dropped<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let annals = Annals::over(harness.store()).cache(1).open().await.expect("it opens");
    let mut dropped = 0;
    let mut sent = 0;
    for _ in 0..10 {
        let first = sent;
        let send = |number: usize| {
            annals.on::<Tally>("one").send(Count { by: 1 }).idempotency_key(format!("send-{number}")).into_future()
        };
        let tries = sweep("send", |number| send(first + number)).await;
        sent += tries + 1;
        dropped += tries;
        for number in first..sent {
            send(number).await.expect("it counts");
        }
        let loaded = annals.on::<Tally>("one").load().await.expect("it loads");
        assert_eq!((loaded.state.total, loaded.version.get()), (sent as u64, sent as u64), "each once");
    }
    let mut moved = 0;
    for _ in 0..10 {
        let first = moved;
        let both = |number: usize| {
            let decide = |(a, b): (&mut annals_core::Decision<Tally>, &mut annals_core::Decision<Tally>)| {
                a.emit(Tallied::Counted { by: 1 });
                b.emit(Tallied::Counted { by: 1 });
                Ok::<_, ()>(a.total)
            };
            let together = annals.together((at::<Tally>("left"), at::<Tally>("right")), decide);
            together.idempotency_key(format!("both-{number}"), &Count { by: 1 }).into_future()
        };
        let tries = sweep("together", |number| both(first + number)).await;
        moved += tries + 1;
        dropped += tries;
        for number in first..moved {
            both(number).await.expect("it counts");
        }
        for side in ["left", "right"] {
            let loaded = annals.on::<Tally>(side).load().await.expect("it loads");
            assert_eq!(loaded.state.total, moved as u64, "{side}: each once, both or neither");
        }
    }
    dropped += sweep("load", |_| async { drop(annals.on::<Tally>("one").load().await) }).await;
    dropped += sweep("snapshot", |_| async { drop(annals.on::<Tally>("one").snapshot().await) }).await;
    dropped += sweep("streams", |_| annals.streams(None, "").try_collect::<Vec<_>>()).await;
    dropped += sweep("close", |_| async { drop(annals.on::<Tally>("one").close().await) }).await;
    let loaded = annals.on::<Tally>("one").load().await.expect("it loads");
    assert_eq!(loaded.version, Version::new(sent as u64).expect("small"));
    soak::report(&format!("dropped={dropped}"));
}

/// In a `select` against a time-out that is over soon, or at once.
pub async fn a_commit_that_loses_against_a_time_out_is_whole_or_absent<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let mut lost = 0;
    for round in 0..200 {
        let time = Duration::from_micros(round as u64 % 20 * 50);
        lost += usize::from(tokio::time::timeout(time, store.commit(wide(round))).await.is_err());
    }
    commit(&store, append("sentinel-1", 1, Expected::Any)).await;
    let whole = are_whole(&store).await;
    assert!(whole + lost >= 200, "{whole} are there, {lost} lost against the time-out");
    for round in 0..200 {
        commit(&store, wide(round)).await;
    }
    assert_eq!(are_whole(&store).await, 200);
}

/// F15: the runtime of the callers ends while they wait; what they sent is whole or absent, and others go on.
pub async fn a_runtime_that_ends_leaves_commits_whole_or_absent<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let handles = Arc::strong_count(&store);
    for turn in 0..10 {
        let theirs = store.clone();
        let ended = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            let runtime = runtime.expect("a runtime");
            for number in 0..100 {
                let store = theirs.clone();
                runtime.spawn(async move { drop(store.commit(wide(turn * 100 + number)).await) });
            }
            if turn % 2 == 0 { runtime.shutdown_timeout(Duration::ZERO) } else { drop(runtime) }
        });
        soon("the end of the runtime", ended).await.expect("no panic");
        // A runtime that does not wait for its threads leaves them to finish what they are at.
        let gone = async {
            while Arc::strong_count(&store) > handles {
                tokio::task::yield_now().await;
            }
        };
        soon("the end of the runtime's tasks", gone).await;
        soon("a commit", commit(&store, append("sentinel-1", 1, Expected::Any))).await;
        are_whole(&store).await;
    }
}

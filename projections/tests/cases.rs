//! What other frameworks test of subscriptions (D) and projections (F), as far as it means something here; D.4, D.6, D.14,
//! D.26 are in `engine.rs`, D.22 in `backlog.rs`, F.18 in `faults.rs` and `unstorable.rs`. Here a consumer neither acknowledges (D.12, F.12)
//! nor chooses where it begins (D.10, D.16, F.4).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use annals_conformance::planted::behind;
use annals_core::{Annals, Commit, EventType, LoggedTable, NewEvent, RowWrite, Store, StreamId};
use annals_projections::{
    BoxError, EventContext, Incoming, KeyBytes, Projection, ProjectionHandle, ProjectionOptions, ReadModels,
    RegistrationError, Row, RowKey, Rows, RowsError, State, Subscription, Tables, WaitError, WithProjections,
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{bank::*, stores::Gate};

/// What a projection was given: the number of each event, by key, and the task that took it.
type Seen = Arc<Mutex<BTreeMap<String, Vec<(u64, tokio::task::Id)>>>>;

/// Notes what it is given.
struct Noting {
    subscription: Subscription,
    seen: Seen,
}

impl Projection for Noting {
    const NAME: &'static str = "noting";
    const VERSION: u32 = 1;

    fn subscription(&self) -> Subscription {
        self.subscription.clone()
    }
    fn tables(&self) -> Tables {
        Tables::new().with::<Balance>()
    }
    async fn handle(&self, _: Incoming<'_>, cx: &EventContext<'_>, _: &mut Rows<'_>) -> Result<(), BoxError> {
        let note = (cx.record().position().get(), tokio::task::id());
        self.seen.lock().unwrap().entry(cx.key().to_owned()).or_default().push(note);
        // Others have their turn, so that lanes mix.
        tokio::task::yield_now().await;
        Ok(())
    }
}

async fn note(store: &Arc<dyn Store>, subscription: Subscription, lanes: usize) -> (Annals, ProjectionHandle, Seen) {
    let seen = Seen::default();
    let noting = Noting { subscription, seen: Arc::clone(&seen) };
    let options = ProjectionOptions::default().lanes(lanes);
    let annals = Annals::over(Arc::clone(store)).projection_with(noting, options).open().await.unwrap();
    let handle = ReadModels::projection::<Noting>(&annals).unwrap();
    // While rows are computed for the first time, nobody is let wait.
    handle.watch().wait_for(|status| status.state == State::Live).await.unwrap();
    (annals, handle, seen)
}

async fn caught_up(handle: &ProjectionHandle, store: &Arc<dyn Store>) {
    handle.watch().wait_for(|status| is_live(status) && status.position == head(store)).await.unwrap();
}

fn positions(seen: &Seen, key: &str) -> Vec<u64> {
    seen.lock().unwrap().get(key).into_iter().flatten().map(|(position, _)| *position).collect()
}

fn everything() -> Subscription {
    Balances::default().subscription()
}

/// D.2: events of other categories are not given out, though they have the same names.
#[tokio::test]
async fn only_chosen_categories_are_given_out() {
    let store = store();
    let (annals, handle, seen) =
        note(&store, everything().category(annals_core::Category::new("account").unwrap()), 1).await;
    let other = |event: NewEvent| NewEvent { stream: StreamId::new("savings", "ada").unwrap(), ..event };
    let last = commit(&store, [deposited("ada", 1), other(deposited("ada", 1)), deposited("ada", 1)]).await;
    handle.wait_for(&last).await.unwrap();
    assert_eq!(positions(&seen, "ada"), [1, 3]);
    drop(annals);
}

/// D.8: what is chosen by its kind is given out from history and then as it comes, also when nothing came in between; and the
/// end is reached when nothing chosen is there.
#[tokio::test]
async fn a_choice_holds_in_history_and_in_the_present() {
    let store = store();
    let opened = |account: &str| event(account, &AccountEvent::Opened { owner: "x".into() });
    commit(&store, [opened("ada"), opened("bob")]).await;
    let (_annals, handle, seen) = note(&store, everything(), 1).await;
    caught_up(&handle, &store).await;
    assert!(seen.lock().unwrap().is_empty());
    commit(&store, [deposited("ada", 1), opened("ada"), deposited("ada", 2)]).await;
    caught_up(&handle, &store).await;
    assert_eq!(positions(&seen, "ada"), [3, 5]);
}

/// D.20, F.14: over several lanes each event is given out once, those of a key in order, and within a piece of the log to one
/// worker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_keep_their_order_and_their_lane() {
    let store = store();
    let keys: Vec<_> = (0..3).map(|number| format!("s{number}")).collect();
    let order = [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 0, 1, 2];
    for _ in 0..20 {
        commit(&store, order.map(|key: usize| deposited(&keys[key], 1))).await;
    }
    let (_annals, handle, seen) = note(&store, everything(), 4).await;
    caught_up(&handle, &store).await;
    for (number, key) in keys.iter().enumerate() {
        let of_key = (0..300_u64).filter(|position| order[usize::try_from(*position).unwrap() % 15] == number);
        assert_eq!(positions(&seen, key), of_key.map(|position| position + 1).collect::<Vec<_>>());
        let workers: std::collections::BTreeSet<_> = seen.lock().unwrap()[key].iter().map(|(_, task)| *task).collect();
        assert_eq!(workers.len(), 1, "{key} went to one lane");
    }
}

/// D.24, F.6: with several lanes too a checkpoint moves over events that nobody wants, though nothing is ever stopped in order.
#[test]
fn a_checkpoint_of_several_lanes_moves_over_what_is_not_wanted() {
    let store = store();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime().block_on(async {
        let annals = open(&store, &Balances::default(), ProjectionOptions::default().lanes(4)).await;
        let nothing = |_| event("ada", &AccountEvent::Opened { owner: "x".into() });
        for _ in 0..3 {
            commit(&store, (0..5000).map(nothing)).await;
        }
        until(&annals, |status| status.position == head(&store)).await;
    });
    // Its runtime was dropped: nothing was stored at the end.
    runtime().block_on(async {
        let annals = open(&store, &Balances::default(), ProjectionOptions::default().lanes(4)).await;
        let begun = handle(&annals).status().position.get();
        assert!(begun > 10_000, "it begins at {begun}");
    });
}

/// D.10, D.26: who stops a projection waits for what it is at, which is kept, and not for what is behind that.
#[tokio::test(start_paused = true)]
async fn a_stop_ends_what_is_under_way() {
    let store = store();
    let balances = Balances::default();
    let (gate, closed) = watch::channel(false);
    let annals = open(&behind(store.clone(), Gate(closed)), &balances, ProjectionOptions::default()).await;
    commit(&store, (0..10).map(|number| deposited("ada", number))).await;
    while balances.faults.calls.load(Ordering::SeqCst) < 10 {
        tokio::task::yield_now().await;
    }
    let stopping = tokio::spawn(stop(annals.clone()));
    tokio::task::yield_now().await;
    gate.send_replace(true);
    stopping.await.unwrap();
    assert_eq!(handle(&annals).status().state, State::Stopped);
    let again = open(&store, &balances, ProjectionOptions::default()).await;
    until(&again, is_live).await;
    assert_eq!(balances.faults.calls.load(Ordering::SeqCst), 10, "what was under way was kept");
    check(&again).await;
}

/// D.28, F.16: a runner that takes over is given what the one before had not stored, and nothing that it had.
#[tokio::test]
async fn whoever_takes_over_goes_on_where_it_was_stored() {
    let store = store();
    let (_gate, closed) = watch::channel(false);
    let (one, two) = (Balances::default(), Balances::default());
    let first = open(&store, &one, ProjectionOptions::default()).await;
    commit(&store, (0..10).map(|number| deposited("ada", number))).await;
    until(&first, |status| status.position == head(&store)).await;
    stop(first).await;
    let stuck = open(&behind(store.clone(), Gate(closed)), &one, ProjectionOptions::default()).await;
    commit(&store, (0..5).map(|number| deposited("ada", number))).await;
    while one.faults.calls.load(Ordering::SeqCst) < 15 {
        tokio::task::yield_now().await;
    }
    let second = open(&store, &two, ProjectionOptions::default()).await;
    until(&second, |status| is_live(status) && status.position == head(&store)).await;
    assert_eq!(two.faults.calls.load(Ordering::SeqCst), 5, "what was not stored, once more");
    check(&second).await;
    drop(stuck);
}

/// F.10: who waits is told when the projection has seen it; in time, if it is slow; at once, if nothing was written.
#[tokio::test(start_paused = true)]
async fn who_waits_is_told_in_time() {
    let store = store();
    let (gate, closed) = watch::channel(false);
    let annals = open(&behind(store.clone(), Gate(closed)), &Balances::default(), ProjectionOptions::default()).await;
    until(&annals, is_live).await;
    let receipt = commit(&store, [deposited("ada", 1)]).await;
    let (begun, limit) = (tokio::time::Instant::now(), Duration::from_secs(3));
    let waited = handle(&annals).wait_within(&receipt, limit).await;
    assert!(matches!(waited, Err(WaitError::TimedOut { after, .. }) if after == limit), "{waited:?}");
    assert_eq!(begun.elapsed().as_secs(), 3);
    // No event: there is nothing to wait for.
    let row = RowWrite::put(LoggedTable::new("notes").unwrap(), "a", "b");
    let nothing = store.commit(Commit::new().row(row)).await.unwrap();
    handle(&annals).wait_for(&nothing).await.unwrap();
    gate.send_replace(true);
    handle(&annals).wait_for(&receipt).await.unwrap();
    assert_eq!(row_of_ada(&annals).await, Some(1));
}

async fn row_of_ada(annals: &Annals) -> Option<i64> {
    row(annals, "ada").await.map(|balance| balance.cents)
}

/// A row of all accounts.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Turnover {
    cents: i64,
}

impl Row for Turnover {
    const TABLE: &'static str = "turnover";
    type Key = u64;
    fn write_key(&self, key: &mut KeyBytes) {
        0_u64.write(key);
    }
    fn write_index(&self, _: usize, _: &mut KeyBytes) {}
}

struct Loose;

impl Projection for Loose {
    const NAME: &'static str = "loose";
    const VERSION: u32 = 1;
    fn subscription(&self) -> Subscription {
        everything()
    }
    fn tables(&self) -> Tables {
        Tables::new().with::<Turnover>()
    }
    async fn handle(&self, _: Incoming<'_>, _: &EventContext<'_>, _: &mut Rows<'_>) -> Result<(), BoxError> {
        Ok(())
    }
}

/// F.14: rows that are not keyed by the lane are refused with several lanes, at the start where that can be seen, else at the row.
#[tokio::test(start_paused = true)]
async fn lanes_write_their_own_rows_alone() {
    /// Writes to an account that is not its key, and reads it.
    struct Astray;
    impl Projection for Astray {
        const NAME: &'static str = "astray";
        const VERSION: u32 = 1;
        fn subscription(&self) -> Subscription {
            everything()
        }
        fn tables(&self) -> Tables {
            Tables::new().with::<Balance>()
        }
        async fn handle(&self, _: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
            let read = rows.get::<Balance>("else".to_owned()).await;
            assert!(matches!(read, Err(RowsError::OutsideLane { table: Balance::TABLE })), "{read:?}");
            rows.put(Balance { account: format!("x{}", cx.key()), cents: 0, events: 1 })?;
            Ok(())
        }
    }
    let store = store();
    commit(&store, [deposited("ada", 1)]).await;
    let options = ProjectionOptions::default().lanes(2).retry(annals_projections::Retry::never());
    let annals = Annals::over(store.clone()).projection_with(Astray, options).open().await.unwrap();
    let handle = ReadModels::projection::<Astray>(&annals).unwrap();
    handle.watch().wait_for(|status| status.parked_keys == 1).await.unwrap();
    let error = handle.parked().await.unwrap().remove(0).error;
    assert_eq!(error, RowsError::OutsideLane { table: Balance::TABLE }.to_string());
    let refused = Annals::over(store).projection_with(Loose, ProjectionOptions::default().lanes(2)).open().await;
    let expected = RegistrationError::NotKeyedByLane { name: "loose", table: "turnover", lanes: 2 };
    assert_eq!(refused.unwrap_err().to_string(), expected.to_string());
}

/// A log that ends before what was taken in is not waited for until it has grown: the projection says so.
#[tokio::test(start_paused = true)]
async fn a_checkpoint_beyond_the_log_stops_the_projection() {
    let (longer, shorter) = (store(), store());
    for lanes in [1, 4] {
        let annals = open(&longer, &Balances::default(), ProjectionOptions::default().lanes(lanes)).await;
        commit(&longer, (0..10).map(|number| deposited("ada", number))).await;
        until(&annals, |status| is_live(status) && status.position == head(&longer)).await;
        stop(annals).await;
    }
    commit(&shorter, [deposited("ada", 1)]).await;
    // The rows of one with the log of the other.
    let scan = annals_core::Scan::all(annals_core::DerivedTable::CHECKPOINTS);
    let copied = longer.scan(scan).await.unwrap().rows.into_iter().map(|(key, value)| annals_core::DerivedWrite {
        table: annals_core::DerivedTable::CHECKPOINTS,
        key,
        value: Some(value),
    });
    let rows = copied.collect();
    shorter.apply(annals_core::RowBatch { rows, ..Default::default() }).await.unwrap();
    let annals = open(&shorter, &Balances::default(), ProjectionOptions::default()).await;
    let status = until(&annals, |status| matches!(status.state, State::Failed { .. })).await;
    let reason = "position 20 was taken in already, but the log ends at 1: restore the log, or the rows from it";
    assert_eq!(status.state, State::Failed { reason: reason.into(), retrying: false });
}

/// A record whose type nobody knows is of no interest, and moves the checkpoint.
#[tokio::test]
async fn unknown_types_are_passed_by() {
    let store = store();
    let (_annals, handle, seen) = note(&store, everything(), 3).await;
    let unknown = NewEvent::new(stream("ada"), EventType::new("account.renamed").unwrap(), b"x".as_slice());
    let last = commit(&store, [deposited("ada", 1), unknown]).await;
    handle.wait_for(&last).await.unwrap();
    assert_eq!((positions(&seen, "ada"), handle.status().parked_events), (vec![1], 0));
}

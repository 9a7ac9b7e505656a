//! Rows that an operator lets be computed anew, beside those that are read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use annals_conformance::planted::behind;
use annals_core::{
    Annals, DerivedTable, DerivedWrite, NewEvent, Position, RowBatch, Scan, Store, StreamId, Tenant, codec, kinds,
};
use annals_projections::{
    BoxError, Difference, EventContext, Incoming, KeyBytes, Projection, ProjectionOptions, ReadModels, Rebuild, Rows,
    Shadow, ShadowError, State, Subscription, Tables, WithProjections,
};
use tokio::sync::watch;

use crate::{
    bank::*,
    stores::{Gate, Unruly},
};

/// A bank of five accounts, of which ten events each are in the log and in the rows.
async fn bank(options: ProjectionOptions) -> (Arc<dyn Store>, Annals) {
    let store = store();
    for number in 0..50 {
        commit(&store, [deposited(&format!("a{}", number % 5), number)]).await;
    }
    let annals = open(&store, &Balances::default(), options).await;
    until(&annals, |status| is_live(status) && status.position == head(&store)).await;
    (store, annals)
}

/// Makes the rows of build `build` wrong: one is changed, one is missing, one is nobody's.
async fn spoil(store: &Arc<dyn Store>, build: u64) {
    let rows = DerivedTable::new(&format!("balances:{build}:balances")).unwrap();
    let key = |account: &str| codec::Bytes::copy_from_slice(KeyBytes::of(account).as_slice());
    let row = |account: &str| Balance { account: account.to_owned(), cents: -1, events: 0 };
    let write = |account: &str, is_there: bool| DerivedWrite {
        table: rows.clone(),
        key: key(account),
        value: is_there.then(|| codec::encode("row", &row(account)).unwrap()),
    };
    let rows = vec![write("a1", true), write("a2", false), write("zoe", true)];
    store.apply(RowBatch { rows, ..RowBatch::default() }).await.unwrap();
}

async fn rebuilt(annals: &Annals) -> Shadow {
    let shadow = handle(annals).rebuild(Rebuild::new()).await.unwrap();
    shadow.caught_up().await.unwrap();
    shadow
}

fn counts(difference: &Difference, table: &str) -> (u64, u64, u64, u64) {
    let table = difference.tables.iter().find(|found| found.table == table && found.tenant.is_none()).unwrap();
    (table.alike, table.added, table.removed, table.changed)
}

/// How many rows a build has in its table, and beside it.
async fn rows_of(store: &Arc<dyn Store>, build: u64, tenant: Option<&Tenant>) -> usize {
    let mut rows = 0;
    for name in ["balances", "balances:cents"] {
        let table = DerivedTable::new(&format!("balances:{build}:{name}")).unwrap().in_tenant(tenant.cloned());
        rows += store.scan(Scan::all(table)).await.unwrap().rows.len();
    }
    let own = codec::Bytes::copy_from_slice(KeyBytes::of(&("balances", build)).as_slice());
    for table in [DerivedTable::CHECKPOINTS, DerivedTable::PARKED] {
        rows += store.scan(Scan::prefix(table, own.clone())).await.unwrap().rows.len();
    }
    rows
}

/// Polls until `done`, for not longer than a minute.
async fn soon(done: impl AsyncFn() -> bool) {
    let waited = async {
        while !done().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waited).await.unwrap();
}

/// P6: what is wrong is found, replaced at once, and can be brought back; both go on with what comes.
#[tokio::test]
async fn wrong_rows_are_found_swapped_and_brought_back() {
    for lanes in [1, 4] {
        let (store, annals) = bank(ProjectionOptions::default().lanes(lanes)).await;
        spoil(&store, 1).await;
        assert_eq!(row(&annals, "a1").await.unwrap().cents, -1);

        let shadow = rebuilt(&annals).await;
        assert_eq!(row(&annals, "a1").await.unwrap().cents, -1, "read before it was swapped");
        let difference = shadow.compare(1).await.unwrap();
        assert_eq!(difference.position, head(&store));
        assert!(!difference.is_empty());
        assert_eq!(counts(&difference, "balances"), (3, 1, 1, 1), "{difference}");
        // The index was left as it was.
        assert_eq!(counts(&difference, "balances:cents"), (5, 0, 0, 0), "{difference}");
        let example = &difference.tables[0].examples[..];
        assert_eq!(example.len(), 1, "not more than were asked for");
        assert!(example[0].live.as_ref().unwrap().contains("-1"), "{difference}");
        assert!(example[0].shadow.as_ref().unwrap().contains("235"), "{difference}");

        shadow.swap("rows were spoilt").await.unwrap();
        check(&annals).await;
        assert_eq!(handle(&annals).status().build, 2);
        assert!(matches!(shadow.swap("once more").await, Err(ShadowError::Gone { build: 2, .. })));
        let receipt = commit(&store, [deposited("a1", 1)]).await;
        handle(&annals).wait_for(&receipt).await.unwrap();
        check(&annals).await;

        // The way back: the rows are wrong again, and what came meanwhile is in them.
        let former = handle(&annals).bring_back().await.unwrap();
        assert_eq!(former.build(), 1);
        former.caught_up().await.unwrap();
        former.swap("it was a mistake").await.unwrap();
        assert!(row(&annals, "zoe").await.is_some());
        let receipt = commit(&store, [deposited("a3", 7)]).await;
        handle(&annals).wait_for(&receipt).await.unwrap();
        assert_eq!(row(&annals, "a3").await.unwrap().events, 11);
        assert_eq!(handle(&annals).status().build, 1);
        stop(annals).await;
    }
}

/// Rows that were brought back are not taken for new ones, although they are of the same events.
#[tokio::test]
async fn what_was_brought_back_is_not_what_is_rebuilt() {
    let (store, annals) = bank(ProjectionOptions::default()).await;
    spoil(&store, 1).await;
    rebuilt(&annals).await.swap("rows were spoilt").await.unwrap();
    let former = handle(&annals).bring_back().await.unwrap();
    let refused = handle(&annals).rebuild(Rebuild::new()).await;
    assert!(matches!(refused, Err(ShadowError::UnderWay { build: 1, .. })), "{refused:?}");
    assert_eq!(handle(&annals).bring_back().await.unwrap().build(), former.build());
    former.abandon().await.unwrap();
    rebuilt(&annals).await.swap("once more").await.unwrap();
    check(&annals).await;
}

/// Comparing takes place at one position, whatever comes meanwhile; and who waits for an event sees it whichever rows are read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_sees_the_event_also_while_rows_are_swapped() {
    for lanes in [1, 4] {
        let (store, annals) = bank(ProjectionOptions::default().lanes(lanes)).await;
        let is_over = Arc::new(AtomicBool::new(false));
        let writing = {
            let (store, annals, is_over) = (store.clone(), annals.clone(), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut written = 0;
                while !is_over.load(Ordering::SeqCst) {
                    let receipt = commit(&store, [deposited("ada", 1)]).await;
                    written += 1;
                    let waited = handle(&annals).wait_within(&receipt, Duration::from_secs(60)).await;
                    waited.unwrap();
                    assert_eq!(row(&annals, "ada").await.unwrap().events, written, "the row is older than the wait");
                }
                written
            })
        };
        for round in 0..10 {
            let shadow = rebuilt(&annals).await;
            let difference = shadow.compare(3).await.unwrap();
            assert!(difference.is_empty(), "{difference}");
            shadow.swap("a round").await.unwrap();
            assert_eq!(handle(&annals).status().build, round + 2);
        }
        is_over.store(true, Ordering::SeqCst);
        assert!(writing.await.unwrap() > 0);
        check(&annals).await;
        stop(annals).await;
    }
}

/// A rebuild that swaps before it has caught up is refused.
#[tokio::test]
async fn rows_that_are_not_complete_are_not_swapped() {
    let (store, annals) = bank(ProjectionOptions::default()).await;
    stop(annals).await;
    let (gate, closed) = watch::channel(true);
    let gated = behind(store.clone(), Gate(closed));
    let annals = open(&gated, &Balances::default(), ProjectionOptions::default()).await;
    until(&annals, is_live).await;
    gate.send_replace(false);
    let shadow = handle(&annals).rebuild(Rebuild::new()).await.unwrap();
    shadow.watch().wait_for(|status| status.state == State::Rebuilding).await.unwrap();
    for refused in [shadow.swap("too early").await, shadow.compare(1).await.map(drop)] {
        assert!(matches!(refused, Err(ShadowError::Incomplete { .. })), "{refused:?}");
    }
    // The same again is the same, something else has to wait.
    assert_eq!(handle(&annals).rebuild(Rebuild::new()).await.unwrap().build(), shadow.build());
    let other = handle(&annals).rebuild(Rebuild::new().after(Position::new(7).unwrap())).await;
    assert!(matches!(other, Err(ShadowError::UnderWay { build: 2, .. })), "{other:?}");
    assert!(matches!(handle(&annals).bring_back().await, Err(ShadowError::UnderWay { build: 2, .. })));
    gate.send_replace(true);
    shadow.caught_up().await.unwrap();
    shadow.swap("it is complete").await.unwrap();
    check(&annals).await;
}

/// A rebuild goes on after a restart where it was, and is not what is read then.
#[tokio::test(start_paused = true)]
async fn a_rebuild_goes_on_after_a_restart() {
    let (store, annals) = bank(ProjectionOptions::default()).await;
    stop(annals).await;
    let hanging = Balances::poisoned_by(30, u64::MAX);
    hanging.faults.hangs.store(true, Ordering::SeqCst);
    let annals = open(&store, &hanging, ProjectionOptions::default()).await;
    until(&annals, is_live).await;
    let shadow = handle(&annals).rebuild(Rebuild::new()).await.unwrap();
    shadow.watch().wait_for(|status| status.state == State::Rebuilding).await.unwrap();
    spoil(&store, 1).await;
    stop(annals).await;

    let annals = open(&store, &Balances::default(), ProjectionOptions::default()).await;
    until(&annals, is_live).await;
    assert_eq!((handle(&annals).status().build, row(&annals, "a1").await.unwrap().cents), (1, -1));
    let shadow = handle(&annals).shadow().unwrap();
    assert_eq!(shadow.build(), 2);
    shadow.caught_up().await.unwrap();
    shadow.swap("it is complete").await.unwrap();
    check(&annals).await;
    stop(annals).await;
    let annals = open(&store, &Balances::default(), ProjectionOptions::default()).await;
    until(&annals, is_live).await;
    assert!(handle(&annals).shadow().is_none());
    check(&annals).await;
}

/// What other code computes beside is given up when new code comes.
#[tokio::test]
async fn a_rebuild_by_former_code_is_given_up() {
    let (store, annals) = bank(ProjectionOptions::default()).await;
    rebuilt(&annals).await;
    stop(annals).await;
    let renamed = Hindered::default();
    let annals = Annals::over(store.clone()).projection(renamed).open().await.unwrap();
    let projection = annals.projection::<Hindered>().unwrap();
    projection.watch().wait_for(|status| status.state == State::Live).await.unwrap();
    assert!(projection.shadow().is_none());
    assert_eq!(projection.status().build, 3);
    soon(async || rows_of(&store, 2, None).await == 0).await;
    assert!(rows_of(&store, 1, None).await > 0, "it was read before");
    assert!(matches!(projection.bring_back().await, Err(ShadowError::NoPrevious { .. })), "other code computed it");
}

/// The balances by other code, of which one call never comes to its end, of those with a deposit of 777 cents.
#[derive(Clone, Default)]
struct Hindered {
    calls: Arc<AtomicU64>,
    hindered: u64,
}

impl Projection for Hindered {
    const NAME: &'static str = Balances::NAME;
    const VERSION: u32 = Balances::VERSION + 1;

    fn subscription(&self) -> Subscription {
        Balances::default().subscription()
    }
    fn tables(&self) -> Tables {
        Balances::default().tables()
    }
    async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        let is_hindered = matches!(event.get(), Some(AccountEvent::Deposited { cents: 777 }));
        if is_hindered && self.calls.fetch_add(1, Ordering::SeqCst) == self.hindered {
            std::future::pending::<()>().await;
        }
        Balances::default().handle(event, cx, rows).await
    }
}

/// Two builds of which one lags behind are brought to one place, and no further, although the log goes on: neither are rows read
/// that are older than those before.
#[tokio::test(start_paused = true)]
async fn the_one_that_lags_is_waited_for() {
    let mut lagging = Vec::new();
    for (hindered, swap) in [(0, false), (1, false), (0, true), (1, true)] {
        // Calls take several polls, so that others can look in between.
        let store = behind(store(), Unruly::restless());
        let hindered = Hindered { calls: Arc::default(), hindered };
        let annals = Annals::over(store.clone()).projection(hindered.clone()).open().await.unwrap();
        let projection = annals.projection::<Hindered>().unwrap();
        projection.watch().wait_for(|status| status.state == State::Live).await.unwrap();
        let shadow = projection.rebuild(Rebuild::new()).await.unwrap();
        shadow.caught_up().await.unwrap();
        // One takes in everything, and more than is kept for those that come later.
        for cents in (777..).take(30) {
            let receipt = commit(&store, [deposited("ada", cents)]).await;
            let (_, last) = receipt.positions.unwrap();
            soon(async || projection.status().position.max(shadow.status().position) == last).await;
        }
        assert!(hindered.calls.load(Ordering::SeqCst) == 2, "one took in what the other hangs in");
        let (live, beside) = (projection.status().position, shadow.status().position);
        lagging.push((live < beside, beside < live));

        let at_work = tokio::spawn({
            let shadow = shadow.clone();
            async move {
                if swap {
                    return shadow.swap("whatever").await.unwrap();
                }
                let difference = shadow.compare(1).await.unwrap();
                assert!(difference.is_empty(), "{difference}");
                assert_eq!(difference.position, live.max(beside));
            }
        });
        // While they are held, which takes the grace of what is at work, the log goes on.
        tokio::time::sleep(Duration::from_secs(1)).await;
        commit(&store, [deposited("ada", 5)]).await;
        let (mut seen, mut is_over) = (0, false);
        while !is_over {
            is_over = at_work.is_finished();
            let events = row(&annals, "ada").await.map_or(0, |row| row.events);
            assert!(events >= seen, "{events} events behind {seen}: rows that are older than those before");
            seen = events;
            tokio::task::yield_now().await;
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        at_work.await.unwrap();
        projection.watch().wait_for(|status| status.position == head(&store)).await.unwrap();
        check(&annals).await;
    }
    assert!(lagging.contains(&(true, false)) && lagging.contains(&(false, true)), "{lagging:?}");
}

/// What nobody uses any more is deleted, also the rows of tenants; what can be brought back is kept.
#[tokio::test]
async fn rows_that_nobody_uses_are_deleted() {
    let (store, annals) = bank(ProjectionOptions::default()).await;
    let acme = Tenant::new("acme").unwrap();
    let of_acme = deposited("ada", 5);
    let stream = StreamId::of(Some(&acme), "account", "ada").unwrap();
    let receipt = commit(&store, [NewEvent { stream, ..of_acme }]).await;
    handle(&annals).wait_for(&receipt).await.unwrap();

    let abandoned = rebuilt(&annals).await;
    assert!(rows_of(&store, 2, Some(&acme)).await > 2);
    let difference = abandoned.compare(1).await.unwrap();
    assert_eq!(difference.tables.len(), 4, "a table and its index, of nobody and of a tenant: {difference}");
    assert!(difference.is_empty());
    abandoned.abandon().await.unwrap();
    assert!(matches!(abandoned.abandon().await, Err(ShadowError::Gone { build: 2, .. })));
    assert!(matches!(abandoned.caught_up().await, Ok(()) | Err(ShadowError::Gone { .. })));
    soon(async || rows_of(&store, 2, Some(&acme)).await == 0 && rows_of(&store, 2, None).await == 0).await;

    rebuilt(&annals).await.swap("first").await.unwrap();
    assert!(rows_of(&store, 1, Some(&acme)).await > 2, "it can be brought back");
    rebuilt(&annals).await.swap("second").await.unwrap();
    soon(async || rows_of(&store, 1, Some(&acme)).await == 0 && rows_of(&store, 1, None).await == 0).await;
    assert_eq!(handle(&annals).status().build, 4, "no number is given twice");
    check_less_acme(&annals).await;
    assert_eq!(rows_of(&store, 3, Some(&acme)).await, rows_of(&store, 4, Some(&acme)).await);
}

/// Checks the rows of nobody's accounts.
async fn check_less_acme(annals: &Annals) {
    let rows = annals.view::<Balance>().unwrap().all().collect().await.unwrap();
    assert_eq!(rows.iter().map(|row| row.events).collect::<Vec<_>>(), [10; 5]);
}

/// Rows can be computed as though the log began later, by position and by time, or had held some kinds alone.
#[tokio::test]
async fn a_rebuild_takes_the_events_that_it_says() {
    let (store, annals) = bank(ProjectionOptions::default()).await;
    let record = async |position: u64| {
        let read = annals_core::ReadLog::all().after(Position::new(position - 1).unwrap()).limit(1);
        futures::StreamExt::next(&mut store.read_log(read)).await.unwrap().unwrap()
    };
    let time = record(21).await.recorded();
    let mut first = 21;
    while first > 1 && record(first - 1).await.recorded() == time {
        first -= 1;
    }
    commit(&store, [event("a0", &AccountEvent::Withdrawn { cents: 1 })]).await;
    let all: u64 = 51;
    let withdrawals = Rebuild::new().kinds(kinds![AccountEvent::Withdrawn]);
    for (rebuild, events) in [
        (Rebuild::new().after(Position::new(30).unwrap()), all - 30),
        (Rebuild::new().since(time), all - (first - 1)),
        (withdrawals, 1),
        (Rebuild::new().after(Position::new(1000).unwrap()), 0),
    ] {
        let shadow = handle(&annals).rebuild(rebuild.clone()).await.unwrap();
        shadow.caught_up().await.unwrap();
        shadow.swap("another scope").await.unwrap();
        let counted = async || {
            let rows = annals.view::<Balance>().unwrap().all().collect().await.unwrap();
            rows.iter().map(|row| row.events).sum::<u64>()
        };
        assert_eq!(counted().await, events, "{rebuild:?}");
        rebuilt(&annals).await.swap("everything again").await.unwrap();
        assert_eq!(counted().await, all);
    }
    // Later events are all taken in.
    let shadow = handle(&annals).rebuild(Rebuild::new().kinds(kinds![AccountEvent::Withdrawn])).await.unwrap();
    shadow.caught_up().await.unwrap();
    let receipt = commit(&store, [deposited("a0", 5)]).await;
    shadow.swap("another scope").await.unwrap();
    handle(&annals).wait_for(&receipt).await.unwrap();
    assert_eq!(row(&annals, "a0").await.unwrap(), Balance { account: "a0".into(), cents: 4, events: 2 });
}

/// Without anything that was read before, or that runs, there is a reason why not.
#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let (_, annals) = bank(ProjectionOptions::default()).await;
    assert!(matches!(handle(&annals).bring_back().await, Err(ShadowError::NoPrevious { projection: "balances" })));
    let (projection, shadow) = (handle(&annals), rebuilt(&annals).await);
    // A projection that is paused stays where it is: what is read can be exchanged, not compared with what is further on.
    projection.pause("for a test").await.unwrap();
    until(&annals, |status| status.state == State::Paused).await;
    let receipt = commit(annals.store(), [deposited("a0", 1)]).await;
    let (_, last) = receipt.positions.unwrap();
    shadow.watch().wait_for(|status| status.position >= last).await.unwrap();
    let refused = shadow.compare(1).await;
    assert!(matches!(refused, Err(ShadowError::NotRunning { state: State::Paused, .. })), "{refused:?}");
    shadow.swap("although it is paused").await.unwrap();
    assert_eq!(row(&annals, "a0").await.unwrap().events, 11);
    until(&annals, |status| status.state == State::Paused).await;
    projection.resume().await.unwrap();
    until(&annals, is_live).await;
    stop(annals.clone()).await;
    let stopped = projection.rebuild(Rebuild::new()).await;
    assert!(matches!(stopped, Err(ShadowError::NotRunning { state: State::Stopped, .. })), "{stopped:?}");
}

/// Rows in memory can be computed anew like others.
#[tokio::test]
async fn rows_in_memory_are_rebuilt_too() {
    let (store, annals) = bank(ProjectionOptions::default().in_memory()).await;
    rebuilt(&annals).await.swap("why not").await.unwrap();
    commit(&store, [deposited("a1", 1)]).await;
    until(&annals, |status| status.position == head(&store)).await;
    check(&annals).await;
    assert!(annals.projections().is_some());
}

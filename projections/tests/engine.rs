//! The engine: from history into the present, exactly once, whatever happens.

use std::{sync::atomic::Ordering, time::Duration};

use annals_core::{Annals, MemoryStore};
use annals_projections::{
    Order, ProjectionOptions, ReadModels, RegistrationError, State, ViewError, WaitError, WithProjections,
};

use crate::bank::*;

/// D.6: history, then what comes, in order, none twice.
#[tokio::test]
async fn history_meets_the_present() {
    let store = store();
    for number in 0..1000 {
        commit(&store, [deposited(&format!("a{}", number % 7), 1)]).await;
    }
    let annals = open(&store, &Balances::default(), ProjectionOptions::default()).await;
    for number in 0..1000 {
        let receipt = commit(&store, [deposited(&format!("a{}", number % 7), 2)]).await;
        if number % 100 == 0 {
            handle(&annals).wait_for(&receipt).await.unwrap();
            check(&annals).await;
        }
    }
    handle(&annals).wait_until(head(&store)).await.unwrap();
    check(&annals).await;
    assert_eq!(until(&annals, is_live).await.position.get(), 2000);
}

/// D.4: an empty store is followed too.
#[tokio::test]
async fn an_empty_store_is_followed() {
    let store = store();
    let annals = open(&store, &Balances::default(), ProjectionOptions::default()).await;
    until(&annals, is_live).await;
    let receipt = commit(&store, [deposited("ada", 3)]).await;
    handle(&annals).wait_for(&receipt).await.unwrap();
    check(&annals).await;
}

/// D.24, P6: what was taken in is not taken in again after a restart, and a filtered event moves the checkpoint too.
#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let store = store();
    let balances = Balances::default();
    let annals = open(&store, &balances, ProjectionOptions::default()).await;
    commit(&store, [deposited("ada", 5)]).await;
    let last = commit(&store, [event("ada", &AccountEvent::Opened { owner: "Ada".into() })]).await;
    handle(&annals).wait_for(&last).await.unwrap();
    stop(annals).await;
    let annals = open(&store, &balances, ProjectionOptions::default()).await;
    let status = until(&annals, is_live).await;
    assert_eq!((status.position.get(), balances.faults.calls.load(Ordering::SeqCst)), (2, 1));
    check(&annals).await;
}

/// P6, F19, T11: with several lanes, and with others after each restart, cut off wherever it happens to be, each event counts
/// once.
#[test]
fn each_event_counts_once_whatever_is_cut_off() {
    let store = store();
    let accounts: Vec<_> = (0..97).map(|number| format!("a{number}")).collect();
    for round in 0..50_u64 {
        // Its tasks end at some await when the runtime is dropped, as in a crash.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let lanes = [1, 4, 3, 1, 7][usize::try_from(round % 5).unwrap()];
            let annals = open(&store, &Balances::default(), ProjectionOptions::default().lanes(lanes)).await;
            for number in 0..200 {
                let account = &accounts[usize::try_from(number * 31 + round).unwrap() % accounts.len()];
                commit(&store, [deposited(account, i64::try_from(number).unwrap())]).await;
            }
            if round % 3 == 0 {
                until(&annals, |status| status.position.get() > round * 200).await;
            }
        });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let annals = open(&store, &Balances::default(), ProjectionOptions::default().lanes(4)).await;
        until(&annals, is_live).await;
        handle(&annals).wait_until(head(&store)).await.unwrap();
        check(&annals).await;
    });
}

/// F21, P11: whoever was overtaken writes no more, and says so.
#[tokio::test]
async fn a_zombie_cannot_write() {
    let store = store();
    commit(&store, [deposited("ada", 1)]).await;
    let first = open(&store, &Balances::default(), ProjectionOptions::default()).await;
    until(&first, is_live).await;
    let second = open(&store, &Balances::default(), ProjectionOptions::default()).await;
    until(&second, is_live).await;
    let receipt = commit(&store, [deposited("ada", 2)]).await;
    until(&first, |status| status.state == State::TakenOver).await;
    handle(&second).wait_for(&receipt).await.unwrap();
    check(&second).await;
    let refused = handle(&first).wait_for(&receipt).await;
    assert!(matches!(refused, Err(WaitError::NotRunning { state: State::TakenOver, .. })), "{refused:?}");
}

/// A paused projection does nothing, also after a restart, and goes on when it is resumed.
#[tokio::test]
async fn a_pause_outlives_a_restart() {
    let store = store();
    let annals = open(&store, &Balances::default(), ProjectionOptions::default()).await;
    until(&annals, is_live).await;
    handle(&annals).pause("maintenance").await.unwrap();
    until(&annals, |status| status.state == State::Paused).await;
    let receipt = commit(&store, [deposited("ada", 2)]).await;
    stop(annals).await;
    let annals = open(&store, &Balances::default(), ProjectionOptions::default()).await;
    until(&annals, |status| status.state == State::Paused).await;
    let waited = handle(&annals).wait_for(&receipt).await;
    assert!(matches!(waited, Err(WaitError::NotRunning { state: State::Paused, .. })), "{waited:?}");
    handle(&annals).resume().await.unwrap();
    until(&annals, is_live).await;
    handle(&annals).wait_for(&receipt).await.unwrap();
    check(&annals).await;
}

/// Rows in memory alone are computed at each start, and read in the same way.
#[tokio::test]
async fn rows_in_memory_are_computed_at_each_start() {
    let store = store();
    let balances = Balances::default();
    for start in 1..=3 {
        commit(&store, (0..10).map(|number| deposited("ada", number))).await;
        let annals = open(&store, &balances, ProjectionOptions::default().in_memory()).await;
        until(&annals, is_live).await;
        check(&annals).await;
        stop(annals).await;
        let calls = (1..=start).map(|start| start * 10).sum::<u64>();
        assert_eq!(balances.faults.calls.load(Ordering::SeqCst), calls);
    }
}

/// Until the rows of a first computation are complete, a table says that it is not, never that a row is absent.
#[tokio::test]
async fn an_incomplete_table_is_not_read() {
    let store = store();
    commit(&store, [deposited("ada", 1)]).await;
    let balances = Balances::poisoned_by(1, u64::MAX);
    balances.faults.hangs.store(true, Ordering::SeqCst);
    let annals = open(&store, &balances, ProjectionOptions::default()).await;
    let read = annals.view::<Balance>().unwrap().get("ada".to_owned()).await;
    assert!(matches!(read, Err(ViewError::Rebuilding { projection: "balances", .. })), "{read:?}");
}

/// Mistakes in what is registered are found at the start.
#[tokio::test]
async fn what_cannot_run_is_refused_at_the_start() {
    let twice = Annals::over(MemoryStore::new()).projection(Balances::default()).projection(Balances::default());
    let refused = twice.open().await.unwrap_err();
    assert_eq!(refused.to_string(), RegistrationError::Duplicate { name: "balances" }.to_string());
    let in_order = ProjectionOptions::default().order(Order::ByLog).lanes(2);
    let refused = Annals::over(MemoryStore::new()).projection_with(Balances::default(), in_order).open().await;
    assert_eq!(refused.unwrap_err().to_string(), "projection balances has 2 lanes, and the order of the log has one");
}

/// The tasks end with the last handle.
#[tokio::test]
async fn nothing_runs_on_after_the_last_handle() {
    let store = store();
    let annals = open(&store, &Balances::default(), ProjectionOptions::default()).await;
    let mut watch = handle(&annals).watch();
    drop(annals);
    let stopped = watch.wait_for(|status| status.state == State::Stopped);
    tokio::time::timeout(Duration::from_secs(30), stopped).await.unwrap().unwrap();
}

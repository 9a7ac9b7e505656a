//! Events that fail: they are tried again, set aside with those of their key behind them, and taken in when they can be.

use std::sync::atomic::Ordering;

use annals_core::{EventType, NewEvent};
use annals_projections::{Order, ProjectionOptions, Reaction, ReadModels, Retry, State, WaitError};

use crate::bank::*;

fn never() -> ProjectionOptions {
    ProjectionOptions::default().retry(Retry::never())
}

/// F23, P8: an event that fails for ever is set aside after its attempts, the other keys go on, and those of its key wait.
#[tokio::test(start_paused = true)]
async fn poison_blocks_only_its_key() {
    let store = store();
    let balances = Balances::poisoned_by(13, u64::MAX);
    let annals = open(&store, &balances, ProjectionOptions::default()).await;
    commit(&store, [deposited("ada", 1), deposited("bob", 1), deposited("ada", 13), deposited("bob", 2)]).await;
    let last = commit(&store, [deposited("ada", 4), deposited("bob", 5)]).await;
    let status = until(&annals, |status| status.parked_keys == 1).await;
    assert_eq!((status.state, status.parked_events, status.position), (State::Live, 2, head(&store)));
    let (ada, bob) = (row(&annals, "ada").await, row(&annals, "bob").await);
    assert_eq!((ada.unwrap().cents, bob.unwrap().cents), (1, 8));
    let parked = handle(&annals).parked().await.unwrap();
    let [ada] = parked.as_slice() else { panic!("{parked:?}") };
    assert_eq!((ada.stream.as_str(), ada.position.get(), ada.attempts, ada.events), ("account-ada", 3, 5, 2));
    assert_eq!((ada.error.as_str(), ada.retrying), ("poison of 13", false));
    let waited = handle(&annals).wait_for(&last).await;
    let position = last.positions.unwrap().0;
    assert_eq!(waited, Err(WaitError::Parked { projection: "balances", position }));
}

/// F23: an event that fails some times is taken in by itself, and those behind it after it.
#[tokio::test(start_paused = true)]
async fn what_fails_some_times_is_taken_in() {
    let store = store();
    let balances = Balances::poisoned_by(13, 3);
    let annals = open(&store, &balances, ProjectionOptions::default()).await;
    commit(&store, [deposited("ada", 13), deposited("ada", 4), deposited("bob", 5)]).await;
    until(&annals, |status| status.retrying_keys == 1).await;
    until(&annals, |status| status.parked_events == 0 && status.position == head(&store)).await;
    check(&annals).await;
    assert_eq!(balances.faults.calls.load(Ordering::SeqCst), 3 + 3);
}

/// P13, F23: a handler that panics or hangs is one that failed.
#[tokio::test(start_paused = true)]
async fn panics_and_hangs_are_failures() {
    for (panics, error) in [(true, "the handler panicked: poison of 13"), (false, "the handler took longer than 30s")] {
        let store = store();
        let balances = Balances::poisoned_by(13, u64::MAX);
        balances.faults.panics.store(panics, Ordering::SeqCst);
        balances.faults.hangs.store(!panics, Ordering::SeqCst);
        let annals = open(&store, &balances, never()).await;
        commit(&store, [deposited("ada", 13), deposited("bob", 5)]).await;
        until(&annals, |status| status.parked_keys == 1 && status.position == head(&store)).await;
        assert_eq!(handle(&annals).parked().await.unwrap()[0].error, error);
        assert_eq!(row(&annals, "bob").await.unwrap().cents, 5);
        assert_eq!(row(&annals, "ada").await, None);
    }
}

/// F24: what is parked is taken in in order, what comes meanwhile behind it, also when that is cut off in the middle.
#[tokio::test(start_paused = true)]
async fn a_replay_keeps_the_order() {
    let store = store();
    let balances = Balances::poisoned_by(3, u64::MAX);
    let annals = open(&store, &balances, never()).await;
    commit(&store, [3, 4, 5].map(|cents| deposited("ada", cents))).await;
    until(&annals, |status| status.parked_events == 3).await;
    // The second one is poison too: the replay stops there, and the first is done.
    *balances.faults.poison.lock().unwrap() = vec![4];
    let ada = handle(&annals).parked().await.unwrap().remove(0);
    assert_eq!(handle(&annals).replay(&ada).await.unwrap(), 1);
    commit(&store, [deposited("ada", 6)]).await;
    until(&annals, |status| status.parked_events == 3).await;
    assert_eq!(row(&annals, "ada").await.unwrap().cents, 3);
    // Cut off, and started again.
    stop(annals).await;
    balances.cure();
    let annals = open(&store, &balances, never()).await;
    let status = until(&annals, |status| status.state == State::Live).await;
    assert_eq!(status.parked_events, 3);
    let ada = handle(&annals).parked().await.unwrap().remove(0);
    assert_eq!((ada.position.get(), ada.error.as_str()), (2, "poison of 4"));
    assert_eq!(handle(&annals).replay(&ada).await.unwrap(), 3);
    assert_eq!(until(&annals, |status| status.parked_events == 0).await.parked_keys, 0);
    check(&annals).await;
    let last = commit(&store, [deposited("ada", 7)]).await;
    handle(&annals).wait_for(&last).await.unwrap();
    check(&annals).await;
}

/// P6: what is discarded is passed by, also when the rows are computed anew; those behind it are taken in.
#[tokio::test(start_paused = true)]
async fn a_discarded_event_is_passed_by_for_ever() {
    let store = store();
    let balances = Balances::poisoned_by(3, u64::MAX);
    let annals = open(&store, &balances, never()).await;
    commit(&store, [3, 4].map(|cents| deposited("ada", cents))).await;
    until(&annals, |status| status.parked_events == 2).await;
    let ada = handle(&annals).parked().await.unwrap().remove(0);
    assert_eq!(handle(&annals).discard(&ada, "typed by mistake").await.unwrap(), 2);
    let only_four = Balance { account: "ada".into(), cents: 4, events: 1 };
    assert_eq!(row(&annals, "ada").await, Some(only_four.clone()));
    stop(annals).await;
    let annals = open(&store, &balances, never().in_memory()).await;
    until(&annals, is_live).await;
    assert_eq!(row(&annals, "ada").await, Some(only_four));
}

/// With the order of the log nothing passes an event that fails: the projection stops, says why, and goes on when resumed.
#[tokio::test(start_paused = true)]
async fn in_the_order_of_the_log_everything_waits() {
    let store = store();
    let balances = Balances::poisoned_by(13, u64::MAX);
    let annals = open(&store, &balances, ProjectionOptions::default().order(Order::ByLog)).await;
    let last = commit(&store, [deposited("ada", 1), deposited("ada", 13), deposited("bob", 5)]).await;
    let status = until(&annals, |status| matches!(status.state, State::Failed { .. })).await;
    let State::Failed { reason, retrying: false } = status.state else { panic!("{status:?}") };
    assert_eq!(reason, "record 2 of stream account-ada failed 5 times: poison of 13");
    assert_eq!((row(&annals, "ada").await.unwrap().cents, row(&annals, "bob").await), (1, None));
    assert!(matches!(handle(&annals).wait_for(&last).await, Err(WaitError::NotRunning { .. })));
    balances.cure();
    handle(&annals).resume().await.unwrap();
    until(&annals, |status| status.position == head(&store) && is_live(status)).await;
    check(&annals).await;
}

/// A failure is judged by the application: this one stops the projection at once.
#[tokio::test(start_paused = true)]
async fn the_application_decides_about_failures() {
    let store = store();
    let balances = Balances::poisoned_by(13, u64::MAX);
    let stops = ProjectionOptions::default()
        .on_failure(|failed| if failed.error.to_string().contains("13") { Reaction::Stop } else { Reaction::Retry });
    let annals = open(&store, &balances, stops).await;
    commit(&store, [deposited("ada", 13)]).await;
    until(&annals, |status| matches!(status.state, State::Failed { retrying: false, .. })).await;
    assert_eq!(balances.faults.calls.load(Ordering::SeqCst), 1);
}

/// P8: a record that cannot be read is set aside, not passed by.
#[tokio::test(start_paused = true)]
async fn an_undecodable_record_is_parked() {
    let store = store();
    let annals = open(&store, &Balances::default(), ProjectionOptions::default()).await;
    let torn = NewEvent::new(stream("ada"), EventType::new("account.deposited").unwrap(), b"torn".as_slice());
    commit(&store, [torn, deposited("ada", 1), deposited("bob", 2)]).await;
    let status = until(&annals, |status| status.parked_keys == 1 && status.position == head(&store)).await;
    assert_eq!(status.parked_events, 2);
    let ada = handle(&annals).parked().await.unwrap().remove(0);
    assert_eq!((ada.position.get(), ada.attempts), (1, 1));
    assert!(ada.error.contains("account.deposited"), "{}", ada.error);
    assert_eq!(row(&annals, "bob").await.unwrap().cents, 2);
}

/// P9: what may be set aside is bounded; then the projection stops with a reason, and drops nothing.
#[tokio::test(start_paused = true)]
async fn too_many_parked_events_stop_it() {
    let store = store();
    let balances = Balances::poisoned_by(13, u64::MAX);
    let mut options = never();
    options.parked_events_max = 3;
    let annals = open(&store, &balances, options.clone()).await;
    commit(&store, [deposited("ada", 13), deposited("ada", 1), deposited("ada", 2), deposited("ada", 3)]).await;
    let status = until(&annals, |status| matches!(status.state, State::Failed { retrying: false, .. })).await;
    let State::Failed { reason, .. } = status.state else { unreachable!() };
    assert_eq!(reason, "3 events are parked, and record 4 would be one more");
    stop(annals).await;
    balances.cure();
    options.parked_events_max = 4;
    let annals = open(&store, &balances, options).await;
    until(&annals, |status| status.parked_events == 4).await;
    let ada = handle(&annals).parked().await.unwrap().remove(0);
    assert_eq!(handle(&annals).replay(&ada).await.unwrap(), 4);
    check(&annals).await;
}

/// T11: lanes, poison and restarts together: after everything was replayed the rows equal the fold.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lanes_with_poison_lose_nothing() {
    let store = store();
    let balances = Balances::poisoned_by(7, u64::MAX);
    for lanes in [4, 1, 3] {
        let annals = open(&store, &balances, never().lanes(lanes)).await;
        for number in 0..300 {
            commit(&store, [deposited(&format!("a{}", number % 23), number % 11)]).await;
        }
        until(&annals, |status| status.position == head(&store)).await;
        stop(annals).await;
    }
    balances.cure();
    let annals = open(&store, &balances, never().lanes(5)).await;
    until(&annals, is_live).await;
    let of_a1 = |key: &annals_projections::ParkedKey| key.stream.starts_with("account-a1");
    let replayed = handle(&annals).replay_all(of_a1).await.unwrap();
    assert!(!replayed.is_empty() && replayed.iter().all(|(key, done)| of_a1(key) && *done == key.events));
    assert!(!handle(&annals).parked().await.unwrap().iter().any(of_a1));
    handle(&annals).replay_all(|_| true).await.unwrap();
    until(&annals, |status| status.parked_events == 0).await;
    check(&annals).await;
    assert!(annals.projections().is_some());
}

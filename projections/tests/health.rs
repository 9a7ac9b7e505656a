//! Whether somebody should look at a projection, who is told, and when.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use annals_conformance::planted::behind;
use annals_core::{Annals, Clock, Limits, MemoryStore, Store, Timestamp};
use annals_projections::{
    Alarm, AlarmChange, Cause, Level, ProjectionOptions, ReadModels, Rebuild, Retry, State, Thresholds, WithProjections,
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::Instant,
};

use crate::{
    bank::*,
    stores::{Call, Effect, Unruly},
};

/// A clock that is behind the system's by so many seconds.
struct Behind(AtomicU64);

impl Clock for Behind {
    fn now(&self) -> Timestamp {
        Timestamp::now().saturating_sub(Duration::from_secs(self.0.load(Ordering::SeqCst)))
    }
}

/// Opens a store with a projection, and hears its alarms.
async fn open_heard(
    store: &Arc<dyn Store>,
    balances: &Balances,
    options: ProjectionOptions,
) -> (Annals, UnboundedReceiver<Alarm>) {
    let (tell, heard) = unbounded_channel();
    let annals = Annals::over(Arc::clone(store))
        .projection_with(balances.clone(), options)
        .on_projection_alarm(move |alarm| drop(tell.send(alarm.clone())));
    let annals = annals.open().await.unwrap();
    until(&annals, is_live).await;
    (annals, heard)
}

/// The next alarm, as text.
async fn next(heard: &mut UnboundedReceiver<Alarm>) -> String {
    let alarm = tokio::time::timeout(Duration::from_secs(100_000), heard.recv()).await;
    alarm.unwrap().unwrap().to_string()
}

/// That none comes for an hour.
async fn silence(heard: &mut UnboundedReceiver<Alarm>) {
    let alarm = tokio::time::timeout(Duration::from_secs(3600), heard.recv()).await;
    assert!(alarm.is_err(), "{alarm:?}");
}

/// Handlers of 13 cents take until their time is over.
fn hanging() -> Balances {
    let balances = Balances::poisoned_by(13, u64::MAX);
    balances.faults.hangs.store(true, Ordering::SeqCst);
    balances
}

fn once_within(limit: Duration) -> ProjectionOptions {
    ProjectionOptions::default().retry(Retry::never()).handler_timeout(limit)
}

/// The rate is that of late: it goes to nothing when nothing comes, and stays there.
#[tokio::test(start_paused = true)]
async fn an_idle_projection_has_no_rate() {
    let store = store();
    let balances = hanging();
    let (annals, _heard) = open_heard(&store, &balances, once_within(Duration::from_secs(2))).await;
    commit(&store, (0..10).map(|number| deposited(&format!("a{number}"), 13))).await;
    let status = until(&annals, |status| status.rate > 0.0).await;
    assert!((0.4..=0.6).contains(&status.rate), "ten events in twenty seconds: {status:?}");
    let begin = Instant::now();
    until(&annals, |status| status.rate == 0.0 && status.state == State::Live).await;
    assert!(begin.elapsed() <= Duration::from_secs(2), "{:?}", begin.elapsed());
    // Nothing is said any more.
    let mut watch = handle(&annals).watch();
    watch.mark_unchanged();
    assert!(tokio::time::timeout(Duration::from_secs(3600), watch.changed()).await.is_err());
}

/// Liveness: a projection that does nothing although it should is told of, first as a warning, then as critical, once each.
#[tokio::test(start_paused = true)]
async fn a_projection_that_does_nothing_is_stuck() {
    let store = store();
    let (annals, mut heard) = open_heard(&store, &hanging(), once_within(Duration::from_secs(1000))).await;
    assert!(annals.projections().unwrap().health().is_healthy());
    silence(&mut heard).await;
    let begin = Instant::now();
    commit(&store, [deposited("ada", 13)]).await;
    let stuck =
        |seconds: u64| format!("projection balances is stuck: it has done nothing for {seconds}s although it should");
    assert_eq!(next(&mut heard).await, format!("warning: {}", stuck(30)));
    assert!((30..=31).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    assert_eq!(handle(&annals).health().to_string(), format!("warning: {}", stuck(30)));
    assert_eq!(next(&mut heard).await, format!("critical, was warning: {}", stuck(300)));
    assert!((300..=301).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    assert_eq!(annals.projections().unwrap().health().level, Level::Critical);
    let parked = "warning: projection balances has keys that wait for an operator: 1, events: 1";
    assert_eq!(next(&mut heard).await, parked);
    assert!(next(&mut heard).await.starts_with("over: projection balances is stuck"));
    assert_eq!(handle(&annals).health().to_string(), parked);
    silence(&mut heard).await;
    let ada = handle(&annals).parked().await.unwrap().remove(0);
    handle(&annals).discard(&ada, "thirteen").await.unwrap();
    assert!(handle(&annals).health().is_healthy(), "who is answered sees what came of it");
    assert!(next(&mut heard).await.starts_with("over: "));
}

/// A projection that is slow is not stuck, although its position does not move for long.
#[tokio::test(start_paused = true)]
async fn a_slow_projection_is_not_stuck() {
    let store = store();
    let (annals, mut heard) = open_heard(&store, &hanging(), once_within(Duration::from_secs(20))).await;
    let before = until(&annals, is_live).await.position;
    let begin = Instant::now();
    commit(&store, (0..25).map(|number| deposited(&format!("a{number}"), 13))).await;
    let status = until(&annals, |status| status.position > before).await;
    assert!(begin.elapsed() >= Duration::from_secs(500) && status.position == head(&store));
    let alarm = heard.recv().await.unwrap();
    assert!(matches!(alarm.concern.cause, Cause::Parked { keys: 25, .. }), "{alarm}");
    silence(&mut heard).await;
}

/// Lag in positions and in time: each is told of by its threshold, and is over when it is below half of that.
#[tokio::test(start_paused = true)]
async fn lag_is_told_of_by_positions_and_by_time() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with(Limits::default(), Arc::new(Behind(AtomicU64::new(90)))));
    let thresholds = Thresholds::default().positions(4, 8);
    let options = once_within(Duration::from_secs(5)).thresholds(thresholds);
    let (annals, mut heard) = open_heard(&store, &hanging(), options).await;
    // Taken in at once, however old they are.
    commit(&store, (0..3).map(|cents| deposited("ada", cents))).await;
    silence(&mut heard).await;
    commit(&store, [deposited("ada", 13)]).await;
    assert_eq!(
        next(&mut heard).await,
        "warning: projection balances has not taken in an event that was recorded 90s ago"
    );
    commit(&store, (0..4).map(|cents| deposited("bob", cents))).await;
    assert_eq!(next(&mut heard).await, "warning: projection balances is 5 positions behind the log");
    commit(&store, (0..4).map(|cents| deposited("bob", cents))).await;
    assert_eq!(next(&mut heard).await, "critical, was warning: projection balances is 9 positions behind the log");
    let health = handle(&annals).health();
    let causes: Vec<_> = health.concerns.iter().map(|concern| (&concern.cause, concern.level)).collect();
    let [(Cause::Behind { positions: 9 }, Level::Critical), (Cause::Late { time }, Level::Warning)] = causes[..] else {
        panic!("{health:?}");
    };
    assert!((90..100).contains(&time.as_secs()), "{time:?}");
    let mut over = Vec::new();
    while over.len() < 2 {
        let alarm = heard.recv().await.unwrap();
        match alarm.change {
            AlarmChange::Ended => over.push(alarm.concern.cause),
            _ => assert!(matches!(alarm.concern.cause, Cause::Parked { .. } | Cause::Behind { .. }), "{alarm}"),
        }
    }
    assert!(matches!(over[..], [Cause::Behind { .. }, Cause::Late { .. }]), "{over:?}");
    silence(&mut heard).await;
}

/// How late it is follows from the first event that it has not taken in: not from the one before, behind which nothing came for long.
#[tokio::test(start_paused = true)]
async fn one_that_was_idle_is_not_late() {
    let clock = Arc::new(Behind(AtomicU64::new(100_000)));
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with(Limits::default(), Arc::clone(&clock) as Arc<dyn Clock>));
    let (annals, _heard) = open_heard(&store, &hanging(), once_within(Duration::from_secs(5))).await;
    let receipt = commit(&store, [deposited("ada", 1)]).await;
    handle(&annals).wait_for(&receipt).await.unwrap();
    assert_eq!(handle(&annals).lag().time, Duration::ZERO);
    clock.0.store(500, Ordering::SeqCst);
    commit(&store, [deposited("ada", 13)]).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let lag = handle(&annals).lag();
    assert!(lag.positions == 1 && (500..600).contains(&lag.time.as_secs()), "{lag:?}");
}

/// What is computed beside the rows that are read is looked at as well, for as long as it is there.
#[tokio::test(start_paused = true)]
async fn a_shadow_that_does_nothing_is_told_of() {
    let store = store();
    let balances = Balances::poisoned_by(13, 0);
    balances.faults.hangs.store(true, Ordering::SeqCst);
    let (annals, mut heard) = open_heard(&store, &balances, once_within(Duration::from_secs(100))).await;
    let receipt = commit(&store, [deposited("ada", 13)]).await;
    handle(&annals).wait_for(&receipt).await.unwrap();
    balances.faults.failures_left.store(1, Ordering::SeqCst);
    let shadow = handle(&annals).rebuild(Rebuild::new()).await.unwrap();
    let begin = Instant::now();
    let stuck = "warning: shadow balances is stuck";
    assert!(next(&mut heard).await.starts_with(stuck));
    assert!((30..=31).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    assert!(annals.projections().unwrap().health().to_string().starts_with(stuck));
    let parked = "shadow balances has keys that wait for an operator: 1, events: 1";
    assert_eq!(next(&mut heard).await, format!("warning: {parked}"));
    assert!(next(&mut heard).await.starts_with("over: shadow balances is stuck"));
    shadow.abandon().await.unwrap();
    assert!(handle(&annals).health().is_healthy());
    assert_eq!(next(&mut heard).await, format!("over: {parked}"));
    silence(&mut heard).await;
}

/// A projection that fails again and again is told of once, and once that it goes on.
#[tokio::test(start_paused = true)]
async fn a_failure_is_told_of_once_while_it_lasts() {
    let log = store();
    let unruly = Unruly::default();
    let store = behind(Arc::clone(&log), unruly.clone());
    let (annals, mut heard) = open_heard(&store, &Balances::default(), ProjectionOptions::default()).await;
    unruly.plan_fault(Call::Apply, Effect::Fail, 0, 9);
    let begin = Instant::now();
    commit(&log, [deposited("ada", 1)]).await;
    let failed = heard.recv().await.unwrap();
    assert!(matches!(failed.concern.cause, Cause::Failed { retrying: true, .. }), "{failed}");
    assert_eq!((failed.change, failed.concern.level), (AlarmChange::Begun, Level::Critical));
    assert!(next(&mut heard).await.starts_with("over: projection balances failed"));
    assert!(begin.elapsed() > Duration::from_secs(25), "{:?}", begin.elapsed());
    assert_eq!(unruly.heal(), 9);
    silence(&mut heard).await;
    check(&annals).await;
}

/// What an operator does is told of too, and that another runner has taken over.
#[tokio::test(start_paused = true)]
async fn a_pause_and_a_take_over_are_told_of() {
    let store = store();
    let (annals, mut heard) = open_heard(&store, &Balances::default(), ProjectionOptions::default()).await;
    handle(&annals).pause("maintenance").await.unwrap();
    assert_eq!(next(&mut heard).await, "warning: projection balances is paused");
    handle(&annals).resume().await.unwrap();
    assert_eq!(next(&mut heard).await, "over: projection balances is paused");
    until(&annals, is_live).await;
    let (_second, mut second_heard) = open_heard(&store, &Balances::default(), ProjectionOptions::default()).await;
    commit(&store, [deposited("ada", 1)]).await;
    assert_eq!(next(&mut heard).await, "critical: projection balances is run by somebody else");
    assert_eq!(handle(&annals).health().level, Level::Critical);
    silence(&mut second_heard).await;
    // It has nothing to look at any more, and is gone with its hook.
    assert_eq!(heard.recv().await, None);
}

/// P13: a hook that panics is called the next time all the same, and nothing else suffers.
#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_is_called_again() {
    let (tell, mut heard) = unbounded_channel();
    let annals = Annals::over(store()).projection(Balances::default()).on_projection_alarm(move |alarm| {
        tell.send(alarm.change).unwrap();
        panic!("{alarm}");
    });
    let annals = annals.open().await.unwrap();
    handle(&annals).pause("maintenance").await.unwrap();
    assert_eq!(heard.recv().await, Some(AlarmChange::Begun));
    handle(&annals).resume().await.unwrap();
    assert_eq!(heard.recv().await, Some(AlarmChange::Ended));
    let receipt = commit(annals.store(), [deposited("ada", 1)]).await;
    handle(&annals).wait_for(&receipt).await.unwrap();
}

/// Where there is nothing to look at, a hook is no mistake.
#[tokio::test]
async fn a_hook_without_projections_is_never_called() {
    let annals = Annals::over(store()).on_projection_alarm(|alarm| panic!("{alarm}")).open().await.unwrap();
    assert!(annals.projections().unwrap().health().is_healthy());
    annals.shut_down().await;
}

/// Nothing looks on when the projections have ended; it says nothing of the end, and keeps no store.
#[tokio::test(start_paused = true)]
async fn nobody_looks_on_after_the_end() {
    let store = store();
    let (annals, mut heard) = open_heard(&store, &Balances::default(), ProjectionOptions::default()).await;
    let left = Arc::downgrade(&store);
    stop(annals).await;
    assert_eq!(heard.recv().await, None);
    drop(store);
    // Others who had it, such as the keeper of snapshots, are told and need a moment.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert!(left.upgrade().is_none());
    // The same when the last handle is dropped and nobody waits.
    let store = crate::bank::store();
    let (annals, mut heard) = open_heard(&store, &Balances::default(), ProjectionOptions::default()).await;
    drop(annals);
    assert_eq!(heard.recv().await, None);
}

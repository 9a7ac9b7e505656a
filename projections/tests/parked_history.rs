//! What is known of events that failed: their attempts while they are set aside, what became of them afterwards, and what
//! operators decided about them.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use annals_conformance::planted::{Fault, behind};
use annals_core::{
    Annals, ApplyError, DerivedTable, DerivedWrite, Position, RowBatch, Scan, Store, Timestamp, async_trait,
    codec::{self, Bytes},
};
use annals_projections::{Outcome, ProjectionOptions, ReadModels, Retry, Unparked};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::bank::*;

fn never() -> ProjectionOptions {
    ProjectionOptions::default().retry(Retry::never())
}

async fn history(annals: &Annals) -> Vec<Unparked> {
    handle(annals).parked_history().await.unwrap()
}

/// The positions in a history.
fn positions(history: &[Unparked]) -> Vec<u64> {
    history.iter().map(|unparked| unparked.position.get()).collect()
}

/// The latest attempts are kept with the key, not all of them, also after a restart.
#[tokio::test(start_paused = true)]
async fn a_parked_key_shows_its_latest_attempts() {
    let store = store();
    let balances = Balances::poisoned_by(13, u64::MAX);
    let options = |attempts| ProjectionOptions::default().retry(Retry { attempts, ..Retry::default() });
    let annals = open(&store, &balances, options(3)).await;
    commit(&store, [deposited("ada", 13)]).await;
    until(&annals, |status| status.parked_keys == 1).await;
    let ada = handle(&annals).parked().await.unwrap().remove(0);
    assert_eq!((ada.attempts, ada.failures.len()), (3, 3));
    assert!(ada.failures.is_sorted_by_key(|failure| failure.at));
    assert_eq!((ada.failures[0].at, ada.failures[2].at), (ada.since, ada.latest));
    stop(annals).await;
    // Each attempt of an operator is one more. The next one has another reason.
    balances.faults.panics.store(true, Ordering::SeqCst);
    let annals = open(&store, &balances, never()).await;
    until(&annals, is_live).await;
    for _ in 0..7 {
        let ada = handle(&annals).parked().await.unwrap().remove(0);
        assert_eq!(handle(&annals).replay(&ada).await.unwrap(), 0);
    }
    stop(annals).await;
    let annals = open(&store, &balances, never()).await;
    until(&annals, is_live).await;
    let ada = handle(&annals).parked().await.unwrap().remove(0);
    let errors: Vec<_> = ada.failures.iter().map(|failure| failure.error.as_str()).collect();
    assert_eq!((ada.attempts, errors.len()), (10, 8));
    assert_eq!((errors[0], errors[1]), ("poison of 13", "the handler panicked: poison of 13"));
    assert_eq!(ada.failures[7].at, ada.latest);
}

/// The pause before the next attempt goes on after a restart, and does not begin anew, nor is it left out.
#[tokio::test(start_paused = true)]
async fn a_pause_between_attempts_outlives_a_restart() {
    let store = store();
    let balances = Balances::poisoned_by(13, 1);
    let hour = Duration::from_secs(3600);
    let retry = Retry { attempts: 2, first: hour, max: 2 * hour };
    let options = ProjectionOptions::default().retry(retry);
    let annals = open(&store, &balances, options.clone()).await;
    commit(&store, [deposited("ada", 13)]).await;
    until(&annals, |status| status.retrying_keys == 1).await;
    stop(annals).await;
    let begin = Instant::now();
    let annals = open(&store, &balances, options.clone()).await;
    until(&annals, |status| status.retrying_keys == 1).await;
    let mut watch = handle(&annals).watch();
    watch.wait_for(|status| status.parked_events == 0).await.unwrap();
    // Up to a half longer, so that not everything is tried again at once. The clock of the machine has hardly moved.
    let waited = begin.elapsed();
    assert!(waited > hour.mul_f64(0.99) && waited <= hour.mul_f64(1.5), "{waited:?}");
    check(&annals).await;
}

/// A row of a parked key as it is stored, less what an earlier version did not know.
#[derive(Serialize, Deserialize)]
struct ParkedRow {
    tenant: Option<String>,
    key: Bytes,
    stream: String,
    position: Position,
    error: String,
    attempts: u32,
    since: Timestamp,
    latest: Timestamp,
    given_up: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<Timestamp>,
}

/// How long it takes until an event is tried again whose pause is an hour, when after a restart it is stored to be due then.
async fn pause_left(due: Option<Timestamp>) -> Duration {
    let store = store();
    let balances = Balances::poisoned_by(13, 1);
    let hour = Duration::from_secs(3600);
    let options = ProjectionOptions::default().retry(Retry { attempts: 2, first: hour, max: hour });
    let annals = open(&store, &balances, options.clone()).await;
    commit(&store, [deposited("ada", 13)]).await;
    until(&annals, |status| status.retrying_keys == 1).await;
    stop(annals).await;
    let page = store.scan(Scan::all(DerivedTable::PARKED)).await.unwrap();
    let (key, stored) = page.rows.into_iter().find(|(_, row)| !row.is_empty()).unwrap();
    let row = ParkedRow { due, ..codec::decode(&stored).unwrap() };
    let value = Some(codec::encode("a parked key", &row).unwrap());
    let rows = vec![DerivedWrite { table: DerivedTable::PARKED, key, value }];
    store.apply(RowBatch { rows, ..RowBatch::default() }).await.unwrap();
    let begin = Instant::now();
    let annals = open(&store, &balances, options).await;
    let mut watch = handle(&annals).watch();
    watch.wait_for(|status| is_live(status) && status.parked_events == 0).await.unwrap();
    check(&annals).await;
    begin.elapsed()
}

/// After a restart what is left of a pause is waited for, nothing if that is over, and never more than the longest pause, as
/// after a clock was put back. A row that an earlier version stored says nothing of the next attempt: it is made at once.
#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_pause_is_waited_for() {
    let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
    assert!(pause_left(None).await < second);
    assert!(pause_left(Some(Timestamp::now().saturating_sub(minute))).await < second);
    let left = pause_left(Some(Timestamp::now().saturating_add(10 * minute))).await;
    assert!(left > 9 * minute && left <= 10 * minute + second, "{left:?}");
    let left = pause_left(Some(Timestamp::now().saturating_add(100 * minute))).await;
    assert!(left > 59 * minute && left <= 60 * minute + second, "{left:?}");
}

/// What was set aside and is no more is remembered, the latest first: how it ended, after how many attempts, or why an operator
/// passed it by. It is not taken for something that is set aside.
#[tokio::test(start_paused = true)]
async fn what_was_parked_is_remembered() {
    let store = store();
    let balances = Balances::poisoned_by(13, 3);
    let annals = open(&store, &balances, ProjectionOptions::default()).await;
    // Taken in by itself, with the next one behind it.
    commit(&store, [deposited("ada", 13), deposited("ada", 4), deposited("bob", 5)]).await;
    until(&annals, |status| status.parked_events == 0 && status.position == head(&store)).await;
    let [ada] = &history(&annals).await[..] else { panic!("{:?}", history(&annals).await) };
    assert_eq!((ada.stream.as_str(), ada.position.get(), ada.error.as_str()), ("account-ada", 1, "poison of 13"));
    assert_eq!((ada.events, &ada.outcome), (2, &Outcome::TakenIn { attempts: 4 }));
    assert!(ada.since < ada.until);
    // Discarded; the one behind it fails as well, and is taken in by an operator.
    balances.faults.failures_left.store(u64::MAX, Ordering::SeqCst);
    commit(&store, [13, 1, 13].map(|cents| deposited("bob", cents))).await;
    until(&annals, |status| status.parked_keys == 1).await;
    let bob = handle(&annals).parked().await.unwrap().remove(0);
    assert_eq!(handle(&annals).discard(&bob, "typed by mistake").await.unwrap(), 2);
    until(&annals, |status| status.parked_keys == 1).await;
    assert_eq!(positions(&history(&annals).await), [4, 1]);
    balances.cure();
    let bob = handle(&annals).parked().await.unwrap().remove(0);
    assert_eq!(handle(&annals).replay(&bob).await.unwrap(), 1);
    let all = history(&annals).await;
    let ended: Vec<_> =
        all.iter().map(|unparked| (unparked.position.get(), unparked.events, &unparked.outcome)).collect();
    let reason = "typed by mistake".to_owned();
    let expected = [
        (6, 1, &Outcome::TakenIn { attempts: 6 }),
        (4, 3, &Outcome::Discarded { reason: reason.clone() }),
        (1, 2, &Outcome::TakenIn { attempts: 4 }),
    ];
    assert_eq!(ended, expected);
    // The decision is told with its reason.
    let told = |discarded: Vec<annals_projections::DiscardedEvent>| {
        discarded.into_iter().map(|event| (event.position.get(), event.reason)).collect::<Vec<_>>()
    };
    assert_eq!(told(handle(&annals).discarded().await.unwrap()), [(4, reason.clone())]);
    stop(annals).await;
    // All of it is there after a restart, also while the projection does not run, and nothing of it is set aside.
    let annals = open(&store, &balances, never()).await;
    handle(&annals).pause("to look at it").await.unwrap();
    assert_eq!(history(&annals).await, all);
    assert_eq!(told(handle(&annals).discarded().await.unwrap()), [(4, reason)]);
    handle(&annals).resume().await.unwrap();
    let status = until(&annals, is_live).await;
    assert_eq!((status.parked_keys, status.retrying_keys, status.parked_events), (0, 0, 0));
    assert_eq!(handle(&annals).parked().await.unwrap(), []);
}

/// P9: the latest are kept, however many lanes there are, and whatever was kept before.
#[tokio::test(start_paused = true)]
async fn no_more_is_remembered_than_the_options_say() {
    let store = store();
    let balances = Balances::poisoned_by(13, u64::MAX);
    let mut last = 0;
    for (round, (lanes, kept)) in [(1, 5), (4, 5), (3, 2), (1, 0)].into_iter().enumerate() {
        let annals = open(&store, &balances, never().lanes(lanes).parked_history_max(kept)).await;
        until(&annals, is_live).await;
        *balances.faults.poison.lock().unwrap() = vec![13];
        let names = (0..8).map(|number| format!("a{}", number * 31 + round));
        commit(&store, names.map(|account| deposited(&account, 13))).await;
        until(&annals, |status| status.parked_keys == 8).await;
        balances.cure();
        let mut parked = handle(&annals).parked().await.unwrap();
        parked.sort_by_key(|key| key.position);
        for key in &parked {
            assert_eq!(handle(&annals).replay(key).await.unwrap(), 1);
        }
        last += 8;
        let latest: Vec<_> = (0..kept as u64).map(|index| last - index).collect();
        assert_eq!(positions(&history(&annals).await), latest);
        let rows = store.scan(Scan::all(DerivedTable::UNPARKED)).await.unwrap().rows;
        assert_eq!(rows.len(), kept);
        check(&annals).await;
        stop(annals).await;
    }
}

/// Notes which batches take the last row of a parked key away, and which remember it.
#[derive(Clone, Default)]
struct Batches(Arc<Mutex<Vec<(bool, bool)>>>);

#[async_trait]
impl Fault for Batches {
    const BREAKS: &'static [&'static str] = &[];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self::default()
    }

    async fn apply(&self, store: &Arc<dyn Store>, batch: RowBatch) -> Result<(), ApplyError> {
        let ends = |row: &DerivedWrite| row.table == DerivedTable::PARKED && row.value.is_none();
        let remembers = |row: &DerivedWrite| row.table == DerivedTable::UNPARKED && row.value.is_some();
        self.0.lock().unwrap().push((batch.rows.iter().any(ends), batch.rows.iter().any(remembers)));
        store.apply(batch).await
    }
}

/// P6: that an event is set aside no longer, and what became of it, is one batch.
#[tokio::test(start_paused = true)]
async fn what_became_of_an_event_is_stored_with_it() {
    let batches = Batches::default();
    let store = behind(store(), batches.clone());
    let balances = Balances::poisoned_by(13, 2);
    let annals = open(&store, &balances, ProjectionOptions::default()).await;
    commit(&store, (0..5).map(|number| deposited(&format!("a{number}"), 13))).await;
    until(&annals, |status| status.parked_events == 0 && status.position == head(&store)).await;
    let batches = batches.0.lock().unwrap().clone();
    assert!(batches.iter().all(|(ends, remembers)| ends == remembers), "{batches:?}");
    // The first two fail, once each.
    assert_eq!(batches.iter().filter(|(ends, _)| *ends).count(), 2);
    assert_eq!(history(&annals).await.len(), 2);
    assert!(annals.projections().is_some());
}

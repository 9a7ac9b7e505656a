//! Whatever a store does at whichever call, a projection recovers by itself, and its rows equal the fold of the log.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use annals_conformance::{planted::behind, soak};
use annals_core::{Annals, MemoryStore, Store};
use annals_projections::{ProjectionHandle, ProjectionOptions, State};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::{
    bank::*,
    stores::{Call, Effect, Forgetful, SplitsBatches, Unruly},
};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

#[derive(Debug, Clone)]
struct Case {
    call: Call,
    effect: Effect,
    before: u64,
    times: u64,
    lanes: usize,
    accounts: u64,
    /// So many events, so many at once.
    events: u64,
    at_once: u64,
    /// Every so many events one fails the first times that it is tried.
    poison: bool,
    restless: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    let calls = prop_oneof![
        Just(Call::Commit),
        Just(Call::Apply),
        Just(Call::Apply),
        Just(Call::Get),
        Just(Call::Scan),
        Just(Call::ReadLog)
    ];
    let effects = prop_oneof![
        Just(Effect::Fail),
        Just(Effect::FailBehind),
        (1_u64..90_000).prop_map(|millis| Effect::Delay(Duration::from_millis(millis))),
        Just(Effect::Panic),
    ];
    let sizes = (0_u64..40, 1_u64..5, 1_usize..6, 1_u64..12, 1_u64..200, 1_u64..60);
    (calls, effects, sizes, any::<bool>(), any::<bool>()).prop_map(
        |(call, effect, (before, times, lanes, accounts, events, at_once), poison, restless)| Case {
            call,
            effect,
            before,
            times,
            lanes,
            accounts,
            events,
            at_once,
            poison,
            restless,
        },
    )
}

/// The states that a projection goes through.
fn states(annals: &Annals) -> Arc<Mutex<Vec<State>>> {
    let (states, mut watch) = (Arc::<Mutex<Vec<State>>>::default(), handle(annals).watch());
    let seen = Arc::clone(&states);
    tokio::spawn(async move {
        while watch.changed().await.is_ok() {
            seen.lock().unwrap().push(watch.borrow_and_update().state.clone());
        }
    });
    states
}

/// An operator who tries until it works; whose store may panic too.
async fn resumed(handle: ProjectionHandle) {
    while handle.resume().await.is_err() {}
}

/// Runs a case; says how often something went wrong.
async fn run(case: &Case) -> u64 {
    let log: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let unruly = if case.restless { Unruly::restless() } else { Unruly::default() };
    let store = behind(Arc::clone(&log), unruly.clone());
    let balances = if case.poison { Balances::poisoned_by(13, 3) } else { Balances::default() };
    let annals = open(&store, &balances, ProjectionOptions::default().lanes(case.lanes)).await;
    let states = states(&annals);
    // There are few commits.
    let before = if case.call == Call::Commit { case.before % 3 } else { case.before };
    unruly.plan_fault(case.call, case.effect, before, case.times);
    let mut number = 0;
    while number < case.events {
        let until = (number + case.at_once).min(case.events);
        let event =
            |number: u64| deposited(&format!("a{}", number % case.accounts), i64::try_from(number % 17).unwrap());
        commit(&log, (number..until).map(event)).await;
        number = until;
        tokio::task::yield_now().await;
    }
    // A failed take-over is seen when there is one more.
    if case.call == Call::Commit {
        let paused = handle(&annals);
        let _ = tokio::spawn(async move { paused.pause("a take-over").await }).await;
        while tokio::spawn(resumed(handle(&annals))).await.is_err() {}
    }
    let is_done = |status: &annals_projections::Status| {
        is_live(status) && status.position == head(&log) && status.parked_events == 0
    };
    until(&annals, is_done).await;
    let hits = unruly.heal();
    if hits > 0 && case.call == Call::Apply && matches!(case.effect, Effect::Fail | Effect::FailBehind) {
        let states = states.lock().unwrap();
        let failed = states.iter().any(|state| matches!(state, State::Failed { retrying: true, .. }));
        assert!(failed, "a failure was seen: {states:?}");
    }
    check(&annals).await;
    hits
}

/// F18, P6, P13: calls of every kind fail, fail behind their effect, take long or panic, at any moment: the projection
/// goes on by itself, says meanwhile what is the matter, and nothing is missing and nothing counts twice.
#[test]
fn a_projection_recovers_from_every_failure_of_its_store() {
    let cases_wanted = u32::try_from(soak::size("ANNALS_SOAK_PROJECTION_FAULTS", 300)).unwrap();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: cases_wanted,
        failure_persistence: None,
        max_shrink_time: 20_000,
        ..Default::default()
    });
    let hits = std::cell::Cell::new(0);
    let ran = runner.run(&cases(), |case| {
        hits.set(hits.get() + runtime().block_on(run(&case)));
        Ok(())
    });
    ran.unwrap();
    assert!(hits.get() > u64::from(cases_wanted) / 10, "{} calls went wrong", hits.get());
    soak::report(&format!("projection_faults={}", hits.get()));
}

/// P6: the newest batches may be gone after a power cut, each as a whole: rows and checkpoints go back together, and what
/// follows is computed again.
#[test]
fn a_lost_suffix_of_batches_is_computed_again() {
    runtime().block_on(async {
        let log: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let forgetful = Forgetful::default();
        let store = behind(Arc::clone(&log), forgetful.clone());
        let balances = Balances::poisoned_by(13, u64::MAX);
        let mut random = annals_conformance::random::Random::new(soak::seed("a_lost_suffix_of_batches"));
        let mut lost = 0;
        for round in 0..soak::size("ANNALS_SOAK_LOST_SUFFIXES", 60) {
            let lanes = [1, 4, 2, 1, 5][usize::try_from(round % 5).unwrap()];
            let annals = open(&store, &balances, ProjectionOptions::default().lanes(lanes)).await;
            for number in 0..random.below(200) {
                commit(&log, [deposited(&format!("a{}", random.below(40)), i64::try_from(number % 14).unwrap())]).await;
                tokio::task::yield_now().await;
            }
            until(&annals, |status| status.position == head(&log)).await;
            if random.one_in(8) {
                balances.cure();
                for key in handle(&annals).parked().await.unwrap() {
                    handle(&annals).replay(&key).await.unwrap();
                }
                check(&annals).await;
                *balances.faults.poison.lock().unwrap() = vec![13];
            }
            stop(annals).await;
            let batches = if random.one_in(10) { 100_000 } else { random.below(30) };
            lost += forgetful.forget(&log, usize::try_from(batches).unwrap()).await.min(batches as usize);
        }
        balances.cure();
        let annals = open(&store, &balances, ProjectionOptions::default()).await;
        until(&annals, |status| is_live(status) && status.position == head(&log)).await;
        for key in handle(&annals).parked().await.unwrap() {
            handle(&annals).replay(&key).await.unwrap();
        }
        until(&annals, |status| status.parked_events == 0).await;
        check(&annals).await;
        assert!(lost > 0);
        soak::report(&format!("lost_batches={lost}"));
    });
}

/// Whether a projection on this store has the right rows in the end.
fn is_right(fault: SplitsBatches) -> bool {
    runtime().block_on(async {
        let log: Arc<dyn Store> = Arc::new(MemoryStore::new());
        for number in 0..100 {
            commit(&log, [deposited(&format!("a{}", number % 7), number)]).await;
        }
        let store = behind(Arc::clone(&log), fault);
        let annals = open(&store, &Balances::default(), ProjectionOptions::default()).await;
        for number in 0..100 {
            commit(&log, [deposited(&format!("a{}", number % 7), number)]).await;
            tokio::task::yield_now().await;
        }
        until(&annals, |status| is_live(status) && status.position == head(&log)).await;
        tokio::spawn(async move { check(&annals).await }).await.is_ok()
    })
}

/// F18, planted: a checkpoint that is stored before its rows loses events, one that is stored behind them counts events
/// twice, and the check sees both; stored together they do neither.
#[test]
fn checkpoints_apart_from_their_rows_are_noticed() {
    assert!(!is_right(SplitsBatches::new(true, 3)), "the checkpoint first: events are missing");
    assert!(!is_right(SplitsBatches::new(false, 3)), "the rows first: events count twice");
    assert!(is_right(SplitsBatches::new(true, u64::MAX)), "never cut");
}

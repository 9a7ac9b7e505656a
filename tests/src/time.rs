//! Recorded and occurred time, and clocks that go wrong.

use annals_core::{Clock, Commit, Expected, NewEvent, Timestamp};

use crate::{Harness, Setup, fixture::*};

/// All events of a commit, and its receipt, carry the committer's time.
pub async fn recorded_time_is_the_committers<H: Harness>() {
    let setup = Setup::default();
    let harness = H::create(setup.clone()).await;
    let store = harness.store();
    for seconds in [0, 1, 3600] {
        let now = setup.clock.step(seconds);
        let receipt = commit(&store, append("a-1", 2, Expected::Any)).await;
        assert_eq!(receipt.recorded, now);
        let records = all_of(&store, "a-1").await;
        assert!(records.iter().rev().take(2).all(|record| record.recorded() == now));
    }
}

/// F17: an hour back, a hundred years ahead and back again, before 1970, the same time twice.
pub async fn recorded_time_never_decreases<H: Harness>() {
    let setup = Setup::default();
    let mut harness = H::create(setup.clone()).await;
    let century = 100 * 365 * 24 * 3600;
    let mut latest = setup.clock.now();
    for (round, seconds) in [0, -3600, 10, century, -2 * century, 0, century].into_iter().enumerate() {
        latest = latest.max(setup.clock.step(seconds));
        let receipt = commit(&harness.store(), append("a-1", 1, at(round as u64))).await;
        assert_eq!(receipt.recorded, latest, "the latest time so far, after a step of {seconds} s");
        if round == 4 {
            harness.reopen().await;
        }
    }
    let times: Vec<_> = log(&harness.store()).await.iter().map(|record| record.recorded()).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(times.len(), 7);
}

/// The caller's time is kept, before or behind the recorded one; without it the event occurred when it was recorded.
pub async fn occurred_is_as_given_else_recorded<H: Harness>() {
    let setup = Setup::default();
    let harness = H::create(setup.clone()).await;
    let store = harness.store();
    let now = setup.clock.now();
    let given = ["1914-06-28T09:45:00.000001Z", "9999-01-01T00:00:00Z", "1970-01-01T00:00:00Z"];
    let given = given.map(|text| text.parse::<Timestamp>().expect("a valid time"));
    let events = given.map(|time| NewEvent { occurred: Some(time), ..event("a-1", "x") });
    commit(&store, Commit::of(events)).await;
    commit(&store, Commit::of([event("a-1", "x")])).await;
    let found: Vec<_> = log(&store).await.iter().map(|record| (record.recorded(), record.occurred())).collect();
    assert_eq!(found, [(now, given[0]), (now, given[1]), (now, given[2]), (now, now)]);
}

/// F17: order, versions, conditions and keys are the same when the clock runs backwards.
pub async fn nothing_but_times_depends_on_the_clock<H: Harness>() {
    let setup = Setup::default();
    let harness = H::create(setup.clone()).await;
    let store = harness.store();
    for round in 0..5 {
        setup.clock.step(-86_400);
        let key = format!("key-{round}");
        commit(&store, append("a-1", 1, at(round)).once(once(&key, "request", &key))).await;
        conflict(&store, append("a-1", 1, at(round))).await;
        setup.clock.step(-86_400);
        let again = commit(&store, append("a-1", 1, at(round)).once(once(&key, "request", &key))).await;
        assert!(again.repeated);
    }
    assert_eq!(positions(&log(&store).await), [1, 2, 3, 4, 5]);
    assert_eq!(versions_of(&store, "a-1").await, [1, 2, 3, 4, 5]);
}

//! T12, F29: timers.

use std::{sync::Arc, time::Duration};

use annals_core::MemoryStore;
use annals_sagas::InstanceStatus;

use crate::bank::*;

/// A transfer to an account that keeps the saga waiting: the command to give panics, so it is never taken.
async fn waiting(clock: &SetClock, store: Arc<MemoryStore>) -> annals_core::Annals {
    let bank = over(store, clock.clone()).await;
    open_account(&bank, "ada", 1000).await;
    open_account(&bank, "bob", 0).await;
    bank
}

#[tokio::test(start_paused = true)]
async fn a_timer_fires_when_it_is_due_and_not_before() {
    let clock = SetClock::default();
    let bank = waiting(&clock, Arc::new(MemoryStore::new())).await;
    request(&bank, "panic-1", 30).await;
    let saga = saga(&bank);
    saga.settled().await.unwrap();
    clock.advance(Duration::from_micros(59_999_999));
    saga.settled().await.unwrap();
    assert_eq!(saga.instance(None, "panic-1").await.unwrap().unwrap().status, InstanceStatus::Running);
    clock.set_back(Duration::from_secs(3600));
    saga.settled().await.unwrap();
    clock.advance(Duration::from_secs(3600) + Duration::from_micros(1));
    saga.settled().await.unwrap();
    // What waited to be given is not sent any more, and what was taken is returned.
    assert_eq!(saga.instance(None, "panic-1").await.unwrap().unwrap().status, InstanceStatus::Compensated);
    assert_eq!(outcome(&bank, "panic-1").await.as_deref(), Some("late"));
    assert_eq!((cents(&bank, "ada").await, cents(&bank, "bob").await), (1000, 0));
    bank.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_was_due_while_nothing_ran_fires_at_the_next_start() {
    let (clock, store) = (SetClock::default(), Arc::new(MemoryStore::new()));
    let bank = waiting(&clock, Arc::clone(&store)).await;
    request(&bank, "panic-1", 30).await;
    saga(&bank).settled().await.unwrap();
    drop(bank);
    clock.advance(Duration::from_secs(3600));
    let bank = over(store, clock.clone()).await;
    saga(&bank).settled().await.unwrap();
    assert_eq!(outcome(&bank, "panic-1").await.as_deref(), Some("late"));
    bank.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn many_timers_that_are_due_at_once_each_take_effect_once() {
    let clock = SetClock::default();
    let bank = waiting(&clock, Arc::new(MemoryStore::new())).await;
    for number in 0..300 {
        request(&bank, &format!("panic-{number}"), 1).await;
    }
    let saga = saga(&bank);
    saga.settled().await.unwrap();
    clock.advance(Duration::from_secs(61));
    saga.settled().await.unwrap();
    for number in 0..300 {
        let transfer = format!("panic-{number}");
        assert_eq!(types::<Transfer>(&bank, &transfer).await, ["transfer.requested", "transfer.settled"]);
    }
    assert_eq!(cents(&bank, "ada").await, 1000);
    bank.shut_down().await;
}

/// One that has failed is elsewhere among the timers than the instance set it.
#[tokio::test(start_paused = true)]
async fn a_timer_that_failed_and_is_then_cancelled_does_not_fire() {
    let clock = SetClock::default();
    let bank = waiting(&clock, Arc::new(MemoryStore::new())).await;
    request(&bank, "linger-grumpy", 30).await;
    let saga = saga(&bank);
    saga.settled().await.unwrap();
    clock.advance(Duration::from_secs(60));
    saga.settled().await.unwrap();
    let (timers, _) = saga.timers(None).await.unwrap();
    let failure = timers[0].failure.as_ref().unwrap();
    assert!(failure.error == "not now" && !failure.given_up, "{failure:?}");
    note(&bank, "linger-grumpy", "no hurry").await;
    saga.settled().await.unwrap();
    let steps = saga.instance(None, "linger-grumpy").await.unwrap().unwrap().steps;
    clock.advance(Duration::from_secs(3600));
    saga.settled().await.unwrap();
    let instance = saga.instance(None, "linger-grumpy").await.unwrap().unwrap();
    assert_eq!((instance.steps, instance.status), (steps, InstanceStatus::Running));
    assert!(saga.timers(None).await.unwrap().0.is_empty());
    bank.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_always_fails_waits_for_an_operator() {
    let clock = SetClock::default();
    let bank = waiting(&clock, Arc::new(MemoryStore::new())).await;
    request(&bank, "linger-grumpy", 30).await;
    let saga = saga(&bank);
    saga.settled().await.unwrap();
    for _ in 0..10 {
        clock.advance(Duration::from_secs(61));
        saga.settled().await.unwrap();
    }
    let failure = saga.timers(None).await.unwrap().0[0].failure.clone().unwrap();
    assert!(failure.given_up && failure.attempts == 5, "{failure:?}");
    bank.shut_down().await;
}

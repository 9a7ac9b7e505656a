//! T12, F29: timers.

use std::{sync::Arc, time::Duration};

use annals_core::{Clock, MemoryStore, Timestamp};
use annals_sagas::{InstanceStatus, RunningSagas, StepInput, TimelineStep};

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
async fn a_program_in_virtual_time_goes_from_one_timer_to_the_next() {
    let clock = SetClock::default();
    let bank = waiting(&clock, Arc::new(MemoryStore::new())).await;
    let sagas = bank.sagas().unwrap();
    sagas.settled().await.unwrap();
    assert_eq!(sagas.next_timer().await.unwrap(), None);
    for transfer in ["panic-1", "panic-2"] {
        request(&bank, transfer, 30).await;
        sagas.settled().await.unwrap();
        clock.advance(Duration::from_secs(10));
    }
    for transfer in ["panic-1", "panic-2"] {
        let due = sagas.next_timer().await.unwrap().unwrap();
        clock.advance(Duration::from_micros(due.as_micros().abs_diff(clock.now().as_micros())));
        sagas.settled().await.unwrap();
        assert_eq!(outcome(&bank, transfer).await.as_deref(), Some("late"));
    }
    assert_eq!(sagas.next_timer().await.unwrap(), None);
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

#[tokio::test(start_paused = true)]
async fn an_operator_moves_and_cancels_timers_and_the_timeline_says_so() {
    let clock = SetClock::default();
    let bank = waiting(&clock, Arc::new(MemoryStore::new())).await;
    let saga = saga(&bank);
    for transfer in ["linger-1", "linger-2", "linger-3"] {
        request(&bank, transfer, 30).await;
    }
    saga.settled().await.unwrap();
    let later = clock.now().saturating_add(Duration::from_secs(600));
    assert!(saga.move_timer(None, "linger-1", "late", later, "she called").await.unwrap());
    assert!(saga.cancel_timer(None, "linger-2", "late", "she paid").await.unwrap());
    // Sooner: at once.
    assert!(saga.move_timer(None, "linger-3", "late", Timestamp::EPOCH, "no more").await.unwrap());
    saga.settled().await.unwrap();
    let status = async |transfer: &str| saga.instance(None, transfer).await.unwrap().unwrap().status;
    assert_eq!(status("linger-3").await, InstanceStatus::Compensated);
    clock.advance(Duration::from_secs(599));
    saga.settled().await.unwrap();
    assert_eq!(status("linger-1").await, InstanceStatus::Running);
    clock.advance(Duration::from_secs(1));
    saga.settled().await.unwrap();
    assert_eq!(status("linger-1").await, InstanceStatus::Compensated);
    assert_eq!(status("linger-2").await, InstanceStatus::Running);

    let inputs = async |transfer: &str| {
        let timeline = saga.timeline(None, transfer).await.unwrap();
        let by_hand =
            |step: &TimelineStep| matches!(step.input, StepInput::TimerMoved { .. } | StepInput::TimerCancelled { .. });
        let step = timeline.into_iter().find(by_hand).unwrap();
        (step.input, step.scheduled, step.cancelled)
    };
    let (name, reason) = ("late".to_owned(), "she called".to_owned());
    let moved = StepInput::TimerMoved { name, due: later, reason };
    assert_eq!(inputs("linger-1").await, (moved, vec![("late".to_owned(), later)], vec![]));
    let (name, reason) = ("late".to_owned(), "she paid".to_owned());
    let cancelled = StepInput::TimerCancelled { name, reason };
    assert_eq!(inputs("linger-2").await, (cancelled, vec![], vec!["late".to_owned()]));

    // What is not set, and whom there is not.
    for (transfer, timer) in [("linger-1", "late"), ("linger-2", "late"), ("linger-2", "x"), ("nobody", "late")] {
        assert!(!saga.move_timer(None, transfer, timer, later, "?").await.unwrap(), "{transfer} {timer}");
        assert!(!saga.cancel_timer(None, transfer, timer, "?").await.unwrap(), "{transfer} {timer}");
    }
    bank.shut_down().await;
}

/// One that has failed for good is where none is looked for; moved, it is tried anew.
#[tokio::test(start_paused = true)]
async fn a_timer_that_failed_for_good_can_be_moved() {
    let clock = SetClock::default();
    let bank = waiting(&clock, Arc::new(MemoryStore::new())).await;
    request(&bank, "linger-grumpy", 30).await;
    let saga = saga(&bank);
    saga.settled().await.unwrap();
    for _ in 0..10 {
        clock.advance(Duration::from_secs(61));
        saga.settled().await.unwrap();
    }
    let soon = clock.now().saturating_add(Duration::from_secs(5));
    assert!(saga.move_timer(None, "linger-grumpy", "late", soon, "again").await.unwrap());
    let (timers, _) = saga.timers(None).await.unwrap();
    assert!(matches!(timers.as_slice(), [timer] if timer.due == soon && timer.failure.is_none()), "{timers:?}");
    clock.advance(Duration::from_secs(5));
    saga.settled().await.unwrap();
    let (timers, _) = saga.timers(None).await.unwrap();
    assert!(timers[0].failure.as_ref().is_some_and(|failure| failure.attempts == 1), "{timers:?}");
    // One that ends takes its timers with it, wherever they are.
    assert!(saga.cancel(None, "linger-grumpy", "enough", false).await.unwrap());
    assert!(saga.timers(None).await.unwrap().0.is_empty());
    bank.shut_down().await;
}

/// Either it fires, or it is moved: never both, never neither.
#[tokio::test]
async fn a_timer_that_is_moved_while_it_fires_does_one_of_both() {
    let (mut fired, mut moved) = (0, 0);
    for round in 0..60 {
        let clock = SetClock::default();
        let bank = waiting(&clock, Arc::new(MemoryStore::new())).await;
        request(&bank, "linger-1", 30).await;
        let saga = saga(&bank);
        saga.settled().await.unwrap();
        clock.advance(Duration::from_secs(60));
        let later = clock.now().saturating_add(Duration::from_secs(600));
        let moving = async {
            for _ in 0..round / 2 {
                tokio::task::yield_now().await;
            }
            match round % 2 {
                0 => saga.move_timer(None, "linger-1", "late", later, "a test").await.unwrap(),
                _ => saga.cancel_timer(None, "linger-1", "late", "a test").await.unwrap(),
            }
        };
        let (was_moved, settled) = tokio::join!(moving, saga.settled());
        settled.unwrap();
        saga.settled().await.unwrap();
        let instance = saga.instance(None, "linger-1").await.unwrap().unwrap();
        let timers = saga.timers(None).await.unwrap().0;
        if was_moved {
            moved += 1;
            assert_eq!((instance.status, outcome(&bank, "linger-1").await), (InstanceStatus::Running, None));
            assert_eq!(timers.len(), usize::from(round % 2 == 0));
        } else {
            fired += 1;
            assert_eq!(outcome(&bank, "linger-1").await.as_deref(), Some("late"));
            assert!(timers.is_empty() && instance.status == InstanceStatus::Compensated);
        }
        bank.shut_down().await;
    }
    assert!(fired > 0 && moved > 0, "fired: {fired}, moved: {moved}");
}

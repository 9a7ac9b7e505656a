//! Commands that are sent later.

use std::{sync::Arc, time::Duration};

use annals_core::{Annals, Clock, MemoryStore, Store};
use annals_sagas::{DelayError, DelayedCommand, RunningSagas, SendLater, WithSagas};

use crate::bank::*;

async fn open(store: Arc<dyn Store>, clock: &SetClock) -> Annals {
    let bank = Annals::over(store).clock(Arc::new(clock.clone()));
    bank.delayed::<Transfer, Settle>().delayed::<Account, Take>().open().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_command_is_sent_when_its_time_has_come_also_after_a_restart() {
    let (clock, store): (_, Arc<dyn Store>) = (SetClock::default(), Arc::new(MemoryStore::new()));
    let bank = open(Arc::clone(&store), &clock).await;
    let due = |seconds| clock.now().saturating_add(Duration::from_secs(seconds));
    let settle = || Settle { outcome: "asked for".into() };
    bank.send_at::<Transfer, _>("t1", settle(), due(10)).await.unwrap();
    let cancelled = bank.send_at::<Transfer, _>("t2", settle(), due(10)).await.unwrap();
    let moved = bank.send_at::<Transfer, _>("t3", settle(), due(10)).await.unwrap();
    assert!(bank.cancel_delayed(&cancelled).await.unwrap() && !bank.cancel_delayed(&cancelled).await.unwrap());
    let moved = bank.move_delayed(&moved, due(20)).await.unwrap().unwrap();
    drop(bank);

    let bank = open(store, &clock).await;
    let delayed = bank.sagas().unwrap().delayed().unwrap();
    clock.advance(Duration::from_micros(9_999_999));
    delayed.settled().await.unwrap();
    assert_eq!(outcome(&bank, "t1").await, None);
    clock.advance(Duration::from_micros(1));
    delayed.settled().await.unwrap();
    assert_eq!((outcome(&bank, "t1").await.as_deref(), outcome(&bank, "t3").await), (Some("asked for"), None));
    clock.advance(Duration::from_secs(10));
    delayed.settled().await.unwrap();
    assert_eq!(outcome(&bank, "t3").await.as_deref(), Some("asked for"));
    assert_eq!((outcome(&bank, "t2").await, bank.move_delayed(&moved, due(5)).await.unwrap()), (None, None));
    bank.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_refused_is_set_aside_and_can_be_sent_again() {
    let clock = SetClock::default();
    let bank = open(Arc::new(MemoryStore::new()), &clock).await;
    let take = Take { cents: 5, transfer: "t1".into() };
    bank.send_at::<Account, _>("ada", take, clock.now()).await.unwrap();
    let delayed = bank.sagas().unwrap().delayed().unwrap();
    delayed.settled().await.unwrap();
    let waiting = delayed.waiting().await.unwrap();
    let failure = waiting[0].failure.as_ref().unwrap();
    assert!(failure.given_up && failure.error == "it was refused: the account is not open", "{failure:?}");
    let waits = "warning: saga $delayed has commands that wait for an operator: 1";
    assert_eq!((delayed.health().to_string(), bank.sagas_health().to_string()), (waits.to_owned(), waits.to_owned()));
    open_account(&bank, "ada", 100).await;
    assert!(delayed.retry_command(&waiting[0].key).await.unwrap());
    delayed.settled().await.unwrap();
    assert_eq!(cents(&bank, "ada").await, 95);
    assert!(delayed.health().is_healthy());
    // Nothing follows the log here, and no instance ends.
    assert!(delayed.aside().await.unwrap().is_empty());
    assert_eq!(delayed.forget_ended(clock.now()).await.unwrap(), 0);
    bank.shut_down().await;
}

/// Also by somebody who did not ask for it.
#[tokio::test(start_paused = true)]
async fn an_operator_cancels_what_somebody_asked_for() {
    let clock = SetClock::default();
    let bank = open(Arc::new(MemoryStore::new()), &clock).await;
    bank.send_at::<Transfer, _>(
        "t1",
        Settle { outcome: "x".into() },
        clock.now().saturating_add(Duration::from_secs(9)),
    )
    .await
    .unwrap();
    let delayed = bank.sagas().unwrap().delayed().unwrap();
    let (timers, _) = delayed.timers(None).await.unwrap();
    let command = DelayedCommand::of(&timers[0]).unwrap();
    assert!(bank.cancel_delayed(&command).await.unwrap());
    clock.advance(Duration::from_secs(10));
    delayed.settled().await.unwrap();
    assert_eq!(outcome(&bank, "t1").await, None);
    bank.shut_down().await;
}

#[tokio::test]
async fn a_command_that_is_not_registered_is_an_error_at_once() {
    let bank = open(Arc::new(MemoryStore::new()), &SetClock::default()).await;
    let give = Give { cents: 5, transfer: "t1".into() };
    let error = bank.send_at::<Account, _>("ada", give, SetClock::default().now()).await.unwrap_err();
    assert!(matches!(error, DelayError::NotRegistered { aggregate: "account", command: "give" }), "{error:?}");
    bank.shut_down().await;
}

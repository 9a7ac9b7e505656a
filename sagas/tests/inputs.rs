//! Which inputs an instance takes, and what becomes of those that it cannot.

use std::sync::Arc;

use annals_core::{MemoryStore, Store, SystemClock};
use annals_sagas::{InstanceStatus, Unexpected, WithSagas, testing::Mortal};

use crate::bank::*;

async fn bank() -> annals_core::Annals {
    let bank = over(Arc::new(MemoryStore::new()), SystemClock).await;
    open_account(&bank, "ada", 100).await;
    open_account(&bank, "bob", 0).await;
    bank
}

/// I.8: where nothing is said, a saga begins where the log is when the store is opened.
#[tokio::test]
async fn what_is_committed_once_the_store_is_open_is_not_missed_and_what_was_before_leads_to_nothing() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let before = annals_core::Annals::over(Arc::clone(&store)).open().await.unwrap();
    open_account(&before, "ada", 100).await;
    open_account(&before, "bob", 0).await;
    request(&before, "before", 30).await;
    let bank = annals_core::Annals::over(store).saga::<Moving>().open().await.unwrap();
    // Before anything else can run in this thread.
    request(&bank, "behind", 30).await;
    saga(&bank).settled().await.unwrap();
    assert_eq!((outcome(&bank, "before").await, outcome(&bank, "behind").await.as_deref()), (None, Some("moved")));
    bank.shut_down().await;
}

/// I.6, P8: it is discarded or retried, and then the rest goes on.
#[tokio::test]
async fn an_event_that_meets_no_instance_waits_with_those_behind_it_until_an_operator_decides() {
    let bank = bank().await;
    note(&bank, "t1", "too early").await;
    request(&bank, "t1", 30).await;
    request(&bank, "t2", 20).await;
    let saga = saga(&bank);
    saga.settled().await.unwrap();
    // P8: the other transfer is done.
    assert_eq!((outcome(&bank, "t1").await, outcome(&bank, "t2").await.as_deref()), (None, Some("moved")));
    let aside = saga.aside().await.unwrap();
    let [early] = aside.as_slice() else { panic!("{aside:?}") };
    let expected = Unexpected::NoInstance { saga: "moving".into(), key: "t1".into() };
    assert_eq!((early.position.get(), early.failure.error.clone()), (3, expected.to_string()));
    assert!(early.failure.given_up && early.instance.as_ref().is_some_and(|id| id.key == "t1"));

    assert_eq!(saga.retry(early.position).await.unwrap(), Some(false));
    assert_eq!(saga.discard(early.position, "it came too early").await.unwrap(), Some(true));
    saga.settled().await.unwrap();
    assert_eq!(outcome(&bank, "t1").await.as_deref(), Some("moved"));
    assert!(saga.aside().await.unwrap().is_empty());
    bank.shut_down().await;
}

#[tokio::test]
async fn what_was_passed_by_stays_so_when_the_process_dies() {
    let inner: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mortal = Mortal::new(Arc::clone(&inner), u64::MAX, false);
    let bank = over(Arc::new(mortal.clone()), SystemClock).await;
    open_account(&bank, "ada", 100).await;
    note(&bank, "t1", "too early").await;
    let lost = AccountEvent::Taken { cents: 1, transfer: String::new() };
    bank.store().commit(annals_core::testing::commit_of::<Account>("ada", [lost])).await.unwrap();
    saga(&bank).settled().await.unwrap();
    for aside in saga(&bank).aside().await.unwrap() {
        assert_eq!(saga(&bank).discard(aside.position, "a test").await.unwrap(), Some(true));
    }
    mortal.die();
    drop(bank);
    let bank = over(inner, SystemClock).await;
    saga(&bank).settled().await.unwrap();
    assert!(saga(&bank).aside().await.unwrap().is_empty());
    bank.shut_down().await;
}

/// I.12, P8: an error in a handler is told of, and nothing is lost.
#[tokio::test(start_paused = true)]
async fn an_event_that_fails_is_tried_again_and_then_waits() {
    let bank = bank().await;
    request(&bank, "t1", 30).await;
    let saga = saga(&bank);
    saga.settled().await.unwrap();
    for text in ["boom", "panic"] {
        let transfer = format!("t-{text}");
        let far = annals_core::testing::commit_of::<Transfer>(
            &transfer,
            [
                TransferEvent::Requested { from: "ada".into(), to: "nobody-yet".into(), cents: 1 },
                TransferEvent::Noted { text: text.into() },
            ],
        );
        bank.store().commit(far).await.unwrap();
        let given_up = || async {
            let aside = saga.aside().await.unwrap();
            aside
                .into_iter()
                .find(|event| event.instance.as_ref().is_some_and(|id| id.key == transfer))
                .filter(|event| event.failure.given_up)
        };
        let event = loop {
            match given_up().await {
                Some(event) => break event,
                None => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
            }
        };
        assert_eq!(event.failure.attempts, 5);
        assert!(event.failure.error.contains(if text == "boom" { "boom" } else { "at the disco" }), "{event:?}");
    }
    bank.shut_down().await;
}

#[tokio::test]
async fn an_event_for_an_instance_that_ended_is_unexpected() {
    let bank = bank().await;
    request(&bank, "t1", 30).await;
    let saga = saga(&bank);
    saga.settled().await.unwrap();
    note(&bank, "t1", "thank you").await;
    saga.settled().await.unwrap();
    let aside = saga.aside().await.unwrap();
    let expected = Unexpected::HasEnded { saga: "moving".into(), key: "t1".into() };
    assert_eq!(aside[0].failure.error, expected.to_string());
    // Said twice, the second one is one that begins what has begun.
    request(&bank, "t1", 30).await;
    saga.settled().await.unwrap();
    assert_eq!(saga.aside().await.unwrap().len(), 1);
    bank.shut_down().await;
}

#[tokio::test]
async fn an_event_of_which_it_cannot_be_told_whose_it_is_stands_in_nobodys_way() {
    let bank = bank().await;
    let lost = AccountEvent::Taken { cents: 1, transfer: String::new() };
    bank.store().commit(annals_core::testing::commit_of::<Account>("ada", [lost])).await.unwrap();
    request(&bank, "t1", 30).await;
    let saga = saga(&bank);
    saga.settled().await.unwrap();
    assert_eq!(outcome(&bank, "t1").await.as_deref(), Some("moved"));
    let aside = saga.aside().await.unwrap();
    assert!(aside[0].instance.is_none() && aside[0].failure.error == "a movement without a transfer", "{aside:?}");
    assert_eq!(saga.discard(aside[0].position, "a test").await.unwrap(), Some(true));
    assert!(saga.aside().await.unwrap().is_empty());
    bank.shut_down().await;
}

#[tokio::test]
async fn what_an_instance_holds_can_be_looked_at() {
    let bank = bank().await;
    request(&bank, "t1", 30).await;
    let saga = saga(&bank);
    saga.settled().await.unwrap();
    let instance = saga.instance(None, "t1").await.unwrap().unwrap();
    assert_eq!((instance.status, instance.steps, instance.timers.len()), (InstanceStatus::Completed, 3, 0));
    let state: Moving = saga.state(None, "t1").await.unwrap().unwrap();
    assert_eq!(state.stage, "given");
    bank.shut_down().await;
}

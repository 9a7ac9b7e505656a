//! Sagas that an operator has paused.

use std::{sync::Arc, time::Duration};

use annals_core::{MemoryStore, Store};
use annals_projections::State;
use annals_sagas::{InstanceStatus, SagaError};

use crate::bank::*;

#[tokio::test(start_paused = true)]
async fn a_pause_holds_until_somebody_resumes_also_after_a_restart() {
    let (clock, store): (_, Arc<dyn Store>) = (SetClock::default(), Arc::new(MemoryStore::new()));
    let bank = over(Arc::clone(&store), clock.clone()).await;
    open_account(&bank, "ada", 100).await;
    open_account(&bank, "bob", 0).await;
    request(&bank, "linger-1", 30).await;
    saga(&bank).settled().await.unwrap();
    saga(&bank).pause("the bank is closed").await.unwrap();
    drop(bank);

    let bank = over(Arc::clone(&store), clock.clone()).await;
    let paused = saga(&bank);
    request(&bank, "t1", 30).await;
    clock.advance(Duration::from_secs(3600));
    let mut status = paused.watch();
    let is_paused =
        tokio::time::timeout(Duration::from_secs(9), status.wait_for(|status| status.state == State::Paused));
    assert!(is_paused.await.is_ok());
    let moved =
        tokio::time::timeout(Duration::from_secs(3600), status.wait_for(|status| status.state != State::Paused));
    assert!(moved.await.is_err(), "it does nothing");
    assert_eq!(paused.instance(None, "t1").await.unwrap(), None);
    assert_eq!(paused.instance(None, "linger-1").await.unwrap().unwrap().status, InstanceStatus::Running);
    // What needs it at work says so, and does not wait for that.
    assert!(matches!(paused.aside().await, Err(SagaError::NotRunning { saga: "moving" })));
    assert!(matches!(paused.settled().await, Err(SagaError::NotRunning { saga: "moving" })));
    paused.resume().await.unwrap();
    paused.settled().await.unwrap();
    assert_eq!(outcome(&bank, "t1").await.as_deref(), Some("moved"));
    assert_eq!(outcome(&bank, "linger-1").await.as_deref(), Some("late"));
    drop(bank);

    let bank = over(store, clock).await;
    saga(&bank).settled().await.unwrap();
    bank.shut_down().await;
}

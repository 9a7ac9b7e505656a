//! F28: what was done is undone, each once, the latest first.

use std::sync::Arc;

use annals_core::{MemoryStore, Store, SystemClock};
use annals_sagas::InstanceStatus;

use crate::{bank::*, holding::Holding};

async fn status(bank: &annals_core::Annals, transfer: &str) -> Option<InstanceStatus> {
    saga(bank).instance(None, transfer).await.unwrap().map(|instance| instance.status)
}

#[tokio::test]
async fn the_latest_is_undone_first() {
    let bank = over(Arc::new(MemoryStore::new()), SystemClock).await;
    open_account(&bank, "ada", 100).await;
    open_account(&bank, "bob", 0).await;
    request(&bank, "linger-1", 30).await;
    saga(&bank).settled().await.unwrap();
    assert_eq!((cents(&bank, "ada").await, cents(&bank, "bob").await), (70, 30));
    note(&bank, "linger-1", "stop").await;
    saga(&bank).settled().await.unwrap();
    assert_eq!(status(&bank, "linger-1").await, Some(InstanceStatus::Compensated));
    let names: Vec<_> = all_types(&bank).await.into_iter().filter(|name| name.ends_with("ed")).collect();
    let place = |name: &str| names.iter().position(|found| found == name);
    assert!(place("account.reclaimed") < place("account.returned"), "{names:?}");
    assert_eq!((cents(&bank, "ada").await, cents(&bank, "bob").await), (100, 0));
    bank.shut_down().await;
}

/// A command is on its way to its aggregate while it is decided that it is not to be sent.
#[tokio::test]
async fn a_command_that_is_withdrawn_while_it_is_sent_is_not_taken() {
    let holding = Holding::new(Arc::new(MemoryStore::new()), "account.given");
    let store: Arc<dyn Store> = Arc::new(holding.clone());
    let bank = over(store, SystemClock).await;
    open_account(&bank, "ada", 100).await;
    open_account(&bank, "bob", 0).await;
    request(&bank, "t1", 30).await;
    holding.is_held().await;
    note(&bank, "t1", "stop").await;
    let mut head = bank.store().head();
    while status(&bank, "t1").await != Some(InstanceStatus::Compensating) {
        head.changed().await.unwrap();
    }
    holding.release();
    saga(&bank).settled().await.unwrap();
    assert_eq!(status(&bank, "t1").await, Some(InstanceStatus::Compensated));
    assert_eq!(types::<Account>(&bank, "bob").await, ["account.opened"]);
    assert_eq!(cents(&bank, "ada").await, 100);
    bank.shut_down().await;
}

#[tokio::test]
async fn an_undoing_command_that_is_refused_waits_for_an_operator() {
    let bank = over(Arc::new(MemoryStore::new()), SystemClock).await;
    open_account(&bank, "ada", 100).await;
    request(&bank, "keep-1", 30).await;
    let saga = saga(&bank);
    saga.settled().await.unwrap();
    assert_eq!(saga.instance(None, "keep-1").await.unwrap().unwrap().status, InstanceStatus::Compensating);
    let waiting = saga.waiting().await.unwrap();
    let [command] = waiting.as_slice() else { panic!("{waiting:?}") };
    assert_eq!((command.aggregate.as_str(), command.id.as_str(), command.name.as_str()), ("account", "ada", "return"));
    assert!(command.undoes && command.failure.as_ref().is_some_and(|failure| failure.error.contains("is not open")));
    // What happens meanwhile changes nothing.
    note(&bank, "keep-1", "where is my money").await;
    saga.settled().await.unwrap();

    assert!(saga.drop_command(&command.key, "paid out by hand").await.unwrap());
    saga.settled().await.unwrap();
    assert_eq!(saga.instance(None, "keep-1").await.unwrap().unwrap().status, InstanceStatus::Compensated);
    assert!(saga.waiting().await.unwrap().is_empty());
    bank.shut_down().await;
}

#[tokio::test]
async fn an_operator_can_end_an_instance_and_let_it_be_undone() {
    for undo in [true, false] {
        let bank = over(Arc::new(MemoryStore::new()), SystemClock).await;
        open_account(&bank, "ada", 100).await;
        open_account(&bank, "bob", 0).await;
        request(&bank, "panic-1", 30).await;
        let saga = saga(&bank);
        // The giving waits, because it fails.
        let mut status = bank.store().head();
        while cents(&bank, "ada").await == 100 {
            status.changed().await.unwrap();
        }
        while saga.waiting().await.unwrap().is_empty() {
            status.changed().await.unwrap();
        }
        assert!(saga.cancel(None, "panic-1", "a mistake", undo).await.unwrap());
        saga.settled().await.unwrap();
        let (status, left) = if undo { (InstanceStatus::Compensated, 100) } else { (InstanceStatus::Cancelled, 70) };
        assert_eq!(saga.instance(None, "panic-1").await.unwrap().unwrap().status, status);
        assert_eq!((cents(&bank, "ada").await, cents(&bank, "bob").await), (left, 0));
        assert!(!saga.cancel(None, "panic-1", "again", undo).await.unwrap());
        bank.shut_down().await;
    }
}

#[tokio::test]
async fn nothing_that_waits_is_sent_once_the_saga_undoes() {
    let bank = over(Arc::new(MemoryStore::new()), SystemClock).await;
    open_account(&bank, "ada", 100).await;
    open_account(&bank, "bob", 0).await;
    let events = [
        TransferEvent::Requested { from: "ada".into(), to: "bob".into(), cents: 30 },
        TransferEvent::Noted { text: "stop".into() },
    ];
    // Both in one commit, so that the first command may or may not have been taken when the second event comes.
    for number in 0..50 {
        let transfer = format!("t{number}");
        let commit = annals_core::testing::commit_of::<Transfer>(&transfer, events.clone());
        bank.store().commit(commit).await.unwrap();
    }
    let saga = saga(&bank);
    saga.settled().await.unwrap();
    assert_eq!((cents(&bank, "ada").await, cents(&bank, "bob").await), (100, 0));
    let taken = types::<Account>(&bank, "ada").await.iter().filter(|name| *name == "account.taken").count();
    let returned = types::<Account>(&bank, "ada").await.iter().filter(|name| *name == "account.returned").count();
    assert_eq!(taken, returned);
    for number in 0..50 {
        let instance = saga.instance(None, &format!("t{number}")).await.unwrap().unwrap();
        assert_eq!(instance.status, InstanceStatus::Compensated);
    }
    bank.shut_down().await;
}

#[tokio::test]
async fn what_was_refused_is_not_undone_later() {
    let bank = over(Arc::new(MemoryStore::new()), SystemClock).await;
    open_account(&bank, "ada", 100).await;
    request(&bank, "linger-1", 30).await;
    saga(&bank).settled().await.unwrap();
    let state: Moving = saga(&bank).state(None, "linger-1").await.unwrap().unwrap();
    assert_eq!(state.stage, "refused");
    note(&bank, "linger-1", "stop").await;
    saga(&bank).settled().await.unwrap();
    assert_eq!((types::<Account>(&bank, "bob").await.len(), cents(&bank, "ada").await), (0, 100));
    bank.shut_down().await;
}

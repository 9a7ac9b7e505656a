//! P7, F27: a step that takes long to be stored keeps only its own instance waiting, and no position is stored beyond it.

use std::{sync::Arc, time::Duration};

use annals_core::{Annals, MemoryStore, Position, Store, SystemClock, testing::commit_of};
use annals_sagas::StepInput;

use crate::{bank::*, holding::Holding};

const OTHERS: usize = 40;

/// The instance whose first step takes long.
const SLOW: &str = "slow";

/// Longer than any pause that a saga makes by itself. The time of the runtime is virtual.
const LONG: Duration = Duration::from_secs(20);

/// More positions than a saga goes without storing how far it has come, and more than it reads ahead.
const MANY: usize = 20_000;

/// A bank in which the first step of one instance is being stored, and how far the log was when that was asked for.
async fn slow(store: &Arc<dyn Store>) -> (Annals, Holding, Position) {
    let holding = Holding::new(Arc::clone(store), "saga.stepped").of(SLOW);
    let bank = over(Arc::new(holding.clone()), SystemClock).await;
    open_account(&bank, "ada", 100).await;
    open_account(&bank, "bob", 0).await;
    // While instances are counted at the start, steps and the count wait for each other.
    saga(&bank).settled().await.unwrap();
    request(&bank, SLOW, 1).await;
    let asked = store.head().borrow().position;
    within(holding.is_held()).await;
    (bank, holding, asked)
}

/// What is to happen, whatever else takes long.
async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, work).await.unwrap()
}

/// Waits until a transfer has ended.
async fn ended(bank: &Annals, transfer: &str) -> String {
    let mut head = bank.store().head();
    loop {
        head.borrow_and_update();
        if let Some(outcome) = outcome(bank, transfer).await {
            return outcome;
        }
        head.changed().await.unwrap();
    }
}

/// Events for instances that there are not: nothing follows from them.
async fn noise(store: &Arc<dyn Store>) {
    for from in (0..MANY).step_by(1000) {
        let given = |number| AccountEvent::Given { cents: 0, transfer: format!("none-{number}") };
        store.commit(commit_of::<Account>("noise", (from..from + 1000).map(given))).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_takes_long_keeps_no_other_instance_waiting() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (bank, holding, asked) = slow(&store).await;
    for text in ["a", "b", "c"] {
        note(&bank, SLOW, text).await;
    }
    for number in 0..OTHERS {
        request(&bank, &format!("t{number}"), 1).await;
    }
    for number in 0..OTHERS {
        assert_eq!(within(ended(&bank, &format!("t{number}"))).await, "moved");
    }
    assert_eq!(saga(&bank).instance(None, SLOW).await.unwrap(), None);
    assert!(saga(&bank).status().position < asked);
    assert!(tokio::time::timeout(LONG, saga(&bank).settled()).await.is_err(), "it is settled with a step under way");
    holding.release();
    saga(&bank).settled().await.unwrap();
    assert_eq!(outcome(&bank, SLOW).await.as_deref(), Some("moved"));
    let taken = saga(&bank).timeline(None, SLOW).await.unwrap();
    let places = taken.iter().map(|step| match step.input {
        StepInput::Event { position, .. } => position,
        ref input => panic!("{input:?}"),
    });
    assert_eq!(places.clone().count(), 6);
    assert!(places.is_sorted(), "what waited is taken in the order of the log");
    bank.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn no_position_is_stored_beyond_a_step_that_is_not() {
    for dies in [true, false] {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let (bank, holding, asked) = slow(&store).await;
        request(&bank, "t", 1).await;
        assert_eq!(within(ended(&bank, "t")).await, "moved");
        noise(&store).await;
        // It reads on as far as it does, and then it waits.
        tokio::time::sleep(LONG).await;
        assert!(saga(&bank).status().position < asked);
        if dies {
            holding.die();
        }
        bank.shut_down().await;
        let bank = over(Arc::clone(&store), SystemClock).await;
        saga(&bank).settled().await.unwrap();
        assert_eq!(outcome(&bank, SLOW).await.as_deref(), Some("moved"), "it is met again");
        assert_eq!((cents(&bank, "ada").await, cents(&bank, "bob").await), (98, 2));
        bank.shut_down().await;
    }
}

/// What is asked by an operator is about a place in the log: everything before it is done, and nothing behind it.
#[tokio::test(start_paused = true)]
async fn what_an_operator_asks_waits_for_steps_that_are_under_way() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (bank, holding, _) = slow(&store).await;
    // Requested twice, and something behind it.
    request(&bank, "linger", 1).await;
    store.commit(commit_of::<Transfer>("linger", [requested("ada", "bob", 1)])).await.unwrap();
    let twice = store.head().borrow().position;
    note(&bank, "linger", "behind").await;
    let noted = store.head().borrow().position;
    tokio::time::sleep(LONG).await;
    let saga = saga(&bank);
    {
        let mut discarding = std::pin::pin!(saga.discard(twice, "once is enough"));
        assert!(tokio::time::timeout(LONG, &mut discarding).await.is_err(), "the first step is under way");
        holding.release();
        assert_eq!(discarding.await.unwrap(), Some(true));
    }
    saga.settled().await.unwrap();
    let linger = saga.instance(None, "linger").await.unwrap().unwrap();
    assert!(linger.seen.is_some_and(|seen| seen >= noted), "what waited behind it is taken");
    let taken = saga.timeline(None, "linger").await.unwrap();
    assert!(taken.iter().any(|step| matches!(step.input, StepInput::Event { position, .. } if position == noted)));
    bank.shut_down().await;
}

/// What is read and waits takes memory, and is read again when the process dies.
#[tokio::test(start_paused = true)]
async fn not_all_of_the_log_is_read_ahead_of_a_step_that_takes_long() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (bank, holding, _) = slow(&store).await;
    noise(&store).await;
    request(&bank, "far", 1).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(saga(&bank).instance(None, "far").await.unwrap(), None);
    holding.release();
    saga(&bank).settled().await.unwrap();
    assert_eq!(outcome(&bank, "far").await.as_deref(), Some("moved"));
    bank.shut_down().await;
}

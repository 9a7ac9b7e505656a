//! F27, P7: commands are sent again until each has taken effect once, wherever the process dies.

use std::sync::{Arc, atomic::Ordering::SeqCst};

use annals_core::{
    Annals, MemoryStore, ReadError, Store,
    testing::{FaultyStore, ReadFault, Reads, commit_of},
};
use annals_projections::Retry;
use annals_sagas::{Begin, SagaOptions, WithSagas, testing::crashes};

use crate::{bank::*, unruly::Failing};

/// What is the same however often the process died: balances, outcomes, what happened to each account, what each instance went
/// through.
#[derive(Debug, PartialEq)]
struct End {
    cents: Vec<u64>,
    outcomes: Vec<Option<String>>,
    ada: Vec<String>,
    states: Vec<Option<Moving>>,
}

async fn play(bank: Annals) {
    open_account(&bank, "ada", 100).await;
    open_account(&bank, "bob", 0).await;
    let requests = [("t1", "bob", 30), ("poor-1", "bob", 1000), ("back-1", "nobody", 20)];
    for (transfer, to, cents) in requests {
        let request = Request { from: "ada".into(), to: to.into(), cents };
        bank.on::<Transfer>(transfer).send(request).await.unwrap();
    }
}

async fn end(bank: Annals) -> End {
    let bank = &bank;
    let mut end = End { cents: vec![], outcomes: vec![], ada: types::<Account>(bank, "ada").await, states: vec![] };
    end.ada.sort();
    for account in ["ada", "bob"] {
        end.cents.push(cents(bank, account).await);
    }
    for transfer in ["t1", "poor-1", "back-1"] {
        end.outcomes.push(outcome(bank, transfer).await);
        end.states.push(saga(bank).state(None, transfer).await.unwrap());
    }
    assert!(saga(bank).waiting().await.unwrap().is_empty());
    assert!(saga(bank).aside().await.unwrap().is_empty());
    end
}

#[tokio::test]
async fn whatever_commit_the_process_dies_at_the_end_is_the_same() {
    let clock = SetClock::default();
    let crashes = crashes(|store| try_over(store, clock.clone()), play, end).await;
    // Fewer would mean that it did not die in every place.
    assert!(crashes.deaths > 30, "{crashes:?}");
}

#[tokio::test]
async fn a_runner_that_was_taken_over_writes_nothing() {
    let (clock, store): (_, Arc<dyn Store>) = (SetClock::default(), Arc::new(MemoryStore::new()));
    let first = over(Arc::clone(&store), clock.clone()).await;
    saga(&first).settled().await.unwrap();
    let second = over(Arc::clone(&store), clock.clone()).await;
    saga(&second).settled().await.unwrap();
    play(second.clone()).await;
    let expected = [70, 30];
    saga(&second).settled().await.unwrap();
    assert_eq!([cents(&second, "ada").await, cents(&second, "bob").await], expected);
    // P11: also what is asked of the first one changes nothing.
    request(&second, "panic-1", 10).await;
    while saga(&second).instance(None, "panic-1").await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    let refused = saga(&first).cancel(None, "panic-1", "no right to", true).await.unwrap_err();
    assert!(refused.to_string().contains("taken over"), "{refused}");
    assert_eq!(types::<Account>(&second, "bob").await, ["account.opened", "account.given"]);
    for bank in [second, first] {
        bank.shut_down().await;
    }
}

/// What is the store's fault says nothing of the command.
#[tokio::test(start_paused = true)]
async fn a_store_at_fault_takes_no_attempt_from_a_command_that_then_fails() {
    let failing = Failing::new("account.given", MOODY_AFTER);
    let bank = over(failing.before(Arc::new(MemoryStore::new())), SetClock::default()).await;
    open_account(&bank, "ada", 100).await;
    open_account(&bank, "bob", 0).await;
    request(&bank, "moody-1", 30).await;
    saga(&bank).settled().await.unwrap();
    let waiting = saga(&bank).waiting().await.unwrap();
    let failure = waiting[0].failure.as_ref().unwrap();
    assert!(failure.given_up && failure.error.contains("no gift of this"), "{failure:?}");
    assert_eq!((failing.left(), failure.attempts), (0, 5));
    assert_eq!(MOODY.load(SeqCst), MOODY_AFTER + 5, "each attempt is its own fault");
    bank.shut_down().await;
}

/// However few attempts a command has of its own.
#[tokio::test(start_paused = true)]
async fn a_store_at_fault_is_waited_for_without_end() {
    let commits = Failing::new("account.given", 30);
    let reads = FaultyStore::over(commits.before(Arc::new(MemoryStore::new())));
    let options = SagaOptions::default().begin(Begin::AtTheBeginning).retry(Retry::never());
    let bank = Annals::over(reads.clone()).saga_with::<Moving>(options).open().await.unwrap();
    open_account(&bank, "ada", 100).await;
    open_account(&bank, "bob", 0).await;
    for _ in 0..30 {
        reads.next_read(Reads::Streams, ReadFault::Fail(ReadError::Index { reason: "a test".into() }));
    }
    bank.store().commit(commit_of::<Transfer>("t1", [requested("ada", "bob", 30)])).await.unwrap();
    saga(&bank).settled().await.unwrap();
    assert_eq!((commits.left(), outcome(&bank, "t1").await.as_deref()), (0, Some("moved")));
    bank.shut_down().await;
}

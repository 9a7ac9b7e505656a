//! Instances that have ended, and are forgotten.

use std::{sync::Arc, time::Duration};

use annals_core::{Annals, Clock, Commit, MemoryStore, Store, Timestamp, testing::commit_of};
use annals_sagas::{InstanceStatus, SagaError, Unexpected, testing::Mortal};

use crate::{bank::*, unruly::Belated};

async fn bank(store: Arc<dyn Store>, clock: &SetClock) -> Annals {
    let bank = over(store, clock.clone()).await;
    open_account(&bank, "ada", 1000).await;
    open_account(&bank, "bob", 0).await;
    bank
}

fn later(clock: &SetClock) -> Timestamp {
    clock.now().saturating_add(Duration::from_secs(1))
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_before_is_forgotten_and_nothing_else() {
    let clock = SetClock::default();
    let bank = bank(Arc::new(MemoryStore::new()), &clock).await;
    let saga = saga(&bank);
    for number in 0..600 {
        request(&bank, &format!("t{number}"), 1).await;
    }
    // It runs; it is being undone, and waits; it has ended, and an event for it waits.
    for (transfer, to) in [("linger-1", "bob"), ("keep-1", "nobody"), ("asks-1", "bob")] {
        let request = Request { from: "ada".into(), to: to.into(), cents: 1 };
        bank.on::<Transfer>(transfer).send(request).await.unwrap();
    }
    saga.settled().await.unwrap();
    note(&bank, "asks-1", "thank you").await;
    saga.settled().await.unwrap();
    clock.advance(Duration::from_secs(10));
    request(&bank, "young-1", 1).await;
    saga.settled().await.unwrap();

    let before = clock.now();
    assert_eq!(saga.forget_ended(before).await.unwrap(), 600);
    assert_eq!(saga.forget_ended(before).await.unwrap(), 0);
    assert_eq!(saga.instance(None, "t599").await.unwrap(), None);
    assert_eq!(saga.timeline(None, "t599").await.unwrap().len(), 3, "what it has been through stays");
    let mut left = Vec::new();
    let page = saga.instances(None, |_| true).await.unwrap();
    assert!(page.next.is_none());
    left.extend(page.instances.into_iter().map(|instance| instance.id.key));
    assert_eq!(left, ["asks-1", "keep-1", "linger-1", "young-1"]);

    // What comes for it now is unexpected for another reason.
    note(&bank, "t1", "thank you").await;
    saga.settled().await.unwrap();
    let aside = saga.aside().await.unwrap();
    let errors: Vec<_> = aside.iter().map(|event| event.failure.error.clone()).collect();
    let (of, key) = ("moving".to_owned(), "t1".to_owned());
    let ended = Unexpected::HasEnded { saga: of.clone(), key: "asks-1".into() }.to_string();
    assert_eq!(errors, [ended, Unexpected::NoInstance { saga: of, key }.to_string()]);

    // Once nothing waits any more, it can be forgotten too.
    for event in aside {
        saga.discard(event.position, "a test").await.unwrap();
    }
    assert_eq!(saga.forget_ended(later(&clock)).await.unwrap(), 2, "young-1 and asks-1");
    saga.pause("a test").await.unwrap();
    saga.watch().wait_for(|status| !status.state.is_at_work()).await.unwrap();
    assert!(matches!(saga.forget_ended(before).await, Err(SagaError::NotRunning { .. })));
    bank.shut_down().await;
}

/// Its position is stored now and then; what is read once more after a crash begins nothing.
#[tokio::test(start_paused = true)]
async fn no_old_event_begins_what_was_forgotten() {
    let (clock, inner): (_, Arc<dyn Store>) = (SetClock::default(), Arc::new(MemoryStore::new()));
    let mortal = Mortal::new(Arc::clone(&inner), u64::MAX, false);
    let before = bank(Arc::new(mortal.clone()), &clock).await;
    request(&before, "t1", 30).await;
    saga(&before).settled().await.unwrap();
    assert_eq!(saga(&before).forget_ended(later(&clock)).await.unwrap(), 1);
    request(&before, "t2", 30).await;
    saga(&before).settled().await.unwrap();
    mortal.die();
    drop(before);
    // Also right after a start, before it has read again what those before had read already.
    let mortal = Mortal::new(Arc::clone(&inner), u64::MAX, false);
    let before = over(Arc::new(mortal.clone()), clock.clone()).await;
    assert_eq!(saga(&before).forget_ended(later(&clock)).await.unwrap(), 1);
    mortal.die();
    drop(before);
    let bank = over(inner, clock.clone()).await;
    let saga = saga(&bank);
    saga.settled().await.unwrap();
    assert_eq!(saga.instance(None, "t2").await.unwrap(), None);
    assert_eq!(saga.instance(None, "t1").await.unwrap(), None);
    assert!(saga.aside().await.unwrap().is_empty());
    assert_eq!(types::<Account>(&bank, "ada").await, ["account.opened", "account.taken", "account.taken"]);

    // A new one that begins it is another life, and goes on counting: what is sent is known by other keys.
    request(&bank, "t1", 20).await;
    saga.settled().await.unwrap();
    let instance = saga.instance(None, "t1").await.unwrap().unwrap();
    let expected = if instance.status == InstanceStatus::Completed { 6 } else { instance.steps };
    assert_eq!((instance.steps, saga.timeline(None, "t1").await.unwrap().len()), (expected, 6));
    assert_eq!(cents(&bank, "bob").await, 80);
    bank.shut_down().await;
}

/// Whoever took the latest step is told so last: what it knows of the instance is of before the other one ended it.
#[tokio::test(start_paused = true)]
async fn what_a_step_left_of_an_instance_that_is_forgotten_begins_anew() {
    let (clock, belated) = (SetClock::default(), Belated::new("saga.stepped"));
    let store = belated.before(Arc::new(MemoryStore::new()));
    let bank = bank(Arc::clone(&store), &clock).await;
    let saga = saga(&bank);
    let transfers = ["linger-1", "linger-2", "linger-3"];
    request(&bank, transfers[2], 1).await;
    saga.settled().await.unwrap();
    assert!(saga.cancel(None, transfers[2], "a test", false).await.unwrap());
    for transfer in &transfers[..2] {
        request(&bank, transfer, 1).await;
        saga.settled().await.unwrap();
        belated.hold_next();
        note(&bank, transfer, "thank you").await;
        belated.is_stored().await;
        assert!(saga.cancel(None, transfer, "a test", false).await.unwrap());
        belated.let_go();
        saga.settled().await.unwrap();
    }
    assert_eq!(saga.forget_ended(later(&clock)).await.unwrap(), 3);

    // One takes its step alone, the others may share a commit.
    request(&bank, "linger-1", 1).await;
    saga.settled().await.unwrap();
    let requested =
        transfers[1..].iter().map(|transfer| commit_of::<Transfer>(*transfer, [requested("ada", "bob", 1)]));
    let events = requested.flat_map(|commit| commit.events).collect();
    store.commit(Commit { events, ..Commit::new() }).await.unwrap();
    saga.settled().await.unwrap();
    assert!(saga.aside().await.unwrap().is_empty());
    for transfer in transfers {
        let instance = saga.instance(None, transfer).await.unwrap().unwrap();
        assert_eq!(instance.status, InstanceStatus::Running);
        assert_eq!(saga.timeline(None, transfer).await.unwrap().len() as u64, instance.steps, "it goes on counting");
    }
    bank.shut_down().await;
}

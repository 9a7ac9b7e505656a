//! Whether somebody should look at a saga, who is told, and when.

use std::{sync::Arc, time::Duration};

use annals_core::{
    Annals, MemoryStore, ReadError, Store,
    testing::{FaultyStore, ReadFault, Reads, commit_of},
};
use annals_projections::{EventContext, Incoming, Subscription};
use annals_sagas::{
    Begin, BoxError, Commands, Level, Reception, RunningSagas, Saga, SagaOptions, SendsTo, Step, WithSagas,
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::bank::*;

/// Opens a bank, and hears its alarms.
async fn heard(store: Arc<dyn Store>, clock: &SetClock) -> (Annals, UnboundedReceiver<String>) {
    let (tell, heard) = unbounded_channel();
    let options = SagaOptions::default().begin(Begin::AtTheBeginning).depth_max(20);
    let bank = Annals::over(store).clock(Arc::new(clock.clone()));
    let bank = bank.saga_with::<Moving>(options.clone()).saga_with::<Endless>(options);
    let bank = bank.on_saga_alarm(move |alarm| drop(tell.send(alarm.to_string())));
    (bank.open().await.unwrap(), heard)
}

async fn next(heard: &mut UnboundedReceiver<String>) -> String {
    tokio::time::timeout(Duration::from_secs(100_000), heard.recv()).await.unwrap().unwrap()
}

/// So many alarms, in whatever order.
async fn all(heard: &mut UnboundedReceiver<String>, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(next(heard).await);
    }
    all.sort();
    all
}

/// That none comes for an hour.
async fn silence(heard: &mut UnboundedReceiver<String>) {
    let alarm = tokio::time::timeout(Duration::from_secs(3600), heard.recv()).await;
    assert!(alarm.is_err(), "{alarm:?}");
}

/// Gives once more whenever was given: without end.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Endless;

impl SendsTo<Account, Give> for Endless {}

impl Saga for Endless {
    const NAME: &'static str = "endless";
    const VERSION: u32 = 1;

    fn subscription() -> Subscription {
        Subscription::new().variants::<AccountEvent>(&["Given"])
    }

    fn commands() -> Commands {
        Commands::new().with::<Account, Give>()
    }

    fn receive(event: Incoming<'_>, cx: &EventContext<'_>) -> Result<Option<Reception>, BoxError> {
        let is_endless = matches!(event.get(), Some(AccountEvent::Given { transfer, .. }) if transfer == "linger-on");
        Ok(is_endless.then(|| Reception::starts_or_continues(cx.key())))
    }

    fn handle(&mut self, _: Incoming<'_>, cx: &EventContext<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        step.send::<Account, _>(cx.key(), Give { cents: 1, transfer: "linger-on".into() });
        Ok(())
    }
}

/// It is bounded, set aside, and told of.
#[tokio::test(start_paused = true)]
async fn a_saga_that_sends_without_end_is_stopped_and_told_of() {
    let (bank, mut heard) = heard(Arc::new(MemoryStore::new()), &SetClock::default()).await;
    open_account(&bank, "bob", 0).await;
    bank.on::<Account>("bob").send(Give { cents: 1, transfer: "linger-on".into() }).await.unwrap();
    // The other one knows nothing of such a transfer, and does not expect to.
    let alarm = "saga endless goes in circles: events set aside for that: 1";
    assert_eq!(next(&mut heard).await, format!("critical: {alarm}"));
    let endless = bank.saga::<Endless>().unwrap();
    endless.settled().await.unwrap();
    assert_eq!(cents(&bank, "bob").await, 22);
    let aside = endless.aside().await.unwrap();
    assert!(aside[0].in_circle && aside[0].failure.given_up, "{aside:?}");
    assert_eq!(
        (endless.health().to_string(), bank.sagas_health().level),
        (format!("critical: {alarm}"), Level::Critical)
    );
    silence(&mut heard).await;
    endless.discard(aside[0].position, "enough").await.unwrap();
    assert_eq!(next(&mut heard).await, format!("over: {alarm}"));
    assert!(bank.sagas_health().is_healthy());
    bank.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_an_operator_is_told_of_until_it_is_decided_about() {
    let (clock, store): (_, Arc<dyn Store>) = (SetClock::default(), Arc::new(MemoryStore::new()));
    let (bank, mut alarms) = heard(Arc::clone(&store), &clock).await;
    assert!(bank.sagas_health().is_healthy());
    open_account(&bank, "ada", 100).await;
    note(&bank, "t1", "too early").await;
    let event = "saga moving has events that wait for an operator: 1";
    assert_eq!(next(&mut alarms).await, format!("warning: {event}"));
    request(&bank, "keep-1", 30).await;
    let undoing = "saga moving has commands that undo others and wait for an operator: 1";
    assert_eq!(next(&mut alarms).await, format!("critical: {undoing}"));
    open_account(&bank, "bob", 0).await;
    request(&bank, "panic-1", 30).await;
    let command = "saga moving has commands that wait for an operator: 1";
    assert_eq!(next(&mut alarms).await, format!("warning: {command}"));
    silence(&mut alarms).await;
    drop(bank);

    // P6: it is the same after a restart.
    let (bank, mut alarms) = heard(store, &clock).await;
    let expected = [format!("critical: {undoing}"), format!("warning: {command}"), format!("warning: {event}")];
    assert_eq!(all(&mut alarms, 3).await, expected);
    let health = saga(&bank).health();
    assert_eq!(health.to_string(), format!("critical: {event}; {command}; {undoing}"));
    for waiting in saga(&bank).waiting().await.unwrap() {
        assert!(saga(&bank).drop_command(&waiting.key, "a test").await.unwrap());
    }
    saga(&bank).discard(saga(&bank).aside().await.unwrap()[0].position, "a test").await.unwrap();
    assert_eq!(all(&mut alarms, 3).await, [undoing, command, event].map(|text| format!("over: {text}")));
    assert!(saga(&bank).health().is_healthy());
    bank.shut_down().await;
    drop(bank);
    assert!(alarms.recv().await.is_none(), "shutting down is no alarm");
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_fails_for_good_is_told_of() {
    let (clock, store): (_, Arc<dyn Store>) = (SetClock::default(), Arc::new(MemoryStore::new()));
    let (bank, mut alarms) = heard(Arc::clone(&store), &clock).await;
    open_account(&bank, "ada", 100).await;
    open_account(&bank, "bob", 0).await;
    request(&bank, "linger-grumpy", 30).await;
    saga(&bank).settled().await.unwrap();
    for _ in 0..10 {
        clock.advance(Duration::from_secs(61));
        saga(&bank).settled().await.unwrap();
    }
    let waits = "saga moving has timers that failed and wait for an operator: 1";
    let told = all(&mut alarms, 1).await;
    assert_eq!(told, [format!("warning: {waits}")]);
    drop(bank);
    let (bank, mut alarms) = heard(store, &clock).await;
    assert_eq!(next(&mut alarms).await, format!("warning: {waits}"));
    assert!(saga(&bank).cancel_timer(None, "linger-grumpy", "late", "never mind").await.unwrap());
    assert_eq!(next(&mut alarms).await, format!("over: {waits}"));
    assert!(saga(&bank).timers(None).await.unwrap().0.is_empty());
    bank.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_at_fault_for_long_is_told_of() {
    let (clock, faulty) = (SetClock::default(), FaultyStore::default());
    let (bank, mut alarms) = heard(Arc::new(faulty.clone()), &clock).await;
    open_account(&bank, "ada", 100).await;
    open_account(&bank, "bob", 0).await;
    faulty.every_read(Reads::Streams, 1, ReadFault::Fail(ReadError::Index { reason: "no disk".into() }));
    bank.store().commit(commit_of::<Transfer>("t1", [requested("ada", "bob", 30)])).await.unwrap();
    silence(&mut alarms).await;
    clock.advance(Duration::from_secs(31));
    let told = next(&mut alarms).await;
    assert!(
        told.starts_with("warning: saga moving has not been able to send for 31s, for so many instances: 1"),
        "{told}"
    );
    assert!(told.ends_with("no disk"), "{told}");
    clock.advance(Duration::from_secs(300));
    // The reminder is due as well, and waits for nothing.
    assert!(next(&mut alarms).await.starts_with("critical, was warning: saga moving has not been able to send"));
    faulty.heal();
    assert!(next(&mut alarms).await.starts_with("over: saga moving has not been able to send"));
    saga(&bank).settled().await.unwrap();
    assert!(bank.sagas_health().is_healthy());
    bank.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_fails_again_and_again_is_told_of_once() {
    let (clock, faulty) = (SetClock::default(), FaultyStore::default());
    let (bank, mut alarms) = heard(Arc::new(faulty.clone()), &clock).await;
    saga(&bank).settled().await.unwrap();
    faulty.every_read(Reads::Log, 1, ReadFault::Fail(ReadError::Index { reason: "no disk".into() }));
    open_account(&bank, "ada", 100).await;
    let told = all(&mut alarms, 2).await;
    assert!(told[1].starts_with("critical: saga moving failed and tries again: the log cannot be read"), "{told:?}");
    assert!(told[0].starts_with("critical: saga endless failed and tries again"), "{told:?}");
    let later = tokio::time::timeout(Duration::from_secs(25), alarms.recv()).await;
    assert!(later.is_err(), "{later:?}");
    assert_eq!(bank.sagas_health().level, Level::Critical);
    faulty.heal();
    let told = all(&mut alarms, 2).await;
    assert!(told.iter().all(|told| told.starts_with("over: ")), "{told:?}");
    assert!(bank.sagas_health().is_healthy());
    bank.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_is_paused_or_taken_over_is_told_of() {
    let (clock, store): (_, Arc<dyn Store>) = (SetClock::default(), Arc::new(MemoryStore::new()));
    let (bank, mut alarms) = heard(Arc::clone(&store), &clock).await;
    open_account(&bank, "ada", 100).await;
    request(&bank, "linger-1", 30).await;
    saga(&bank).settled().await.unwrap();
    saga(&bank).pause("a test").await.unwrap();
    assert_eq!(next(&mut alarms).await, "warning: saga moving is paused");
    // It is due after a minute, and is looked at from then on.
    clock.advance(Duration::from_secs(61));
    assert_eq!(saga(&bank).health().to_string(), "warning: saga moving is paused");
    clock.advance(Duration::from_secs(31));
    tokio::time::sleep(Duration::from_secs(31)).await;
    let health = saga(&bank).health().to_string();
    assert_eq!(health, "warning: saga moving is paused; saga moving has a timer that has been due for 31s");
    assert!(next(&mut alarms).await.starts_with("warning: saga moving has a timer that has been due for 3"));
    saga(&bank).resume().await.unwrap();
    let told = all(&mut alarms, 2).await;
    assert!(
        told[0].starts_with("over: saga moving has a timer") && told[1] == "over: saga moving is paused",
        "{told:?}"
    );
    saga(&bank).settled().await.unwrap();
    assert!(saga(&bank).health().is_healthy());

    let other = over(store, clock.clone()).await;
    saga(&other).settled().await.unwrap();
    // So that it does not take the step first, of which then nothing is left to do: who takes none does not notice.
    saga(&other).pause("a test").await.unwrap();
    saga(&other).watch().wait_for(|status| !status.state.is_at_work()).await.unwrap();
    request(&other, "t2", 30).await;
    assert_eq!(next(&mut alarms).await, "critical: saga moving is run by somebody else");
    other.shut_down().await;
    bank.shut_down().await;
}

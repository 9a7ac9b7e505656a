//! Reactions, and circles of them.

use std::{sync::Arc, time::Duration};

use annals_core::{Annals, MemoryStore, Store};
use annals_projections::{BoxError, EventContext, Incoming, Subscription};
use annals_sagas::{
    Begin, Commands, Reaction, Refusal, RunningSagas, SagaOptions, SendsTo, Step, Unexpected, Unhandled, WithSagas,
    testing::{ReactionTest, sent},
};

use crate::bank::*;

/// Gives a cent to bob whenever anybody is given something.
struct Echo;

impl SendsTo<Account, Give> for Echo {}

impl Reaction for Echo {
    const NAME: &'static str = "echo";

    fn subscription() -> Subscription {
        Subscription::new().variants::<AccountEvent>(&["Opened", "Given"])
    }

    fn commands() -> Commands {
        Commands::new().with::<Account, Give>()
    }

    fn react(event: Incoming<'_>, cx: &EventContext<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        match event.get::<AccountEvent>() {
            Some(AccountEvent::Opened { cents: 7 }) => {
                step.send::<Account, _>("bob", Give { cents: 1, transfer: cx.key().to_owned() });
            }
            Some(AccountEvent::Given { transfer, .. }) if transfer == "circle" => {
                step.send::<Account, _>("bob", Give { cents: 1, transfer: "circle".to_owned() });
            }
            _ => {}
        }
        Ok(())
    }

    fn refused(refusal: &Refusal<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        match refusal.command::<Give>() {
            Some(Give { transfer, .. }) if transfer == "twice" => Err(Unhandled::refusal(refusal).into()),
            _ => {
                step.send::<Account, _>("carol", Give { cents: 1, transfer: "twice".into() });
                Ok(())
            }
        }
    }
}

async fn open(store: Arc<dyn Store>) -> Annals {
    let options = SagaOptions::default().begin(Begin::AtTheBeginning).depth_max(20);
    Annals::over(store).reaction_with::<Echo>(options).open().await.unwrap()
}

#[tokio::test]
async fn each_event_is_answered_once_also_after_a_restart() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let bank = open(Arc::clone(&store)).await;
    open_account(&bank, "bob", 0).await;
    for number in 0..20 {
        open_account(&bank, &format!("a{number}"), if number % 2 == 0 { 7 } else { 8 }).await;
    }
    bank.reaction::<Echo>().unwrap().settled().await.unwrap();
    assert_eq!(cents(&bank, "bob").await, 10);
    drop(bank);
    // How far it had come was not stored, so that all events are looked at again.
    let bank = open(store).await;
    bank.reaction::<Echo>().unwrap().settled().await.unwrap();
    assert_eq!(cents(&bank, "bob").await, 10);
    bank.shut_down().await;
}

#[tokio::test]
async fn what_goes_in_circles_is_set_aside() {
    let bank = open(Arc::new(MemoryStore::new())).await;
    open_account(&bank, "bob", 0).await;
    bank.on::<Account>("bob").send(Give { cents: 1, transfer: "circle".into() }).await.unwrap();
    let echo = bank.reaction::<Echo>().unwrap();
    echo.settled().await.unwrap();
    let aside = echo.aside().await.unwrap();
    assert_eq!(aside[0].failure.error, Unexpected::TooDeep { depth: 21, max: 20 }.to_string());
    assert!(aside[0].failure.given_up);
    assert_eq!(echo.health().to_string(), "critical: reaction echo goes in circles: events set aside for that: 1");
    assert_eq!(cents(&bank, "bob").await, 22);
    bank.shut_down().await;
}

/// What is kept of a key is let go of, and no event is answered again for that, in this life or the next.
#[tokio::test(start_paused = true)]
async fn keys_that_were_answered_long_ago_are_forgotten() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let bank = open(Arc::clone(&store)).await;
    open_account(&bank, "bob", 0).await;
    for number in 0..300 {
        open_account(&bank, &format!("a{number}"), 7).await;
    }
    let echo = bank.reaction::<Echo>().unwrap();
    echo.settled().await.unwrap();
    let before = bank.clock().now().saturating_add(Duration::from_secs(1));
    assert_eq!(echo.forget_ended(before).await.unwrap(), 300, "those that were answered");
    assert_eq!(echo.forget_ended(before).await.unwrap(), 0);
    bank.on::<Account>("a7").send(Give { cents: 1, transfer: "circle".into() }).await.unwrap();
    echo.settled().await.unwrap();
    let cents_then = cents(&bank, "bob").await;
    assert!(cents_then > 300, "a key that was forgotten is answered anew: {cents_then}");
    drop(bank);
    let bank = open(store).await;
    bank.reaction::<Echo>().unwrap().settled().await.unwrap();
    assert_eq!(cents(&bank, "bob").await, cents_then);
    bank.shut_down().await;
}

fn gift(transfer: &str) -> Give {
    Give { cents: 1, transfer: transfer.into() }
}

fn answered() -> ReactionTest<Echo> {
    ReactionTest::new().when::<Account>("ada", AccountEvent::Opened { cents: 7 })
}

#[test]
fn a_reaction_is_tested_event_by_event() {
    let opened = |cents| AccountEvent::Opened { cents };
    ReactionTest::<Echo>::new()
        .when::<Account>("ada", opened(8))
        .then_sends([])
        .when::<Account>("ada", opened(7))
        .when::<Account>("eve", opened(7))
        .then_sends([sent::<Account, _>("bob", gift("eve"))])
        .refused::<Account, _>("bob", gift("ada"), AccountError::NotOpen)
        .then_sends([sent::<Account, _>("carol", gift("twice"))]);
}

#[test]
fn what_a_reaction_does_not_do_fails_the_test() {
    let message = |test: fn()| *std::panic::catch_unwind(test).unwrap_err().downcast::<String>().unwrap();
    let sends = message(|| drop(answered().then_sends([])));
    assert!(sends.contains("other commands were sent") && sends.contains("account-bob"), "{sends}");
    let unsent = message(|| drop(answered().refused::<Account, _>("bob", gift("eve"), AccountError::NotOpen)));
    assert!(unsent.starts_with("no such command was sent: give") && unsent.contains("eve"), "{unsent}");
    let unhandled = message(|| {
        let refused = answered().refused::<Account, _>("bob", gift("ada"), AccountError::NotOpen);
        drop(refused.refused::<Account, _>("carol", gift("twice"), AccountError::NotOpen));
    });
    let expected = "the reaction failed: command give to account carol was refused, and nothing is said of what follows: \
                    the account is not open";
    assert_eq!(unhandled, expected);
}

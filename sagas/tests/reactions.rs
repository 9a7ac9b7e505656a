//! Reactions, and circles of them.

use std::sync::Arc;

use annals_core::{Annals, MemoryStore, Store};
use annals_projections::{BoxError, EventContext, Incoming, Subscription};
use annals_sagas::{Begin, Commands, Reaction, RunningSagas, SagaOptions, SendsTo, Step, Unexpected, WithSagas};

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

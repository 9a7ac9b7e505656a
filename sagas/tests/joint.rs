//! Commands that several things decide about together, sent by a saga.

use std::sync::Arc;

use annals_core::{Annals, At, Decision, JointCommand, MemoryStore, Store, SystemClock, Targets, at};
use annals_macros::Command;
use annals_projections::{BoxError, EventContext, Incoming, Subscription};
use annals_sagas::{
    Begin, Commands, Joint, Reception, Refusal, RunningSagas, Saga, SagaOptions, SendsTo, Step, Undo, WithSagas,
    testing::{SagaTest, crashes, sent_joint},
};
use serde::{Deserialize, Serialize};

use crate::bank::*;

/// Takes from one account and gives to another, in one commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
struct Swap {
    from: String,
    to: String,
    cents: u64,
}

impl JointCommand for Swap {
    type Targets = (At<Account>, At<Account>);
    type Reply = ();
    type Error = AccountError;

    fn targets(&self) -> Self::Targets {
        (at::<Account>(&self.from), at::<Account>(&self.to))
    }

    fn decide(&self, (from, to): <Self::Targets as Targets>::In<'_>) -> Result<(), AccountError> {
        let (from, to): (&mut Decision<Account>, &mut Decision<Account>) = (from, to);
        if from.cents < self.cents {
            return Err(AccountError::Short { missing: self.cents - from.cents });
        }
        from.emit(AccountEvent::Taken { cents: self.cents, transfer: String::new() });
        to.emit(AccountEvent::Given { cents: self.cents, transfer: String::new() });
        Ok(())
    }
}

/// Swaps, and swaps back when the customer says so.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Swapping {
    outcome: String,
}

impl SendsTo<Joint, Swap> for Swapping {}
impl SendsTo<Transfer, Settle> for Swapping {}

impl Saga for Swapping {
    const NAME: &'static str = "swapping";
    const VERSION: u32 = 1;

    fn subscription() -> Subscription {
        Subscription::new().variants::<TransferEvent>(&["Requested", "Noted"])
    }

    fn commands() -> Commands {
        Commands::new().joint::<Swap>().with::<Transfer, Settle>()
    }

    fn receive(event: Incoming<'_>, cx: &EventContext<'_>) -> Result<Option<Reception>, BoxError> {
        Ok(match event.get::<TransferEvent>() {
            Some(TransferEvent::Requested { .. }) => Some(Reception::starts(cx.key())),
            _ => Some(Reception::continues(cx.key())),
        })
    }

    fn handle(&mut self, event: Incoming<'_>, _: &EventContext<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        match event.get::<TransferEvent>() {
            Some(TransferEvent::Requested { from, to, cents }) => {
                let there = Swap { from: from.clone(), to: to.clone(), cents: *cents };
                let back = Swap { from: to.clone(), to: from.clone(), cents: *cents };
                step.perform_joint(there, Undo::joint(back));
            }
            _ => step.compensate(),
        }
        Ok(())
    }

    fn refused(&mut self, refusal: &Refusal<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        let short = refusal.command::<Swap>().is_some() && refusal.error::<AccountError>().is_some();
        let outcome = if short { "too poor" } else { "of something else" };
        step.send::<Transfer, _>(step.key().to_owned(), Settle { outcome: outcome.into() });
        step.complete();
        Ok(())
    }
}

async fn over(store: Arc<dyn Store>) -> Result<Annals, annals_core::OpenError> {
    let options = SagaOptions::default().begin(Begin::AtTheBeginning);
    Annals::over(store).clock(Arc::new(SystemClock)).saga_with::<Swapping>(options).open().await
}

async fn play(bank: Annals) {
    open_account(&bank, "ada", 100).await;
    open_account(&bank, "bob", 0).await;
    request(&bank, "t1", 30).await;
    request(&bank, "t2", 60).await;
    note(&bank, "t2", "stop").await;
    request(&bank, "t3", 700).await;
}

#[tokio::test]
async fn a_joint_command_of_a_saga_takes_effect_once_and_is_undone_once_wherever_the_process_dies() {
    let end = |bank: Annals| async move {
        (cents(&bank, "ada").await, cents(&bank, "bob").await, outcome(&bank, "t3").await)
    };
    let lives = crashes(over, play, end).await;
    assert!(lives.deaths > 10, "{lives:?}");
    let bank = over(Arc::new(MemoryStore::new())).await.unwrap();
    play(bank.clone()).await;
    bank.saga::<Swapping>().unwrap().settled().await.unwrap();
    assert_eq!(end(bank.clone()).await, (70, 30, Some("too poor".to_owned())));
    bank.shut_down().await;
}

#[test]
fn a_test_says_what_joint_command_is_sent() {
    let (from, to) = ("ada".to_owned(), "bob".to_owned());
    SagaTest::<Swapping>::new()
        .when::<Transfer>("t1", TransferEvent::Requested { from: from.clone(), to: to.clone(), cents: 5 })
        .then_sends([sent_joint(Swap { from, to, cents: 5 })]);
}

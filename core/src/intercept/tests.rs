use std::sync::Mutex;

use crate::{
    account::{Account, Deposit, Withdraw},
    *,
};

use super::*;

#[derive(Debug, thiserror::Error)]
#[error("{0} may not do this")]
struct NotAllowed(String);

/// Waits for an answer before it lets anything pass.
struct Doorman;

#[async_trait]
impl Interceptor for Doorman {
    async fn intercept(&self, intent: &mut Intent<'_>) -> Result<(), Rejection> {
        tokio::task::yield_now().await;
        match &intent.metadata.actor {
            Some(actor) if actor.as_str() == "eve" => Err(Rejection::new(NotAllowed(actor.to_string()))),
            _ => Ok(()),
        }
    }
}

fn acting(actor: &str) -> Metadata {
    Metadata { actor: Some(Actor::new(actor).unwrap()), ..Metadata::default() }
}

#[tokio::test]
async fn interceptors_run_in_order_and_enrich_what_events_carry() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let seen = Arc::clone(&seen);
        move |intent: &mut Intent<'_>| {
            let amount = intent.command::<Deposit>().map(|deposit| deposit.amount);
            let streams = intent.streams.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            let key = intent.key.map(ToString::to_string);
            seen.lock().unwrap().push((name, streams, amount, key));
            let before = intent.metadata.extra.len();
            intent.metadata.extra.insert(name.to_owned(), before.to_string());
            assert!(intent.metadata.command.is_some() && intent.metadata.correlation.is_some());
            Ok(())
        }
    };
    let annals =
        Annals::over(MemoryStore::new()).interceptor(note("first")).interceptor(note("second")).open().await.unwrap();
    let acme = annals.in_tenant(Tenant::new("acme").unwrap());
    acme.on::<Account>("a").send(Deposit { amount: 7 }).idempotency_key("k").await.unwrap();
    annals.together((at::<Account>("a"), at::<Account>("b")), |_| Ok::<_, ()>(())).await.unwrap();
    let key = Some("acme/k".to_owned());
    let both = "account-a account-b".to_owned();
    assert_eq!(
        *seen.lock().unwrap(),
        [
            ("first", "acme/account-a".to_owned(), Some(7), key.clone()),
            ("second", "acme/account-a".to_owned(), Some(7), key),
            ("first", both.clone(), None, None),
            ("second", both, None, None),
        ]
    );
    use futures::TryStreamExt;
    let records: Vec<_> = annals.store().read_log(ReadLog::all()).try_collect().await.unwrap();
    let extra: Vec<_> = records[0].metadata().extra.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(extra, [("first", "0"), ("second", "1")]);
}

#[tokio::test]
async fn the_first_rejection_ends_it_before_anything_is_looked_up() {
    let behind = |intent: &mut Intent<'_>| {
        assert_ne!(intent.metadata.actor.as_ref().map(Actor::as_str), Some("eve"), "nothing runs behind a rejection");
        Ok(())
    };
    let annals = Annals::over(MemoryStore::new()).interceptor(Doorman).interceptor(behind).open().await.unwrap();
    let deposit = |actor| {
        let sending = annals.on::<Account>("a").send(Deposit { amount: 7 });
        sending.idempotency_key("k").metadata(acting(actor))
    };
    deposit("ada").await.unwrap();
    let error = deposit("eve").await.unwrap_err();
    assert!(!error.is_retryable());
    let ExecuteError::Rejected(rejection) = error else { panic!("a repetition is not answered to everybody") };
    assert_eq!(rejection.to_string(), "eve may not do this");
    assert!(rejection.reason().downcast_ref::<NotAllowed>().is_some());
    let together = annals.together(at::<Account>("a"), |_| Ok::<_, ()>(())).metadata(acting("eve")).await;
    assert!(matches!(together, Err(ExecuteError::Rejected(_))));
    assert_eq!(annals.store().head().borrow().commit, CommitNumber::FIRST);
}

/// The command is validated before it meets a state; that of a decision about several is the request of its key.
#[tokio::test]
async fn interceptors_validate_commands_of_their_type() {
    let validate = |intent: &mut Intent<'_>| match intent.command::<Withdraw>() {
        Some(Withdraw { amount: 0 }) => Err(Rejection::new("nothing to withdraw")),
        _ => Ok(()),
    };
    let annals = Annals::over(MemoryStore::new()).interceptor(validate).open().await.unwrap();
    let nothing = annals.on::<Account>("a").send(Withdraw { amount: 0 }).await;
    assert!(matches!(nothing, Err(ExecuteError::Rejected(_))));
    annals.on::<Account>("a").send(Deposit { amount: 0 }).await.unwrap();
    let both = || annals.together((at::<Account>("a"), at::<Account>("b")), |_| Ok::<_, ()>(()));
    let keyed = both().idempotency_key("k", &Withdraw { amount: 0 }).await;
    assert!(matches!(keyed, Err(ExecuteError::Rejected(_))));
    both().idempotency_key("k", &Withdraw { amount: 1 }).await.unwrap();
}

/// Closing is a change like another: who may not do it does not.
#[tokio::test]
async fn interceptors_see_that_a_stream_is_closed() {
    let keep = |intent: &mut Intent<'_>| match intent.command::<Closing>() {
        Some(Closing) if intent.streams.iter().any(|stream| stream.key() == "a") => Err(Rejection::new("it stays")),
        _ => Ok(()),
    };
    let annals = Annals::over(MemoryStore::new()).interceptor(keep).open().await.unwrap();
    let kept = annals.on::<Account>("a").close().await;
    assert!(matches!(kept, Err(CloseError::Rejected(_))));
    annals.on::<Account>("a").send(Deposit { amount: 1 }).await.unwrap();
    annals.on::<Account>("b").close().await.unwrap();
    assert!(matches!(annals.on::<Account>("b").send(Deposit { amount: 1 }).await, Err(ExecuteError::Closed { .. })));
}

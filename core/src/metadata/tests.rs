use std::future::IntoFuture;

use futures::TryStreamExt;

use crate::{
    account::{Account, Deposit, DepositMany},
    *,
};

async fn records(annals: &Annals) -> Vec<Record> {
    annals.store().read_log(ReadLog::all()).try_collect().await.unwrap()
}

async fn annals() -> Annals {
    Annals::over(MemoryStore::new()).open().await.unwrap()
}

#[tokio::test]
async fn the_events_of_a_command_share_its_ids_and_other_commands_have_others() {
    let annals = annals().await;
    annals.on::<Account>("a").send(DepositMany(vec![1, 2])).await.unwrap();
    annals.on::<Account>("a").send(Deposit { amount: 3 }).await.unwrap();
    let [first, second, other] = &records(&annals).await[..] else { panic!("three events") };
    assert_eq!(first.metadata(), second.metadata());
    assert!(first.metadata().command.is_some() && first.metadata().correlation.is_some());
    assert_eq!(first.metadata().causation, None);
    assert_ne!(first.metadata().command, other.metadata().command);
    assert_ne!(first.metadata().correlation, other.metadata().correlation);
}

/// A chain: each event names the one that led to it, all belong to one conversation, and nobody's actor is inherited.
#[tokio::test]
async fn correlation_and_causation_flow_from_event_to_command_to_event() {
    let annals = annals().await;
    let actor = Some(Actor::new("ada").unwrap());
    let begun = Metadata { actor: actor.clone(), ..Metadata::default() };
    annals.on::<Account>("a").send(Deposit { amount: 1 }).metadata(begun).await.unwrap();
    let first = records(&annals).await.remove(0);
    annals.on::<Account>("b").send(Deposit { amount: 1 }).caused_by(&first).await.unwrap();
    let second = records(&annals).await.remove(1);
    let together = annals.together((at::<Account>("c"), at::<Account>("d")), |(c, _)| {
        c.emit(account::AccountEvent::Deposited { amount: 1 });
        Ok::<_, ()>(())
    });
    together.metadata(Metadata { actor, ..Metadata::default() }).caused_by(&second).await.unwrap();
    let third = records(&annals).await.remove(2);
    assert_eq!(first.metadata().actor, third.metadata().actor);
    assert_eq!(second.metadata().actor, None);
    assert_eq!((second.metadata().causation, third.metadata().causation), (Some(first.id()), Some(second.id())));
    for record in [&second, &third] {
        assert_eq!(record.metadata().correlation, first.metadata().correlation);
        assert_ne!(record.metadata().command, first.metadata().command);
    }
    assert_eq!(Metadata::caused_by(&second).correlation, first.metadata().correlation);
}

/// The trace is the conversation, the span the one in which the command was sent; what the sender says counts.
#[tokio::test]
async fn the_trace_is_that_of_the_current_span() {
    let _subscriber = tracing::subscriber::set_default(tracing_subscriber::registry());
    let annals = annals().await;
    let send = || annals.on::<Account>("a").send(Deposit { amount: 1 });
    send().await.unwrap();
    let span = tracing::info_span!("request");
    tracing::Instrument::instrument(send().into_future(), span.clone()).await.unwrap();
    let given = Some(TraceParent::new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap());
    let metadata = Metadata { traceparent: given.clone(), ..Metadata::default() };
    tracing::Instrument::instrument(send().metadata(metadata).into_future(), span.clone()).await.unwrap();
    let traces: Vec<_> = records(&annals).await.into_iter().map(|record| record.metadata().clone()).collect();
    let correlation = traces[1].correlation.unwrap().as_uuid().as_u128();
    let expected = format!("00-{correlation:032x}-{:016x}-01", span.id().unwrap().into_u64());
    let expected = Some(TraceParent::new(expected).unwrap());
    assert_eq!(traces.into_iter().map(|trace| trace.traceparent).collect::<Vec<_>>(), [None, expected, given]);
}

//! Which events a projection is given, and what a command can wait for.

use std::sync::{Arc, Mutex};

use annals_core::{Aggregate, Annals, Decision, Evolve, Handle};
use annals_core::{Category, NewEvent, Position, Store, StreamId, Tag, Tenant, kinds};
use annals_projections::{
    AndWait, BoxError, EventContext, Incoming, Projection, ReadModels, Rows, State, Subscription, Tables, WaitError,
    WithProjections,
};

use crate::bank::*;

/// Notes what it is given.
struct Noting {
    subscription: Subscription,
    seen: Arc<Mutex<Vec<u64>>>,
}

impl Projection for Noting {
    const NAME: &'static str = "noting";
    const VERSION: u32 = 1;

    fn subscription(&self) -> Subscription {
        self.subscription.clone()
    }
    fn tables(&self) -> Tables {
        Tables::new()
    }
    async fn handle(&self, _: Incoming<'_>, cx: &EventContext<'_>, _: &mut Rows<'_>) -> Result<(), BoxError> {
        self.seen.lock().unwrap().push(cx.record().position().get());
        Ok(())
    }
}

async fn seen(store: &Arc<dyn Store>, subscription: Subscription) -> Vec<u64> {
    let seen: Arc<Mutex<Vec<u64>>> = Arc::default();
    let noting = Noting { subscription, seen: Arc::clone(&seen) };
    let options = annals_projections::ProjectionOptions::default().in_memory();
    let annals = Annals::over(Arc::clone(store)).projection_with(noting, options).open().await.unwrap();
    let mut watch = ReadModels::projection::<Noting>(&annals).unwrap().watch();
    let live = watch.wait_for(|status| status.state == State::Live && status.position == head(store));
    tokio::time::timeout(std::time::Duration::from_secs(30), live).await.unwrap().unwrap();
    seen.lock().unwrap().clone()
}

/// D.2, D.8: by kind, category, stream, tag and any function of the record; events of every tenant are meant.
#[tokio::test]
async fn events_are_selected() {
    let store = store();
    let tagged = NewEvent { tags: vec![Tag::new("vip").unwrap()], ..deposited("ada", 1) };
    let savings = NewEvent { stream: StreamId::new("savings", "ada").unwrap(), ..deposited("ada", 2) };
    let tenant = Tenant::new("acme").unwrap();
    let of_acme = NewEvent { stream: StreamId::of(Some(&tenant), "account", "eve").unwrap(), ..deposited("eve", 3) };
    commit(&store, [tagged, savings, deposited("bob", 4), of_acme]).await;
    commit(&store, [event("bob", &AccountEvent::Opened { owner: "Bob".into() })]).await;
    let deposits = || Subscription::new().kinds(kinds![AccountEvent::Deposited]);
    assert_eq!(seen(&store, deposits()).await, [1, 2, 3, 4]);
    assert_eq!(seen(&store, deposits().kinds(kinds![AccountEvent::Opened])).await, [1, 2, 3, 4, 5]);
    assert_eq!(seen(&store, deposits().tag(Tag::new("vip").unwrap())).await, [1]);
    assert_eq!(seen(&store, deposits().category(Category::new("savings").unwrap())).await, [2]);
    assert_eq!(seen(&store, deposits().stream(stream("bob")).stream(stream("ada"))).await, [1, 3]);
    assert_eq!(seen(&store, deposits().filter(|record| record.position() > Position::new(2).unwrap())).await, [3, 4]);
}

#[derive(Default, Clone)]
struct Account;

impl Evolve<AccountEvent> for Account {
    fn evolve(&mut self, _: &AccountEvent) {}
}

impl Aggregate for Account {
    const NAME: &'static str = "account";
    type Id = String;
    type Event = AccountEvent;
}

#[derive(Clone)]
struct Deposit(i64);

impl Handle<Deposit> for Account {
    type Reply = ();
    type Error = ();
    fn handle(account: &mut Decision<Self>, Deposit(cents): Deposit) -> Result<(), ()> {
        if cents != 0 {
            account.emit(AccountEvent::Deposited { cents });
        }
        Ok(())
    }
}

/// F.10: a command waits until its own events are in the rows; at once when there are none; and is told when they are parked.
#[tokio::test(start_paused = true)]
async fn a_command_waits_for_its_rows() {
    let store = store();
    let balances = Balances::poisoned_by(13, u64::MAX);
    let annals = open(&store, &balances, Default::default()).await;
    let waited = annals.on::<Account>("ada").send(Deposit(5)).and_wait::<Balances>().await.unwrap();
    assert_eq!(waited.seen, Ok(()));
    assert_eq!(row(&annals, "ada").await.unwrap().cents, 5);
    let nothing = annals.on::<Account>("ada").send(Deposit(0)).and_wait::<Balances>().await.unwrap();
    assert_eq!((nothing.receipt.positions, nothing.seen), (None, Ok(())));
    let parked = annals.on::<Account>("ada").send(Deposit(13)).and_wait::<Balances>().await.unwrap();
    let position = parked.receipt.positions.unwrap().0;
    assert_eq!(parked.seen, Err(WaitError::Parked { projection: "balances", position }));
    // One that fails and is tried again is waited for.
    balances.faults.poison.lock().unwrap().push(14);
    balances.faults.failures_left.store(3, std::sync::atomic::Ordering::SeqCst);
    let at_last = annals.on::<Account>("bob").send(Deposit(14)).and_wait::<Balances>().await.unwrap();
    assert_eq!((at_last.seen, row(&annals, "bob").await.unwrap().cents), (Ok(()), 14));
    let unknown = annals.on::<Account>("ada").send(Deposit(1)).and_wait::<Noting>().await.unwrap();
    assert_eq!(unknown.seen, Err(WaitError::NotRegistered { projection: "noting" }));
}

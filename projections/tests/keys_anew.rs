//! The rows of one key, computed anew.

use std::sync::Arc;

use annals_core::{Annals, DerivedTable, DerivedWrite, NewEvent, RowBatch, Store, StreamId, Tenant, codec};
use annals_projections::{
    BoxError, EventContext, Incoming, KeyBytes, OperatorError, Projection, ProjectionOptions, ReadModels, Retry, Row,
    RowKey, Rows, Subscription, Tables, WithProjections,
};
use serde::{Deserialize, Serialize};

use crate::bank::*;

fn key(account: &str) -> codec::Bytes {
    codec::Bytes::copy_from_slice(KeyBytes::of(account).as_slice())
}

/// Makes a row wrong, and loses its entry in the index.
async fn spoil(store: &Arc<dyn Store>, account: &str) {
    let table = |name: &str| DerivedTable::new(name).unwrap();
    let before = store.get(&[(table("balances:1:balances").into(), key(account))]).await.unwrap().pop().flatten();
    let before: Balance = codec::decode(&before.unwrap()).unwrap();
    let row = codec::encode("row", &Balance { account: account.to_owned(), cents: 5, events: 0 }).unwrap();
    let mut entry = KeyBytes::of(&before.cents);
    entry.push_raw(&key(account));
    let entry = codec::Bytes::copy_from_slice(entry.as_slice());
    let rows = vec![
        DerivedWrite { table: table("balances:1:balances"), key: key(account), value: Some(row) },
        DerivedWrite { table: table("balances:1:balances:cents"), key: entry, value: None },
    ];
    store.apply(RowBatch { rows, ..RowBatch::default() }).await.unwrap();
}

#[tokio::test]
async fn the_rows_of_a_key_are_replaced_at_once() {
    for lanes in [1, 4] {
        let store = store();
        for number in 0..3000 {
            commit(&store, [deposited(["ada", "bob", "cem"][number % 3], 1)]).await;
        }
        let acme = Tenant::new("acme").unwrap();
        let stream = StreamId::of(Some(&acme), "account", "ada").unwrap();
        commit(&store, [NewEvent { stream, ..deposited("ada", 7) }]).await;
        let annals = open(&store, &Balances::default(), ProjectionOptions::default().lanes(lanes)).await;
        until(&annals, |status| is_live(status) && status.position == head(&store)).await;
        // The entry of the sum is lost too, although the row is as it should be.
        let entry = {
            let mut entry = KeyBytes::of(&1000_i64);
            entry.push_raw(&key("bob"));
            codec::Bytes::copy_from_slice(entry.as_slice())
        };
        let lost =
            DerivedWrite { table: DerivedTable::new("balances:1:balances:cents").unwrap(), key: entry, value: None };
        store.apply(RowBatch { rows: vec![lost], ..RowBatch::default() }).await.unwrap();
        assert_eq!(handle(&annals).rebuild_key(None, "bob").await.unwrap(), 1000);
        spoil(&store, "ada").await;
        assert_eq!(handle(&annals).rebuild_key(None, "ada").await.unwrap(), 1000);
        let of_acme = handle(&annals).rebuild_key(Some(&acme), "ada").await.unwrap();
        assert_eq!(of_acme, 1, "a tenant's events are its own");
        assert_eq!(handle(&annals).rebuild_key(None, "nobody").await.unwrap(), 0);

        let rows = annals.view::<Balance>().unwrap();
        let balances = rows.all().collect().await.unwrap();
        let expected =
            ["ada", "bob", "cem"].map(|account| Balance { account: account.into(), cents: 1000, events: 1000 });
        assert_eq!(balances, expected);
        assert_eq!(rows.by(Balance::BY_CENTS).all().collect().await.unwrap(), expected);
        let receipt = commit(&store, [deposited("ada", 1)]).await;
        handle(&annals).wait_for(&receipt).await.unwrap();
        assert_eq!(row(&annals, "ada").await.unwrap().events, 1001);
        stop(annals).await;
    }
}

/// A handler that fails at any of the events leaves the rows, and what is parked, as they were; a handler that does not takes in
/// also what was parked.
#[tokio::test]
async fn what_fails_changes_nothing() {
    let store = store();
    commit(&store, [deposited("ada", 1), deposited("ada", 13), deposited("ada", 3), deposited("bob", 1)]).await;
    let balances = Balances::poisoned_by(13, u64::MAX);
    let options = ProjectionOptions::default().retry(Retry::never());
    let annals = open(&store, &balances, options).await;
    until(&annals, |status| is_live(status) && status.parked_events == 2).await;
    spoil(&store, "ada").await;
    let refused = handle(&annals).rebuild_key(None, "ada").await.unwrap_err();
    assert!(matches!(&refused, OperatorError::Failed { projection: "balances", position, .. } if position.get() == 2));
    assert_eq!(refused.to_string(), "projection balances failed at record 2: poison of 13");
    assert_eq!(row(&annals, "ada").await.unwrap().events, 0, "what it was");
    assert_eq!(handle(&annals).parked().await.unwrap()[0].events, 2);
    // Nothing of it is stored with what comes next either.
    let receipt = commit(&store, [deposited("bob", 1)]).await;
    handle(&annals).wait_for(&receipt).await.unwrap();
    assert_eq!(row(&annals, "ada").await.unwrap().events, 0, "what it was");

    balances.cure();
    assert_eq!(handle(&annals).rebuild_key(None, "ada").await.unwrap(), 3);
    assert_eq!(handle(&annals).parked().await.unwrap(), []);
    check(&annals).await;
    until(&annals, |status| status.parked_events == 0).await;
    stop(annals).await;
    // Nothing of it is left in the store either.
    let annals = open(&store, &balances, ProjectionOptions::default()).await;
    until(&annals, is_live).await;
    assert_eq!(handle(&annals).parked().await.unwrap(), []);
    check(&annals).await;
}

/// How many events there are of all accounts: no row belongs to one of them.
struct Counted;

#[derive(Clone, Serialize, Deserialize)]
struct Count {
    events: u64,
}

impl Row for Count {
    const TABLE: &'static str = "counts";
    type Key = u8;

    fn write_key(&self, key: &mut KeyBytes) {
        0_u8.write(key);
    }
    fn write_index(&self, _: usize, _: &mut KeyBytes) {}
}

impl Projection for Counted {
    const NAME: &'static str = "counted";
    const VERSION: u32 = 1;

    fn subscription(&self) -> Subscription {
        Balances::default().subscription()
    }
    fn tables(&self) -> Tables {
        Tables::new().with::<Count>()
    }
    async fn handle(&self, _: Incoming<'_>, _: &EventContext<'_>, _: &mut Rows<'_>) -> Result<(), BoxError> {
        Ok(())
    }
}

#[tokio::test]
async fn rows_that_belong_to_no_key_are_refused() {
    let store = store();
    let annals = Annals::over(store).projection(Counted).open().await.unwrap();
    let refused = annals.projection::<Counted>().unwrap().rebuild_key(None, "ada").await.unwrap_err();
    assert!(matches!(refused, OperatorError::NotKeyedByLane { projection: "counted", table: "counts" }), "{refused:?}");
}

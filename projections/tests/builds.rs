//! New code: the rows are computed anew, beside those that are there, which are read until then.

use std::sync::atomic::Ordering;

use annals_core::{Annals, kinds};
use annals_projections::{
    BoxError, EventContext, Incoming, KeyBytes, Projection, ProjectionHandle, ReadModels, Row, RowKey, Rows, State,
    Subscription, Tables, ViewError, WaitError, WithProjections,
};
use serde::{Deserialize, Serialize};

use crate::bank::*;

/// The same projection as [`Balances`] in its second version: it counts twice.
struct Doubled {
    inner: Balances,
}

impl Projection for Doubled {
    const NAME: &'static str = "balances";
    const VERSION: u32 = 2;

    fn subscription(&self) -> Subscription {
        self.inner.subscription()
    }
    fn tables(&self) -> Tables {
        self.inner.tables()
    }
    async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        self.inner.handle(event, cx, rows).await?;
        self.inner.handle(event, cx, rows).await
    }
}

fn doubled(annals: &Annals) -> ProjectionHandle {
    ReadModels::projection::<Doubled>(annals).unwrap()
}

/// A version is raised: until the new rows are complete the old ones are read, then the new ones, at once, and for good.
#[tokio::test]
async fn a_new_version_takes_over_when_it_is_complete() {
    let store = store();
    commit(&store, (1..=10).map(|cents| deposited("ada", cents))).await;
    let annals = open(&store, &Balances::default(), Default::default()).await;
    until(&annals, is_live).await;
    stop(annals).await;

    // It cannot get past the second event.
    let inner = Balances::poisoned_by(2, u64::MAX);
    inner.faults.hangs.store(true, Ordering::SeqCst);
    let annals = Annals::over(std::sync::Arc::clone(&store)).projection(Doubled { inner }).open().await.unwrap();
    assert_eq!(row(&annals, "ada").await.unwrap().cents, 55);
    let waited = doubled(&annals).wait_until(head(&store)).await;
    assert!(matches!(waited, Err(WaitError::NotRunning { state: State::Rebuilding, .. })), "{waited:?}");
    assert_eq!(doubled(&annals).status().build, 2);
    drop(annals);

    // Started again, it goes on in the same build, and takes over.
    let inner = Balances::default();
    let annals = Annals::over(std::sync::Arc::clone(&store)).projection(Doubled { inner }).open().await.unwrap();
    // Once it has seen something, its rows are the ones that are read.
    let live = async { doubled(&annals).watch().wait_for(is_live).await.map(drop) };
    tokio::time::timeout(std::time::Duration::from_secs(30), live).await.unwrap().unwrap();
    doubled(&annals).wait_until(head(&store)).await.unwrap();
    assert_eq!(row(&annals, "ada").await.unwrap().cents, 110);
    assert_eq!(doubled(&annals).status().build, 2);
    stop(annals).await;
    let inner = Balances::default();
    let annals = Annals::over(std::sync::Arc::clone(&store)).projection(Doubled { inner }).open().await.unwrap();
    assert_eq!(row(&annals, "ada").await.unwrap().cents, 110);
}

/// Rows that were not complete when new code came are not read as if they were.
#[tokio::test]
async fn an_incomplete_build_is_not_read_by_new_code() {
    let hanging = || {
        let balances = Balances::poisoned_by(1, u64::MAX);
        balances.faults.hangs.store(true, Ordering::SeqCst);
        balances
    };
    let store = store();
    commit(&store, [deposited("ada", 1)]).await;
    drop(open(&store, &hanging(), Default::default()).await);
    let doubled = Doubled { inner: hanging() };
    let annals = Annals::over(std::sync::Arc::clone(&store)).projection(doubled).open().await.unwrap();
    let read = annals.view::<Balance>().unwrap().get("ada".to_owned()).await;
    assert!(matches!(read, Err(ViewError::Rebuilding { .. })), "{read:?}");
}

/// The rows of this table have another type than [`Balance`], and its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Total {
    account: String,
    euros: f64,
}

impl Row for Total {
    const TABLE: &'static str = "balances";
    type Key = String;

    fn write_key(&self, key: &mut KeyBytes) {
        self.account.write(key);
    }
    fn write_index(&self, _: usize, _: &mut KeyBytes) {}
}

struct Totals;

impl Projection for Totals {
    const NAME: &'static str = "balances";
    const VERSION: u32 = 1;

    fn subscription(&self) -> Subscription {
        Subscription::new().kinds(kinds![AccountEvent::Deposited])
    }
    fn tables(&self) -> Tables {
        Tables::new().with::<Total>()
    }
    async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        if let Some(AccountEvent::Deposited { cents: 0 }) = event.get::<AccountEvent>() {
            std::future::pending::<()>().await;
        }
        rows.put(Total { account: cx.key().to_owned(), euros: 0.5 })?;
        Ok(())
    }
}

/// Rows of another type, or with other indexes, are computed anew without a new version, and the old ones are not read as
/// the new.
#[tokio::test]
async fn another_type_of_row_is_computed_anew() {
    let store = store();
    commit(&store, [deposited("ada", 1), deposited("ada", 0)]).await;
    let annals = open(&store, &Balances::default(), Default::default()).await;
    until(&annals, is_live).await;
    stop(annals).await;
    let annals = Annals::over(std::sync::Arc::clone(&store)).projection(Totals).open().await.unwrap();
    let read = annals.view::<Total>().unwrap().get("ada".to_owned()).await;
    assert!(matches!(read, Err(ViewError::Rebuilding { projection: "balances", .. })), "{read:?}");
    assert_eq!(ReadModels::projection::<Totals>(&annals).unwrap().status().build, 2);
}

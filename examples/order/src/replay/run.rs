//! Lets happen what was recorded, when it was recorded.

use std::path::Path;

use annals::{
    Annals, ExecuteError, OpenError, RunningSagas, Timestamp, embedded::SledOptions, projections::WaitError,
    sagas::SagaError,
};
use indicatif::ProgressBar;
use thiserror::Error;

use super::{Activity, RecordedLog, Row};
use crate::{
    calendar::Calendar,
    domain::{
        CustomerId, Line, Money, Order, OrderId, Package, Payment, ProductId, Shipment, StockItem, Terms,
        order::{Confirm, Pay, Place},
        package::{Content, Pack},
        payment::ReceivePayment,
        shipment::{Outcome, ReportDelivery, Send},
        stock::{Pick, RunOut},
    },
    read,
    shop::{self, Warehouse},
};

/// After how many days the shop of the log reminds its customers.
const REMIND_AFTER_DAYS: u32 = 20;

/// Why a replay ended early. Run it again: it goes on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The shop refused what was recorded, or the store failed.
    #[error("row {number} of the log was not taken: {problem}")]
    Row {
        /// Its number.
        number: u64,
        /// Why.
        problem: String,
    },
    /// A saga does not run.
    #[error(transparent)]
    Saga(#[from] SagaError),
    /// A read model does not run.
    #[error(transparent)]
    Wait(#[from] WaitError),
}

/// Opens a shop for a replay in the folder `store`, at the time at which it was left; there it begins if there is none. What is
/// done with goods is said by the log, so nobody does it here.
///
/// # Errors
/// [`OpenError`].
pub async fn open(store: &Path, log: &RecordedLog) -> Result<(Annals, Calendar), OpenError> {
    let options = SledOptions::new(store);
    let start = log.rows.first().map_or(Timestamp::EPOCH, |row| row.at);
    let calendar = shop::left_at(&options, start).await?;
    Ok((shop::over(options, Warehouse::Elsewhere, &calendar).open().await?, calendar))
}

/// Lets happen what was recorded, each row at its time, and whatever is due between them when it is due. Rows that tell what sagas
/// do here are not taken.
///
/// # Errors
/// [`ReplayError`].
pub async fn run(
    shop: &Annals,
    calendar: &Calendar,
    log: &RecordedLog,
    progress: &ProgressBar,
) -> Result<(), ReplayError> {
    let packed = packed(log);
    for row in &log.rows {
        calendar.pass(shop, row.at).await?;
        let take = Take { shop, log, packed: &packed, row };
        take.row().await.map_err(|problem| ReplayError::Row { number: row.number, problem })?;
        progress.inc(1);
    }
    if let Some(sagas) = shop.sagas() {
        sagas.settled().await?;
    }
    Ok(read::until_current(shop).await?)
}

/// Of which orders something is in each package.
fn packed(log: &RecordedLog) -> Packed {
    let mut packed = Packed::default();
    for row in &log.rows {
        if let Activity::Pack { package, items } = &row.activity {
            let mut orders: Vec<_> = items.iter().filter_map(|item| log.orders.get(item).cloned()).collect();
            orders.sort();
            orders.dedup();
            packed.insert(package.clone(), orders);
        }
    }
    packed
}

type Packed = std::collections::BTreeMap<crate::domain::PackageId, Vec<OrderId>>;

/// One row that is taken.
struct Take<'a> {
    shop: &'a Annals,
    log: &'a RecordedLog,
    packed: &'a Packed,
    row: &'a Row,
}

impl Take<'_> {
    async fn row(&self) -> Result<(), String> {
        let (shop, key) = (self.shop, format!("row/{}", self.row.number));
        match &self.row.activity {
            Activity::Place { order, items } => {
                let sending = shop.on::<Order>(order.clone()).send(self.place(items)).idempotency_key(&key);
                taken(sending.await)
            }
            Activity::Confirm(order) => {
                taken(shop.on::<Order>(order.clone()).send(Confirm {}).idempotency_key(&key).await)
            }
            Activity::Pay(order) => {
                let receive = ReceivePayment { amount: self.total(order) };
                taken(shop.on::<Payment>(order.clone()).send(receive).idempotency_key(&key).await)?;
                let paid = shop.on::<Order>(order.clone()).send(Pay {}).idempotency_key(format!("{key}/paid"));
                taken(paid.await)
            }
            Activity::Pick { item, .. } => {
                let pick = Pick { order: self.order_of(item)?, count: 1 };
                taken(shop.on::<StockItem>(item.clone()).send(pick).idempotency_key(&key).await)
            }
            Activity::OutOfStock(item) => {
                taken(shop.on::<StockItem>(item.clone()).send(RunOut {}).idempotency_key(&key).await)
            }
            Activity::Pack { package, items } => {
                let content =
                    |item: &ProductId| Ok(Content { order: self.order_of(item)?, product: item.clone(), count: 1 });
                let contents = items.iter().map(content).collect::<Result<_, String>>()?;
                taken(shop.on::<Package>(package.clone()).send(Pack { contents }).idempotency_key(&key).await)
            }
            Activity::Send(package) => {
                let orders = self.packed.get(package).cloned().unwrap_or_default();
                taken(shop.on::<Shipment>(package.clone()).send(Send { orders }).idempotency_key(&key).await)
            }
            Activity::Fail(package) | Activity::Deliver(package) => {
                let is_delivered = matches!(self.row.activity, Activity::Deliver(_));
                let outcome = if is_delivered { Outcome::Delivered } else { Outcome::NobodyHome };
                let report = ReportDelivery { outcome };
                taken(shop.on::<Shipment>(package.clone()).send(report).idempotency_key(&key).await)
            }
            // A saga sees to that.
            Activity::Reorder(_) | Activity::Remind(_) => Ok(()),
        }
    }

    /// The log names no customers.
    fn place(&self, items: &[ProductId]) -> Place {
        let price = |item: &ProductId| self.log.prices.get(item).copied().unwrap_or(Money::ZERO);
        let lines = items.iter().map(|item| Line { product: item.clone(), count: 1, price: price(item) }).collect();
        let terms = Terms::Invoice { remind_after_days: REMIND_AFTER_DAYS, reminders_max: None };
        Place { customer: CustomerId::from("unknown"), lines, terms }
    }

    fn total(&self, order: &OrderId) -> Money {
        let items = self.log.orders.iter().filter(|(_, of)| *of == order);
        items.filter_map(|(item, _)| self.log.prices.get(item).copied()).sum()
    }

    fn order_of(&self, item: &ProductId) -> Result<OrderId, String> {
        self.log.orders.get(item).cloned().ok_or_else(|| format!("item {item} was never ordered"))
    }
}

fn taken<R, E: std::fmt::Display>(sent: Result<annals::Executed<R>, ExecuteError<E>>) -> Result<(), String> {
    sent.map(drop).map_err(|error| error.to_string())
}

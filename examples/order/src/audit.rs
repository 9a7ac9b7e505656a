//! Whether the records are right: everything is folded again from the first event, and held against what is read.

use std::{collections::BTreeMap, fmt};

use annals::{
    Aggregate, AggregateId, ReadError, ReadLog, Record, RunningSagas, decode_record,
    prelude::*,
    projections::ViewError,
    sagas::{InstanceStatus, SagaError},
};
use futures::TryStreamExt;
use thiserror::Error;

use crate::{
    domain::{
        Money, Order, OrderId, Package, PackageId, Payment, ProductId, Shipment, StockItem, order::Phase,
        stock::StockEvent,
    },
    process::{Collection, Fulfilment},
    read::{CustomerHistory, DailyRevenue, OrderOverview, Stage, StockLevel},
    season::Shopper,
};

/// Sagas whose instances end with the order. What sees to a product goes on for ever, and reactions do.
const ENDING: [&str; 3] = [Fulfilment::NAME, Collection::NAME, Shopper::NAME];

/// What the events say of everything in the shop.
#[derive(Debug, Default, PartialEq)]
pub struct Books {
    /// The orders.
    pub orders: BTreeMap<OrderId, Order>,
    /// Their payments.
    pub payments: BTreeMap<OrderId, Payment>,
    /// The stock.
    pub stock: BTreeMap<ProductId, StockItem>,
    /// The packages.
    pub packages: BTreeMap<PackageId, Package>,
    /// Their shipments.
    pub shipments: BTreeMap<PackageId, Shipment>,
    /// How many events of each stored name there are.
    pub events: BTreeMap<String, u64>,
    /// Which products were promised when there were none.
    pub oversold: Vec<ProductId>,
}

/// What the read models say of everything in the shop.
#[derive(Debug, PartialEq)]
pub struct Rows {
    /// How far each order is.
    pub orders: Vec<OrderOverview>,
    /// What each customer has done.
    pub customers: Vec<CustomerHistory>,
    /// What is there of each product.
    pub stock: Vec<StockLevel>,
    /// What came in on every day.
    pub revenue: Vec<DailyRevenue>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// More was promised of a product than there was.
    Oversold(ProductId),
    /// Of a product that is counted, what came in is not what is there, put aside, or picked.
    Stock(ProductId),
    /// Goods are put aside for an order that is over.
    PutAside(ProductId, OrderId),
    /// What was kept of a payment is not what the order's end demands.
    Money {
        /// Which order.
        order: OrderId,
        /// What was kept.
        kept: Money,
        /// What should have been.
        due: Money,
    },
    /// The row of an order says something else than its events.
    OrderRow(OrderId),
    /// The row of a product says something else than its events.
    StockRow(ProductId),
    /// All that customers paid, or all that came in on all days, is not what was kept of all payments.
    Sum {
        /// Of whom.
        of: &'static str,
        /// What the rows say.
        rows: Money,
        /// What the events say.
        events: Money,
    },
    /// An event was set aside, or a command waits for somebody, or an instance has not ended although nothing is left to do.
    Left {
        /// Of which saga or reaction.
        saga: String,
        /// What.
        what: String,
    },
}

/// Why an audit could not be finished.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store holds what this program does not know. Use a newer one.
    #[error(transparent)]
    Decode(#[from] annals::DecodeError),
    /// Rows cannot be read.
    #[error(transparent)]
    View(#[from] ViewError),
    /// What is left to do cannot be read.
    #[error(transparent)]
    Saga(#[from] SagaError),
}

/// Folds everything.
///
/// # Errors
/// [`AuditError`].
pub async fn books(shop: &Annals) -> Result<Books, AuditError> {
    let mut books = Books::default();
    let mut records = shop.store().read_log(ReadLog::all());
    while let Some(record) = records.try_next().await? {
        books.enter(&record)?;
    }
    Ok(books)
}

/// Reads all rows.
///
/// # Errors
/// [`AuditError`].
pub async fn rows(shop: &Annals) -> Result<Rows, AuditError> {
    Ok(Rows {
        orders: shop.view()?.all().collect().await?,
        customers: shop.view()?.all().collect().await?,
        stock: shop.view()?.all().collect().await?,
        revenue: shop.view()?.all().collect().await?,
    })
}

/// Holds what the events say against itself, against the rows, and against what sagas have left to do.
///
/// # Errors
/// [`AuditError`].
pub async fn audit(shop: &Annals, books: &Books, rows: &Rows) -> Result<Vec<Finding>, AuditError> {
    let mut findings: Vec<_> = books.oversold.iter().cloned().map(Finding::Oversold).collect();
    findings.extend(books.stock());
    findings.extend(books.money());
    findings.extend(books.rows(rows));
    findings.extend(left(shop).await?);
    Ok(findings)
}

impl Books {
    fn enter(&mut self, record: &Record) -> Result<(), annals::DecodeError> {
        *self.events.entry(record.event_type().as_str().to_owned()).or_default() += 1;
        match record.stream().category() {
            Order::NAME => fold(&mut self.orders, record)?,
            Payment::NAME => fold(&mut self.payments, record)?,
            Package::NAME => fold(&mut self.packages, record)?,
            Shipment::NAME => fold(&mut self.shipments, record)?,
            StockItem::NAME => {
                let before = self.stock.get(&ProductId::from(record.stream().key())).map_or(0, |item| item.available);
                let reserved = decode_record::<StockEvent>(record)?;
                let is_oversold =
                    |event: &StockEvent| matches!(event, StockEvent::Reserved { count, .. } if *count > before);
                if reserved.iter().any(is_oversold) {
                    self.oversold.push(record.stream().key().into());
                }
                fold(&mut self.stock, record)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn stock(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (product, item) in &self.stock {
            let put_aside: u32 = item.reserved.values().sum();
            if item.is_counted && item.received != u64::from(item.available + put_aside) + item.picked {
                findings.push(Finding::Stock(product.clone()));
            }
            let is_over =
                |order: &&OrderId| self.orders.get(order).is_some_and(|order| order.phase >= Phase::Delivered);
            let over = item.reserved.keys().filter(is_over);
            findings.extend(over.map(|order| Finding::PutAside(product.clone(), order.clone())));
        }
        findings
    }

    fn money(&self) -> Vec<Finding> {
        let kept = |order: &OrderId| self.payments.get(order).map_or(Money::ZERO, Payment::kept);
        let wrong = |(id, order): (&OrderId, &Order)| {
            let is_due = order.is_paid && !matches!(order.phase, Phase::Cancelled | Phase::Returned);
            let (kept, due) = (kept(id), if is_due { order.total() } else { Money::ZERO });
            (kept != due).then(|| Finding::Money { order: id.clone(), kept, due })
        };
        self.orders.iter().filter_map(wrong).collect()
    }

    fn rows(&self, rows: &Rows) -> Vec<Finding> {
        let mut findings = Vec::new();
        for row in &rows.orders {
            if self.orders.get(&row.order).is_none_or(|order| !is_row_of(row, order)) {
                findings.push(Finding::OrderRow(row.order.clone()));
            }
        }
        let shown: Vec<_> = rows.orders.iter().map(|row| &row.order).collect();
        let missing = self.orders.keys().filter(|order| shown.binary_search(order).is_err());
        findings.extend(missing.cloned().map(Finding::OrderRow));
        for level in &rows.stock {
            let wrong = self.stock.get(&level.product).is_none_or(|item| {
                item.picked != level.picked || { item.is_counted && i64::from(item.available) != level.available }
            });
            findings.extend(wrong.then(|| Finding::StockRow(level.product.clone())));
        }
        let events: Money = self.payments.values().map(Payment::kept).sum();
        let customers: Money = rows.customers.iter().map(|row| row.paid).sum();
        let days: Money = rows.revenue.iter().map(|row| row.received - row.refunded).sum();
        let sums = [("customers", customers), ("days", days)];
        findings.extend(sums.into_iter().filter(|(_, rows)| *rows != events).map(|(of, rows)| Finding::Sum {
            of,
            rows,
            events,
        }));
        findings
    }
}

fn is_row_of(row: &OrderOverview, order: &Order) -> bool {
    let stage = match order.phase {
        Phase::Delivered => Some(Stage::Delivered),
        Phase::Returned => Some(Stage::Returned),
        Phase::Cancelled => Some(Stage::Cancelled),
        Phase::New | Phase::Placed => None,
    };
    stage.is_none_or(|stage| row.stage == stage)
        && row.total == order.total()
        && row.is_paid == order.is_paid
        && row.reminders == order.reminders
        && row.failed_deliveries == order.failed_deliveries
}

/// What sagas and reactions have left to do, when nothing was to be left.
async fn left(shop: &Annals) -> Result<Vec<Finding>, AuditError> {
    let mut findings = Vec::new();
    for saga in shop.sagas().iter().flat_map(|sagas| sagas.iter()) {
        let mut add = |what: String| findings.push(Finding::Left { saga: saga.name().to_owned(), what });
        for event in saga.aside().await? {
            let of = event.instance.map_or_else(String::new, |instance| format!(" of instance {}", instance.key));
            add(format!("an event{of} at position {} was set aside", event.position));
        }
        for command in saga.waiting().await? {
            add(format!("{} to {} {} waits", command.name, command.aggregate, command.id));
        }
        let mut next = None;
        loop {
            let is_left = |status| status == InstanceStatus::Running && ENDING.contains(&saga.name());
            let page = saga.instances(next, |instance| is_left(instance.status)).await?;
            page.instances.into_iter().for_each(|instance| add(format!("instance {} is under way", instance.id.key)));
            match page.next {
                Some(scan) => next = Some(scan),
                None => break,
            }
        }
    }
    Ok(findings)
}

fn fold<A>(all: &mut BTreeMap<A::Id, A>, record: &Record) -> Result<(), annals::DecodeError>
where
    A: Aggregate,
    A::Id: Ord,
{
    let Some(id) = A::Id::from_key(record.stream().key()) else { return Ok(()) };
    let aggregate = all.entry(id).or_default();
    for event in decode_record::<A::Event>(record)? {
        aggregate.evolve(&event);
    }
    Ok(())
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oversold(product) => write!(f, "more of product {product} was promised than there was"),
            Self::Stock(product) => {
                write!(f, "product {product}: what came in is not what is there, put aside, or picked")
            }
            Self::PutAside(product, order) => {
                write!(f, "product {product} is put aside for order {order}, which is over")
            }
            Self::Money { order, kept, due } => write!(f, "order {order}: {kept} was kept where {due} is due"),
            Self::OrderRow(order) => write!(f, "the row of order {order} says something else than its events"),
            Self::StockRow(product) => write!(f, "the row of product {product} says something else than its events"),
            Self::Sum { of, rows, events } => write!(f, "the rows of {of} add up to {rows}, the payments to {events}"),
            Self::Left { saga, what } => write!(f, "{saga}: {what}"),
        }
    }
}

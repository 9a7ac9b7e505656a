//! What the sagas did, beside what was recorded.

use std::{collections::BTreeSet, time::Duration};

use annals::{DecodeError, EventQuery, QueryItem, ReadError, ReadLog, decode_record, kinds, prelude::*};
use futures::TryStreamExt;
use thiserror::Error;

use super::{Activity, RecordedLog};
use crate::{
    audit::Books,
    domain::{OrderId, ProductId, order::OrderEvent, order::Phase, stock::StockEvent},
};

/// What sagas did of one kind, beside what was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Produced<T> {
    /// How many were recorded.
    pub recorded: usize,
    /// How many the sagas produced.
    pub produced: usize,
    /// How many are in both.
    pub both: usize,
    /// Those that were recorded, and not produced.
    pub only_recorded: Vec<T>,
    /// Those that were produced, and not recorded.
    pub only_produced: Vec<T>,
}

/// A reminder that was produced and not recorded, and why it is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrecorded {
    /// Of which order.
    pub order: OrderId,
    /// When it was due.
    pub due: Timestamp,
    /// How long the order was unpaid yet, when it was due; `None` when it was paid, so that it is wrong.
    pub unpaid_for: Option<Duration>,
}

/// What the sagas did, beside what was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Items that were ordered again: the same item.
    pub reorders: Produced<ProductId>,
    /// By how much the sagas ordered sooner than people did: the median, and the most.
    pub sooner: (Duration, Duration),
    /// Reminders: of the same order, at the same time.
    pub reminders: Produced<(OrderId, Timestamp)>,
    /// Why reminders were produced that were not recorded.
    pub unrecorded: Vec<Unrecorded>,
    /// In the time in which such were due: how many were recorded.
    pub recorded_meanwhile: usize,
    /// How many orders were delivered.
    pub delivered: usize,
    /// Orders that were not.
    pub undelivered: Vec<OrderId>,
}

/// Why nothing can be compared.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CompareError {
    /// What is looked for has no name. Never happens with derived events.
    #[error(transparent)]
    Name(#[from] annals::InvalidText),
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store holds what this program does not know.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// Compares.
///
/// # Errors
/// [`CompareError`].
pub async fn compare(shop: &Annals, log: &RecordedLog, books: &Books) -> Result<Comparison, CompareError> {
    let (mut reordered, mut reminded) = (Vec::new(), BTreeSet::new());
    let wanted =
        [QueryItem::new().kinds(kinds![StockEvent::Reordered])?, QueryItem::new().kinds(kinds![OrderEvent::Reminded])?];
    let mut records = shop.store().read_log(ReadLog::of(EventQuery::new(wanted)));
    while let Some(record) = records.try_next().await? {
        let (key, at) = (record.stream().key(), record.recorded());
        match record.stream().category() {
            "stock" => {
                reordered.extend(decode_record::<StockEvent>(&record)?.iter().map(|_| (ProductId::from(key), at)))
            }
            _ => reminded.extend(decode_record::<OrderEvent>(&record)?.iter().map(|_| (OrderId::from(key), at))),
        }
    }
    let recorded_reorders = log.rows.iter().filter_map(|row| match &row.activity {
        Activity::Reorder(item) => Some((item.clone(), row.at)),
        _ => None,
    });
    let recorded_reorders: Vec<_> = recorded_reorders.collect();
    let recorded_reminders = log.rows.iter().filter_map(|row| match &row.activity {
        Activity::Remind(order) => Some((order.clone(), row.at)),
        _ => None,
    });
    let recorded_reminders: BTreeSet<_> = recorded_reminders.collect();
    let reminders = Produced::of(&recorded_reminders, &reminded);
    let unrecorded = unrecorded(log, &reminders.only_produced);
    let recorded_meanwhile = meanwhile(&unrecorded, &recorded_reminders);
    let items = |all: &[(ProductId, Timestamp)]| all.iter().map(|(item, _)| item.clone()).collect();
    let is_delivered = |id: &&OrderId| books.orders.get(id).is_some_and(|order| order.phase == Phase::Delivered);
    let (delivered, undelivered): (Vec<_>, Vec<_>) = placed(log).partition(is_delivered);
    Ok(Comparison {
        reorders: Produced::of(&items(&recorded_reorders), &items(&reordered)),
        sooner: sooner(&recorded_reorders, &reordered),
        reminders,
        unrecorded,
        recorded_meanwhile,
        delivered: delivered.len(),
        undelivered: undelivered.into_iter().cloned().collect(),
    })
}

impl Comparison {
    /// Whether everything is as it was recorded, and where it is not, right.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.reorders.is_equal()
            && self.reminders.only_recorded.is_empty()
            && self.unrecorded.iter().all(|reminder| reminder.unpaid_for.is_some())
            && self.undelivered.is_empty()
    }
}

impl<T: Clone + Ord> Produced<T> {
    fn of(recorded: &BTreeSet<T>, produced: &BTreeSet<T>) -> Self {
        Self {
            recorded: recorded.len(),
            produced: produced.len(),
            both: recorded.intersection(produced).count(),
            only_recorded: recorded.difference(produced).cloned().collect(),
            only_produced: produced.difference(recorded).cloned().collect(),
        }
    }
}

impl<T> Produced<T> {
    /// Whether both are the same.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.only_recorded.is_empty() && self.only_produced.is_empty()
    }
}

fn placed(log: &RecordedLog) -> impl Iterator<Item = &OrderId> {
    log.rows.iter().filter_map(|row| match &row.activity {
        Activity::Place { order, .. } => Some(order),
        _ => None,
    })
}

fn unrecorded(log: &RecordedLog, only_produced: &[(OrderId, Timestamp)]) -> Vec<Unrecorded> {
    let paid = |of: &OrderId| {
        log.rows.iter().find_map(|row| match &row.activity {
            Activity::Pay(order) if order == of => Some(row.at),
            _ => None,
        })
    };
    let why = |(order, due): &(OrderId, Timestamp)| {
        let micros = paid(order).map(|paid| paid.as_micros() - due.as_micros());
        let unpaid_for = micros.and_then(|micros| u64::try_from(micros).ok()).map(Duration::from_micros);
        Unrecorded { order: order.clone(), due: *due, unpaid_for }
    };
    only_produced.iter().map(why).collect()
}

/// How many were recorded between the first and the last that was not.
fn meanwhile(unrecorded: &[Unrecorded], recorded: &BTreeSet<(OrderId, Timestamp)>) -> usize {
    let dues = || unrecorded.iter().map(|reminder| reminder.due);
    let (Some(first), Some(last)) = (dues().min(), dues().max()) else { return 0 };
    recorded.iter().filter(|(_, at)| (first..=last).contains(at)).count()
}

/// By how much it was produced before it was recorded: the median, and the most.
fn sooner(recorded: &[(ProductId, Timestamp)], produced: &[(ProductId, Timestamp)]) -> (Duration, Duration) {
    let produced: std::collections::BTreeMap<_, _> = produced.iter().cloned().collect();
    let micros = recorded.iter().filter_map(|(item, at)| Some(at.as_micros() - produced.get(item)?.as_micros()));
    let mut micros: Vec<_> = micros.filter_map(|micros| u64::try_from(micros).ok()).collect();
    micros.sort_unstable();
    let median = micros.get(micros.len() / 2).copied().unwrap_or_default();
    (Duration::from_micros(median), Duration::from_micros(micros.last().copied().unwrap_or_default()))
}

//! Projections as an application has them.

use annals::{
    BoxError, EventContext, Incoming, KeyBytes, Projection, Row, RowKey, Rows, Subscription, Tables,
    projections::WithProjections,
};
use annals_core::{Builder, kinds};
use serde::{Deserialize, Serialize};

use crate::event::OrderEvent;

/// A name for each of several equal projections and their tables.
const NAMES: [&str; 32] = [
    "sums-0", "sums-1", "sums-2", "sums-3", "sums-4", "sums-5", "sums-6", "sums-7", "sums-8", "sums-9", "sums-10",
    "sums-11", "sums-12", "sums-13", "sums-14", "sums-15", "sums-16", "sums-17", "sums-18", "sums-19", "sums-20",
    "sums-21", "sums-22", "sums-23", "sums-24", "sums-25", "sums-26", "sums-27", "sums-28", "sums-29", "sums-30",
    "sums-31",
];

/// What an order comes to: a row a stream, read before it is written.
pub(super) struct Sums<const N: usize> {
    /// Of how many parts of the streams it takes one; 1 for all.
    of: usize,
}

impl<const N: usize> Sums<N> {
    pub(super) fn all() -> Self {
        Self { of: 1 }
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Sum<const N: usize> {
    order: String,
    lines: u64,
    cents: u64,
}

impl<const N: usize> Row for Sum<N> {
    #[expect(clippy::indexing_slicing, reason = "checked while compiling")]
    const TABLE: &'static str = NAMES[N];
    type Key = String;
    fn write_key(&self, key: &mut KeyBytes) {
        self.order.write(key);
    }
    fn write_index(&self, _: usize, _: &mut KeyBytes) {}
}

impl<const N: usize> Projection for Sums<N> {
    #[expect(clippy::indexing_slicing, reason = "checked while compiling")]
    const NAME: &'static str = NAMES[N];
    const VERSION: u32 = 1;

    fn subscription(&self) -> Subscription {
        let all = Subscription::new().kinds(kinds![OrderEvent::LineAdded, OrderEvent::Cancelled]);
        let of = self.of;
        if of == 1 {
            return all;
        }
        all.filter(move |record| record.stream().key().bytes().map(usize::from).sum::<usize>() % of == N % of)
    }
    fn tables(&self) -> Tables {
        Tables::new().with::<Sum<N>>()
    }
    async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        if let Some(OrderEvent::LineAdded { price_cents, quantity, .. }) = event.get() {
            let order = cx.key().to_owned();
            let mut sum = rows.get::<Sum<N>>(&order).await?.unwrap_or(Sum { order, lines: 0, cents: 0 });
            sum.lines += 1;
            sum.cents += price_cents * u64::from(*quantity);
            rows.put(sum)?;
        }
        Ok(())
    }
}

/// A row for each line of an order.
pub(super) struct Lines;

#[derive(Clone, Serialize, Deserialize)]
struct Line {
    position: u64,
    customer: String,
    cents: u64,
}

impl Row for Line {
    const TABLE: &'static str = "lines";
    type Key = u64;
    fn write_key(&self, key: &mut KeyBytes) {
        self.position.write(key);
    }
    fn write_index(&self, _: usize, _: &mut KeyBytes) {}
}

impl Projection for Lines {
    const NAME: &'static str = "lines";
    const VERSION: u32 = 1;

    fn subscription(&self) -> Subscription {
        Subscription::new().kinds(kinds![OrderEvent::LineAdded])
    }
    fn tables(&self) -> Tables {
        Tables::new().with::<Line>()
    }
    async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        if let Some(OrderEvent::LineAdded { customer, price_cents, .. }) = event.get() {
            rows.put(Line { position: cx.record().position().get(), customer: customer.clone(), cents: *price_cents })?;
        }
        Ok(())
    }
}

/// So many projections, up to 32, each with rows of its own, of all events or each of its share.
pub(super) fn many(builder: Builder, many: usize, shares: bool) -> Builder {
    let of = if shares { many } else { 1 };
    macro_rules! all {
        ($builder:expr, $($number:literal)*) => {{
            let mut builder = $builder;
            $(if $number < many {
                builder = builder.projection(Sums::<$number> { of });
            })*
            builder
        }};
    }
    all!(builder, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31)
}

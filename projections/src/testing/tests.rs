use std::sync::atomic::{AtomicI64, Ordering};

use annals_core::{
    EventKind, Evolve, InvalidText, Tag, Tenant,
    codec::{self, Bytes, EncodeError, PayloadError},
    kinds,
};
use serde::{Deserialize, Serialize};

use super::*;
use crate::{
    Delivered, EventContext, Incoming, KeyBytes, Row, RowIndex, RowKey, Rows, Subscription, TableIndex, Tables,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum MeterEvent {
    Counted { by: i64 },
}

impl annals_core::Event for MeterEvent {
    const KINDS: &'static [EventKind] = &[EventKind::new("Counted", "meter.counted", 1)];
    fn kind(&self) -> &'static EventKind {
        &Self::KINDS[0]
    }
    fn tags(&self) -> Result<Vec<Tag>, InvalidText> {
        Ok(vec![])
    }
    fn encode(&self) -> Result<Bytes, EncodeError> {
        codec::encode_variant(self)
    }
    fn decode(kind: usize, payload: &[u8]) -> Result<Self, PayloadError> {
        codec::decode_variant(u32::try_from(kind).unwrap(), payload)
    }
}

#[derive(Default, Clone)]
struct Meter;

impl Evolve<MeterEvent> for Meter {
    fn evolve(&mut self, _: &MeterEvent) {}
}

impl Aggregate for Meter {
    const NAME: &'static str = "meter";
    type Id = String;
    type Event = MeterEvent;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Total {
    meter: String,
    sum: i64,
    last: Timestamp,
}

impl Row for Total {
    const TABLE: &'static str = "totals";
    const INDEXES: &'static [RowIndex] = &[RowIndex::new("sum")];
    type Key = String;
    fn write_key(&self, key: &mut KeyBytes) {
        self.meter.write(key);
    }
    fn write_index(&self, _: usize, key: &mut KeyBytes) {
        self.sum.write(key);
    }
}

const BY_SUM: TableIndex<Total, i64> = TableIndex::at(0);

/// Counts in its rows, or beside them as well, as it must not.
#[derive(Default)]
struct Totals {
    remembers: bool,
    seen: AtomicI64,
}

impl Projection for Totals {
    const NAME: &'static str = "totals";
    const VERSION: u32 = 1;
    fn subscription(&self) -> Subscription {
        Subscription::new().kinds(kinds![MeterEvent::Counted])
    }
    fn tables(&self) -> Tables {
        Tables::new().with::<Total>()
    }
    async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        let Some(MeterEvent::Counted { by }) = event.get() else { return Ok(()) };
        if *by == 0 {
            return Err("nothing to count".into());
        }
        let meter = cx.key().to_owned();
        let mut sum = rows.get::<Total>(&meter).await?.map_or(0, |total| total.sum) + by;
        if self.remembers {
            sum += self.seen.fetch_add(1, Ordering::Relaxed);
        }
        Ok(rows.put(Total { meter, sum, last: cx.record().recorded() })?)
    }
}

fn total(meter: &str, sum: i64, last: Timestamp) -> Total {
    Total { meter: meter.to_owned(), sum, last }
}

fn counted(by: i64) -> MeterEvent {
    MeterEvent::Counted { by }
}

#[tokio::test]
async fn rows_are_those_of_the_given_events() {
    let later = Timestamp::from_micros(7).unwrap();
    let rows = ProjectionTest::new(Totals::default())
        .given::<Meter>("water", [counted(9), counted(-2)])
        .at(later)
        .given::<Meter>("gas", [counted(1)])
        .rows()
        .await;
    assert_eq!(rows.row::<Total>("water".to_owned()), Some(total("water", 7, Timestamp::EPOCH)));
    assert_eq!(rows.row::<Total>("power".to_owned()), None);
    assert_eq!(rows.all::<Total>(), [total("gas", 1, later), total("water", 7, Timestamp::EPOCH)]);
    assert_eq!(rows.by(BY_SUM), rows.all::<Total>());
}

#[tokio::test]
async fn the_rows_of_a_tenant_are_its_own() {
    let tenant = Tenant::new("acme").unwrap();
    let mut commit = commit_of::<Meter>("water", [counted(9)]);
    for event in &mut commit.events {
        event.stream = annals_core::StreamId::of(Some(&tenant), "meter", "water").unwrap();
    }
    let rows = ProjectionTest::new(Totals::default()).commit(commit).rows().await;
    assert!(rows.all::<Total>().is_empty());
    assert_eq!(rows.in_tenant(tenant).all::<Total>(), [total("water", 9, Timestamp::EPOCH)]);
}

#[tokio::test]
async fn the_error_of_a_handler_is_given() {
    let test = ProjectionTest::new(Totals::default()).given::<Meter>("water", [counted(1), counted(0)]);
    assert_eq!(test.fails().await.to_string(), "nothing to count");
}

#[tokio::test]
#[should_panic(expected = "totals fails at record 2 of stream meter-water: nothing to count")]
async fn a_handler_that_fails_fails_the_test() {
    let test = ProjectionTest::new(Totals::default()).given::<Meter>("water", [counted(1), counted(0)]);
    let _ = test.rows().await;
}

#[tokio::test]
#[should_panic(expected = "the rows of totals depend on where batches end")]
async fn a_projection_that_remembers_something_beside_its_rows_is_noticed() {
    let totals = Totals { remembers: true, seen: AtomicI64::new(0) };
    let _ = ProjectionTest::new(totals).given::<Meter>("water", [counted(1), counted(2)]).rows().await;
}

/// Takes several at once, and does then what it does alone, or not quite.
#[derive(Default)]
struct Batched {
    forgets: bool,
    fails: bool,
}

impl Projection for Batched {
    const NAME: &'static str = "batched";
    const VERSION: u32 = 1;
    const BATCH: usize = 3;
    fn subscription(&self) -> Subscription {
        Totals::default().subscription()
    }
    fn tables(&self) -> Tables {
        Tables::new().with::<Total>()
    }
    async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        Totals::default().handle(event, cx, rows).await
    }
    async fn handle_batch(&self, events: &[Delivered<'_>], rows: &mut Rows<'_>) -> Result<(), BoxError> {
        if self.fails {
            return Err("too many".into());
        }
        // The last of as many as there may be.
        let events = if self.forgets && events.len() == Self::BATCH { &events[..2] } else { events };
        for event in events {
            self.handle(event.event(), event.context(), rows).await?;
        }
        Ok(())
    }
}

fn four_given(batched: Batched) -> ProjectionTest<Batched> {
    let test = ProjectionTest::new(batched).given::<Meter>("water", [1, 2].map(counted));
    test.given::<Meter>("gas", [3, 4].map(counted))
}

#[tokio::test]
async fn what_is_done_at_once_is_compared_with_what_is_done_singly() {
    let rows = four_given(Batched::default()).rows().await;
    assert_eq!(rows.by(BY_SUM), [total("water", 3, Timestamp::EPOCH), total("gas", 7, Timestamp::EPOCH)]);
}

#[tokio::test]
#[should_panic(
    expected = "the rows of batched depend on whether events are handed over at once: a row of batched:1:totals"
)]
async fn a_batch_that_leaves_other_rows_is_noticed() {
    let _ = four_given(Batched { forgets: true, ..Batched::default() }).rows().await;
}

#[tokio::test]
#[should_panic(expected = "batched fails when it is handed records 1 to 2 at once: too many")]
async fn a_batch_that_fails_fails_the_test() {
    let _ = four_given(Batched { fails: true, ..Batched::default() }).rows().await;
}

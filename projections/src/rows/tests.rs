//! Rows as a handler sees them and as they are stored, against a map.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    ops::{Bound, RangeBounds},
};

use annals_core::{MemoryStore, RowBatch, Tenant};
use proptest::{collection::vec, prelude::*, sample::select};
use serde::{Deserialize, Serialize};

use super::*;
use crate::{RowIndex, RowKey, StartsWith, TableIndex, Tables};

/// A seat of a hall. Its price may be that of others, its ticket not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seat {
    pub(crate) hall: String,
    pub(crate) number: i8,
    pub(crate) price: i32,
    pub(crate) ticket: u8,
}

pub(crate) type SeatKey = (String, i8);

impl Row for Seat {
    const TABLE: &'static str = "seats";
    const INDEXES: &'static [RowIndex] = &[RowIndex::new("price"), RowIndex::unique("ticket")];
    type Key = SeatKey;

    fn write_key(&self, key: &mut KeyBytes) {
        self.key().write(key);
    }

    fn write_index(&self, index: usize, key: &mut KeyBytes) {
        match index {
            0 => self.price.write(key),
            _ => Reverse(self.ticket).write(key),
        }
    }
}

impl Seat {
    pub(crate) const BY_PRICE: TableIndex<Self, i32> = TableIndex::at(0);
    pub(crate) const BY_TICKET: TableIndex<Self, Reverse<u8>> = TableIndex::at(1);

    pub(crate) fn key(&self) -> SeatKey {
        (self.hall.clone(), self.number)
    }
}

impl AddAssign for Seat {
    fn add_assign(&mut self, other: Self) {
        self.price += other.price;
    }
}

/// What is done to a row.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Put(Seat),
    Add(Seat),
    Raise(SeatKey),
    Get(SeatKey),
    Delete(SeatKey),
    /// The first seats by price.
    Priced(Bound<i32>, Bound<i32>, usize),
    /// The first seats by ticket.
    Ticketed(Bound<u8>, Bound<u8>, usize),
}

pub(crate) fn a_key() -> impl Strategy<Value = SeatKey> {
    (select(vec!["", "a", "a\0", "ab", "b"]).prop_map(str::to_owned), -1..=1_i8)
}

fn a_seat() -> impl Strategy<Value = Seat> {
    (a_key(), -2..=2_i32, 0..=20_u8).prop_map(|((hall, number), price, ticket)| Seat { hall, number, price, ticket })
}

fn a_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => a_seat().prop_map(Change::Put),
        2 => a_seat().prop_map(Change::Add),
        1 => a_key().prop_map(Change::Raise),
        1 => a_key().prop_map(Change::Get),
        2 => a_key().prop_map(Change::Delete),
        1 => (a_bound(-2..=2_i32), a_bound(-2..=2_i32), 0..8_usize).prop_map(|(from, to, limit)| Change::Priced(from, to, limit)),
        1 => (a_bound(0..=20_u8), a_bound(0..=20_u8), 0..8_usize).prop_map(|(from, to, limit)| Change::Ticketed(from, to, limit)),
    ]
}

fn a_bound<T: std::fmt::Debug + Clone>(of: impl Strategy<Value = T> + Clone) -> impl Strategy<Value = Bound<T>> {
    prop_oneof![of.clone().prop_map(Bound::Included), of.prop_map(Bound::Excluded), Just(Bound::Unbounded)]
}

/// Changes of one event each, and whether its handler fails; several events a batch.
pub(crate) fn batches() -> impl Strategy<Value = Vec<Vec<(Vec<Change>, bool)>>> {
    vec(vec((vec(a_change(), 0..4), proptest::bool::weighted(0.2)), 1..6), 1..6)
}

static NOBODY: Option<Tenant> = None;

pub(crate) type Model = BTreeMap<SeatKey, Seat>;

/// A read model of seats: what is stored, and what it should be.
pub(crate) struct Hall {
    pub(crate) store: Arc<MemoryStore>,
    batch: Batch,
    pub(crate) model: Model,
}

impl Hall {
    pub(crate) fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let specs = Tables::new().with::<Seat>().specs().into();
        let batch = Batch::new(Arc::clone(&store) as Arc<dyn Store>, "halls", 1, specs);
        Self { store, batch, model: Model::new() }
    }

    /// The tables of the seats.
    pub(crate) fn names() -> TableNames {
        TableNames::of("halls", 1, Seat::TABLE, Seat::INDEXES, None).unwrap()
    }

    fn rows(&mut self) -> Rows<'_> {
        self.batch.begin(&NOBODY, None)
    }

    /// Handles the events of a batch, and stores it.
    pub(crate) async fn take(&mut self, events: &[(Vec<Change>, bool)]) {
        for (changes, fails) in events {
            let before = self.model.clone();
            let (model, mut rows) = (&mut self.model, self.batch.begin(&NOBODY, None));
            for change in changes {
                do_both(change, model, &mut rows).await;
            }
            if *fails {
                self.batch.undo(&NOBODY);
                self.model = before;
            }
        }
    }

    pub(crate) async fn store(&mut self) -> Result<(), RowsError> {
        let writes = self.batch.writes().await?;
        let conditions = writes.unique_conditions(&*self.store).await?;
        let rows = [writes.deletes, writes.puts].concat();
        self.store.apply(RowBatch { rows, conditions, ..RowBatch::default() }).await.unwrap();
        self.batch.settle(4);
        Ok(())
    }
}

/// Changes the map and the rows alike; a ticket that another seat has is not given out.
async fn do_both(change: &Change, model: &mut Model, rows: &mut Rows<'_>) {
    let is_free = |seat: &Seat| model.values().all(|other| other.ticket != seat.ticket || other.key() == seat.key());
    match change {
        Change::Put(seat) if is_free(seat) => {
            model.insert(seat.key(), seat.clone());
            rows.put(seat.clone()).unwrap();
        }
        Change::Add(seat) if is_free(seat) => {
            model.entry(seat.key()).and_modify(|there| *there += seat.clone()).or_insert_with(|| seat.clone());
            rows.add(seat.clone()).unwrap();
        }
        Change::Put(_) | Change::Add(_) => {}
        Change::Raise(key) => {
            let raise = |seat: Option<Seat>| seat.map(|seat| Seat { price: seat.price + 1, ..seat });
            if let Some(raised) = raise(model.get(key).cloned()) {
                model.insert(key.clone(), raised);
            }
            rows.update(key, raise).await.unwrap();
        }
        Change::Get(key) => assert_eq!(rows.get::<Seat>(key).await.unwrap().as_ref(), model.get(key)),
        Change::Delete(key) => {
            model.remove(key);
            rows.delete::<Seat>(key).unwrap();
        }
        Change::Priced(from, to, limit) => {
            let expected = by(model, |seat| seat.price, (*from, *to));
            let found = rows.by(Seat::BY_PRICE).range((*from, *to), *limit).await.unwrap();
            assert_eq!(found, expected[..expected.len().min(*limit)]);
        }
        Change::Ticketed(from, to, limit) => {
            let range = (from.map(Reverse), to.map(Reverse));
            let expected = by(model, |seat| Reverse(seat.ticket), range);
            let found = rows.by(Seat::BY_TICKET).range(range, *limit).await.unwrap();
            assert_eq!(found, expected[..expected.len().min(*limit)]);
        }
    }
}

/// The seats with a value in `range`, in its order, then in that of their keys.
fn by<V: Ord>(model: &Model, value: impl Fn(&Seat) -> V, range: (Bound<V>, Bound<V>)) -> Vec<Seat> {
    let mut seats: Vec<_> = model.values().filter(|seat| range.contains(&value(seat))).cloned().collect();
    seats.sort_by_key(value);
    seats
}

pub(crate) fn run<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

async fn every_row(rows: &mut Rows<'_>, keys: &[SeatKey]) -> Vec<Seat> {
    let mut found = Vec::new();
    for key in keys {
        found.extend(rows.get::<Seat>(key).await.unwrap());
    }
    found
}

proptest! {
    /// P6: what handlers see, and what is stored in the end, is what a map would hold: also when a handler fails, whatever
    /// it had read or added before.
    #[test]
    fn rows_are_what_a_map_would_hold(
        batches in batches(), from: Bound<u8>, to: Bound<u8>, halls in vec(a_key(), 2), limit in 0..8_usize,
    ) {
        run(async {
            let mut hall = Hall::new();
            let keys: Vec<SeatKey> = ["", "a", "a\0", "ab", "b"].into_iter().flat_map(|hall| [-1, 0, 1].map(|number| (hall.to_owned(), number))).collect();
            let border = |bound: Bound<u8>, hall: usize| bound.map(|_| halls[hall].clone());
            let range = (border(from, 0), border(to, 1));
            for batch in batches {
                hall.take(&batch).await;
                let model = hall.model.clone();
                let expected: Vec<_> = model.values().filter(|seat| range.contains(&seat.key())).take(limit).cloned().collect();
                let found = hall.rows().range::<Seat>(range.clone(), limit).await.unwrap();
                assert_eq!(found, expected);
                let of_a = model.values().filter(|seat| seat.hall.starts_with('a')).take(limit).cloned().collect::<Vec<_>>();
                assert_eq!(hall.rows().prefix::<Seat>(StartsWith("a"), limit).await.unwrap(), of_a);
                let dear: Vec<_> = by(&model, |seat| seat.price, (Bound::Included(0), Bound::Unbounded));
                assert_eq!(hall.rows().by(Seat::BY_PRICE).range(0.., 99).await.unwrap(), dear);
                for ticket in 0..=20 {
                    let found = hall.rows().by(Seat::BY_TICKET).get(Reverse(ticket)).await.unwrap();
                    assert_eq!(found.as_ref(), model.values().find(|seat| seat.ticket == ticket));
                }
                hall.store().await.unwrap();
                assert_eq!(every_row(&mut hall.rows(), &keys).await, model.values().cloned().collect::<Vec<_>>());
                hall.batch.forget();
                assert_eq!(every_row(&mut hall.rows(), &keys).await, model.into_values().collect::<Vec<_>>());
            }
        });
    }
}

fn seat(hall: &str, number: i8, price: i32, ticket: u8) -> Seat {
    Seat { hall: hall.to_owned(), number, price, ticket }
}

/// What was added before the event that failed stays to be added, though that event read the row.
#[tokio::test]
async fn a_read_of_a_failed_event_loses_nothing_that_was_added() {
    let mut hall = Hall::new();
    let add = |price| Change::Add(seat("a", 1, price, 1));
    hall.take(&[(vec![add(100)], false)]).await;
    hall.store().await.unwrap();
    hall.batch.forget();
    hall.take(&[(vec![add(10)], false), (vec![add(1), Change::Get(("a".to_owned(), 1))], true)]).await;
    hall.store().await.unwrap();
    assert_eq!(hall.rows().get::<Seat>(("a".to_owned(), 1)).await.unwrap(), Some(seat("a", 1, 110, 1)));
}

/// What is known of rows is forgotten where it is too much, and what is changed is stored all the same, each time.
#[tokio::test]
async fn a_row_is_stored_whenever_it_changed_however_much_is_known() {
    let mut hall = Hall::new();
    let put = |number: i8, price| (vec![Change::Put(seat("a", number, price, number.unsigned_abs()))], false);
    hall.take(&(0..8).map(|number| put(number, 0)).collect::<Vec<_>>()).await;
    hall.store().await.unwrap();
    for price in 1..4 {
        // Not the first of those that are known.
        hall.take(&[put(6, price), put(3, price)]).await;
        hall.store().await.unwrap();
        let stored = hall.store.scan(Scan::all(Hall::names().rows)).await.unwrap().rows;
        let stored: Vec<Seat> = stored.iter().map(|(_, row)| read(row).unwrap()).collect();
        assert_eq!(stored, hall.model.values().cloned().collect::<Vec<_>>());
    }
}

/// The rows of two tenants are in tables of their own, whoever's events come in turn.
#[tokio::test]
async fn rows_are_those_of_the_tenant_of_the_event() {
    let mut hall = Hall::new();
    let tenants = [None, Some(Tenant::new("acme").unwrap()), Some(Tenant::new("globex").unwrap())];
    for round in 0..3 {
        for (tenant, number) in tenants.iter().zip(0..) {
            let mut rows = hall.batch.begin(tenant, None);
            let before = rows.get::<Seat>(("a".to_owned(), 1)).await.unwrap();
            assert_eq!(before.map(|seat| seat.price), (round > 0).then_some(10 * number + round - 1));
            rows.put(seat("a", 1, 10 * number + round, 1)).unwrap();
        }
    }
}

/// The rows of a range may be more than a page, and the batch's own may stand anywhere among them.
#[tokio::test]
async fn a_range_goes_on_behind_a_page() {
    let mut hall = Hall::new();
    let seats = (0..30_i8).map(|number| (vec![Change::Put(seat("a", number, 0, number.unsigned_abs()))], false));
    hall.take(&seats.collect::<Vec<_>>()).await;
    hall.store().await.unwrap();
    hall.batch.forget();
    let key = |number| ("a".to_owned(), number);
    // The first page, of as many as are wanted, has nothing but what is deleted.
    let mut changes: Vec<_> = (0..10).map(|number| Change::Delete(key(number))).collect();
    changes.extend([Change::Put(seat("a", 40, 0, 40)), Change::Put(seat("Z", 1, 0, 41)), Change::Raise(key(11))]);
    hall.take(&[(changes, false)]).await;
    let numbers = |rows: Vec<Seat>| rows.iter().map(|seat| (seat.number, seat.price)).collect::<Vec<_>>();
    let found = hall.rows().prefix::<Seat>("a", 3).await.unwrap();
    assert_eq!(numbers(found), [(10, 0), (11, 1), (12, 0)]);
    let found = hall.rows().range::<Seat>(key(28).., 100).await.unwrap();
    assert_eq!(numbers(found), [(28, 0), (29, 0), (40, 0)]);
}

/// A changed row leaves its place in an index and takes another, also where a page of the store ends in between; what is undone
/// takes its place again.
#[tokio::test]
async fn an_index_goes_on_behind_a_page() {
    let mut hall = Hall::new();
    let seats = (0..30_i8).map(|number| {
        let (price, ticket) = (i32::from(number), number.unsigned_abs());
        (vec![Change::Put(seat("a", number, price, ticket))], false)
    });
    hall.take(&seats.collect::<Vec<_>>()).await;
    hall.store().await.unwrap();
    hall.batch.forget();
    // The first page, of as many as are wanted, has nothing but rows that are found elsewhere now.
    let mut changes: Vec<_> = (0..10).map(|number| Change::Delete(("a".to_owned(), number))).collect();
    changes.push(Change::Add(seat("a", 10, 10, 0)));
    hall.take(&[(changes, false)]).await;
    let numbers = |rows: Vec<Seat>| rows.iter().map(|seat| seat.number).collect::<Vec<_>>();
    let found = hall.rows().by(Seat::BY_PRICE).range(..=20, 3).await.unwrap();
    assert_eq!(numbers(found), [11, 12, 13]);
    assert_eq!(numbers(hall.rows().by(Seat::BY_PRICE).equal_to(20, 9).await.unwrap()), [10, 20]);
    hall.take(&[(
        vec![Change::Put(seat("a", 20, -1, 20)), Change::Priced(Bound::Unbounded, Bound::Unbounded, 1)],
        true,
    )])
    .await;
    assert_eq!(numbers(hall.rows().by(Seat::BY_PRICE).prefix(20, 9).await.unwrap()), [10, 20]);
    let refused = hall.rows().by(TableIndex::<Seat, i32>::at(7)).range(.., 1).await;
    assert!(matches!(refused, Err(RowsError::NoIndex { number: 7, .. })), "{refused:?}");
}

/// A handler of several events writes the rows of all their lane keys, and no others; an index leads to other lanes.
#[tokio::test]
async fn rows_of_several_lane_keys_begin_with_one_of_them() {
    let mut hall = Hall::new();
    let mut lane_keys = vec![KeyBytes::of("c"), KeyBytes::of("a"), KeyBytes::of("c")];
    let mut rows = hall.batch.begin(&NOBODY, Some(LaneKeys::any_of(&mut lane_keys)));
    for hall in ["a", "c"] {
        rows.put(seat(hall, 1, 0, 1)).unwrap();
        assert_eq!(rows.prefix::<Seat>(hall, 9).await.unwrap().len(), 1);
    }
    let refused = rows.put(seat("b", 1, 0, 2));
    assert!(matches!(refused, Err(RowsError::OutsideLane { table: "seats" })), "{refused:?}");
    let refused = rows.by(Seat::BY_PRICE).get(0).await;
    assert!(matches!(refused, Err(RowsError::IndexOfLanes { table: "seats", index: "price" })), "{refused:?}");
}

/// With several lanes nothing is read where others write.
#[tokio::test]
async fn a_range_outside_of_the_lane_is_refused() {
    let mut hall = Hall::new();
    hall.take(&[(vec![Change::Put(seat("a", 1, 0, 1))], false)]).await;
    let lane_key = KeyBytes::of("a");
    let mut rows = hall.batch.begin(&NOBODY, Some(LaneKeys::one(&lane_key)));
    assert_eq!(rows.prefix::<Seat>("a", 9).await.unwrap().len(), 1);
    for refused in [rows.prefix::<Seat>("b", 9).await, rows.range::<Seat>(.., 9).await] {
        assert!(matches!(refused, Err(RowsError::OutsideLane { table: "seats" })), "{refused:?}");
    }
}

/// Two seats with one ticket are refused, in one batch and in two.
#[tokio::test]
async fn a_ticket_is_one_seats() {
    let mut hall = Hall::new();
    hall.rows().put(seat("a", 1, 0, 1)).unwrap();
    hall.store().await.unwrap();
    hall.rows().put(seat("a", 2, 0, 1)).unwrap();
    let taken = hall.store().await;
    assert!(matches!(taken, Err(RowsError::Taken { table: "seats", index: "ticket" })), "{taken:?}");
    hall.rows().put(seat("a", 1, 0, 2)).unwrap();
    hall.store().await.unwrap();
}

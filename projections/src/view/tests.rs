//! Views against a map.

use std::{
    cmp::Reverse,
    ops::Bound,
    sync::atomic::{AtomicBool, Ordering},
};

use annals_core::{DerivedWrite, Position, RowBatch};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    StartsWith,
    rows::tests::{Change, Hall, Model, Seat, SeatKey, a_key, batches, run},
};

/// What says where the rows of the hall are, and stays at that.
struct InHall<F>(F);

impl<F: Fn() -> Result<TableNames, ViewError> + Send + Sync> Source for InHall<F> {
    fn names(&self) -> Result<TableNames, ViewError> {
        (self.0)()
    }
    fn is_current(&self, _: &TableNames) -> bool {
        true
    }
}

fn view(hall: &Hall) -> View<Seat> {
    View::new(Arc::clone(&hall.store) as Arc<dyn Store>, InHall(|| Ok(Hall::names())))
}

/// A question that views answer, and what they should say.
struct Question {
    query: RowQuery<Seat>,
    rows: Vec<Seat>,
}

/// What is asked of a table, with these borders.
#[derive(Debug)]
struct Borders {
    keys: (Bound<SeatKey>, Bound<SeatKey>),
    prices: (Bound<i32>, Bound<i32>),
    tickets: (Bound<Reverse<u8>>, Bound<Reverse<u8>>),
}

fn a_bound<T: Clone + fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Bound<T>> {
    (value, 0..3).prop_map(|(value, kind)| match kind {
        0 => Bound::Included(value),
        1 => Bound::Excluded(value),
        _ => Bound::Unbounded,
    })
}

fn borders() -> impl Strategy<Value = Borders> {
    let ticket = || (0..=20_u8).prop_map(Reverse);
    let keys = (a_bound(a_key()), a_bound(a_key()));
    let prices = (a_bound(-3..=3), a_bound(-3..=3));
    (keys, prices, (a_bound(ticket()), a_bound(ticket()))).prop_map(|(keys, prices, tickets)| Borders {
        keys,
        prices,
        tickets,
    })
}

fn questions(view: &View<Seat>, model: &Model, borders: &Borders) -> Vec<Question> {
    let of = |accept: &dyn Fn(&Seat) -> bool| model.values().filter(|seat| accept(seat)).cloned().collect::<Vec<_>>();
    let by_price = |accept: &dyn Fn(&Seat) -> bool| {
        let mut rows = of(accept);
        rows.sort_by_key(|seat| (seat.price, seat.key()));
        rows
    };
    let by_ticket = |accept: &dyn Fn(&Seat) -> bool| {
        let mut rows = of(accept);
        rows.sort_by_key(|seat| Reverse(seat.ticket));
        rows
    };
    let Borders { keys, prices, tickets } = borders;
    let (price, ticket) = (view.by(Seat::BY_PRICE), view.by(Seat::BY_TICKET));
    let question = |query, rows| Question { query, rows };
    vec![
        question(view.all(), of(&|_| true)),
        question(view.range(keys.clone()), of(&|seat| keys.contains(&seat.key()))),
        question(view.prefix("a"), of(&|seat| seat.hall == "a")),
        question(view.prefix(("a", 0_i8)), of(&|seat| seat.key() == ("a".to_owned(), 0))),
        question(view.prefix(StartsWith("a")), of(&|seat| seat.hall.starts_with('a'))),
        question(price.all(), by_price(&|_| true)),
        question(price.range(*prices), by_price(&|seat| prices.contains(&seat.price))),
        question(price.equal_to(1), by_price(&|seat| seat.price == 1)),
        question(price.prefix(-1), by_price(&|seat| seat.price == -1)),
        question(ticket.all(), by_ticket(&|_| true)),
        question(ticket.range(*tickets), by_ticket(&|seat| tickets.contains(&Reverse(seat.ticket)))),
        question(ticket.equal_to(Reverse(3)), by_ticket(&|seat| seat.ticket == 3)),
    ]
}

/// All pages of a query; each cursor goes through its text.
async fn pages(query: &RowQuery<Seat>) -> Vec<Seat> {
    let mut page = query.page(None).await.unwrap();
    let mut rows = page.rows;
    while let Some(next) = page.next {
        let next: Cursor = next.to_string().parse().unwrap();
        page = query.page(Some(&next)).await.unwrap();
        assert!(!page.rows.is_empty() || page.next.is_none());
        rows.extend(page.rows);
    }
    rows
}

async fn is_answered(question: Question, limit: usize) {
    let Question { query, mut rows } = question;
    for query in [query.clone(), query.backward()] {
        assert_eq!(query.collect().await.unwrap(), rows, "{query:?}");
        assert_eq!(query.count().await.unwrap(), rows.len(), "{query:?}");
        assert_eq!(query.first().await.unwrap().as_ref(), rows.first(), "{query:?}");
        let some = query.clone().limit(limit);
        assert_eq!(some.collect().await.unwrap(), rows[..limit.min(rows.len())], "{some:?}");
        assert_eq!(some.count().await.unwrap(), limit.min(rows.len()), "{some:?}");
        assert_eq!(pages(&some.limit(limit.max(1))).await, rows, "{query:?} in pages of {limit}");
        rows.reverse();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// P6: every read gives what a map would hold, in every order, in pages of every size.
    #[test]
    fn a_view_reads_what_a_map_would_hold(
        batches in batches(), borders in borders(), limit in 0..5_usize, keys in vec(a_key(), 0..4), ticket: u8,
    ) {
        run(async {
            let mut hall = Hall::new();
            for batch in batches {
                hall.take(&batch).await;
                hall.store().await.unwrap();
            }
            let (view, model) = (view(&hall), &hall.model);
            for question in questions(&view, model, &borders) {
                is_answered(question, limit).await;
            }
            let expected: Vec<_> = keys.iter().map(|key| model.get(key).cloned()).collect();
            assert_eq!(view.get_many(&keys).await.unwrap(), expected);
            for (key, expected) in keys.iter().zip(expected) {
                assert_eq!(view.get(key).await.unwrap(), expected);
            }
            let of_ticket = model.values().find(|seat| seat.ticket == ticket % 21).cloned();
            assert_eq!(view.by(Seat::BY_TICKET).get(Reverse(ticket % 21)).await.unwrap(), of_ticket);
        });
    }
}

fn seat(number: i8, price: i32) -> Seat {
    Seat { hall: "a".to_owned(), number, price, ticket: number.unsigned_abs() }
}

async fn hall_of(seats: impl IntoIterator<Item = Seat>) -> Hall {
    let mut hall = Hall::new();
    put(&mut hall, seats).await;
    hall
}

async fn put(hall: &mut Hall, seats: impl IntoIterator<Item = Seat>) {
    hall.take(&[(seats.into_iter().map(Change::Put).collect(), false)]).await;
    hall.store().await.unwrap();
}

/// More rows than the store gives out at once, all with one value in the index.
#[tokio::test]
async fn what_needs_several_pages_is_read_to_its_end() {
    const ROWS: u32 = 2500;
    let store = Arc::new(annals_core::MemoryStore::new());
    let names = Hall::names();
    let mut batch = crate::rows::Writes::default();
    for number in 0..ROWS {
        let row = Seat { hall: format!("{number:04}"), number: 0, price: 7, ticket: 0 };
        let key = Bytes::copy_from_slice(KeyBytes::of(&row.key()).as_slice());
        let entry = Bytes::from([KeyBytes::of(&7_i32).as_slice(), &key].concat());
        let value = annals_core::codec::encode("seat", &row).unwrap();
        batch.puts.push(DerivedWrite { table: names.rows.clone(), key: key.clone(), value: Some(value) });
        batch.puts.push(DerivedWrite { table: names.indexes[0].clone(), key: entry, value: Some(key) });
    }
    store.apply(RowBatch { rows: batch.puts, ..RowBatch::default() }).await.unwrap();
    let view = View::<Seat>::new(store, InHall(|| Ok(Hall::names())));
    for query in [view.all(), view.by(Seat::BY_PRICE).equal_to(7), view.by(Seat::BY_PRICE).all().backward()] {
        let rows = query.collect().await.unwrap();
        assert_eq!(rows.len(), ROWS as usize);
        assert!(
            rows.is_sorted_by_key(|row| row.hall.clone()) || rows.is_sorted_by_key(|row| Reverse(row.hall.clone()))
        );
        assert_eq!(query.count().await.unwrap(), ROWS as usize);
        assert_eq!(query.clone().limit(1700).collect().await.unwrap(), rows[..1700]);
        assert_eq!(query.clone().limit(1700).count().await.unwrap(), 1700);
        assert_eq!(query.limit(usize::MAX).page(None).await.unwrap().rows.len(), 1000, "a page is of one moment");
    }
}

/// A page goes on behind its last row, though that row is gone and others came on both sides of it.
#[tokio::test]
async fn a_cursor_stays_good_while_rows_come_and_go() {
    let mut hall = hall_of([seat(10, 1), seat(20, 1), seat(30, 1), seat(40, 1)]).await;
    let query = view(&hall).by(Seat::BY_PRICE).equal_to(1).limit(2);
    let page = query.page(None).await.unwrap();
    assert_eq!(page.rows, [seat(10, 1), seat(20, 1)]);
    hall.take(&[(vec![Change::Delete(seat(20, 1).key())], false)]).await;
    put(&mut hall, [seat(15, 1), seat(25, 1), seat(40, 2)]).await;
    let page = query.page(page.next.as_ref()).await.unwrap();
    assert_eq!((page.rows, page.next), (vec![seat(25, 1), seat(30, 1)], None));
}

#[tokio::test]
async fn a_cursor_is_refused_where_it_is_not_of() {
    let hall = hall_of([seat(1, 1), seat(2, 1)]).await;
    let view = view(&hall);
    let cursor = view.all().limit(1).page(None).await.unwrap().next.unwrap();
    for other in [view.all().backward(), view.by(Seat::BY_PRICE).all(), view.by(Seat::BY_TICKET).all()] {
        let refused = other.page(Some(&cursor)).await;
        assert!(matches!(refused, Err(ViewError::NotOfThisTable { .. })), "{refused:?}");
    }
    let refused = view.all().backward().page(Some(&cursor)).await.unwrap_err();
    let told = "the cursor is of table seats, forward, the pages are of table seats, backward";
    assert_eq!(refused.to_string(), told);
    let foreign: Cursor = "f.halls.-.61".parse().unwrap();
    assert!(matches!(view.all().page(Some(&foreign)).await, Err(ViewError::NotOfThisTable { .. })));
}

/// Whatever place a cursor names, nothing outside of what was asked for is read.
#[tokio::test]
async fn a_cursor_never_leads_out_of_a_range() {
    let hall = hall_of((1..=9).map(|number| seat(number, 1))).await;
    let view = view(&hall);
    let key = |number| ("a".to_owned(), number);
    let numbers = async |query: &RowQuery<Seat>, cursor: &str| {
        let cursor: Cursor = cursor.parse().unwrap();
        query.page(Some(&cursor)).await.unwrap().rows.iter().map(|seat| seat.number).collect::<Vec<_>>()
    };
    let query = view.range(key(4)..=key(6));
    assert_eq!(numbers(&query, "f.seats.-.").await, [4, 5, 6]);
    assert!(numbers(&query, "f.seats.-.ff").await.is_empty());
    let query = query.backward();
    assert_eq!(numbers(&query, "b.seats.-.ff").await, [6, 5, 4]);
    assert!(numbers(&query, "b.seats.-.").await.is_empty());
}

/// Where the rows are is asked at each read: those of a read model that was filled anew are elsewhere.
#[tokio::test]
async fn each_read_asks_where_the_rows_are() {
    let hall = hall_of([seat(1, 1)]).await;
    let is_ready = Arc::new(AtomicBool::new(true));
    let source = {
        let is_ready = Arc::clone(&is_ready);
        move || match is_ready.load(Ordering::Relaxed) {
            true => Ok(Hall::names()),
            false => {
                let (position, target) = (Position::ZERO, Position::FIRST);
                Err(ViewError::Rebuilding { projection: "halls", position, target })
            }
        }
    };
    let view = View::<Seat>::new(Arc::clone(&hall.store) as Arc<dyn Store>, InHall(source));
    let query = view.by(Seat::BY_PRICE).all();
    assert_eq!(query.collect().await.unwrap(), [seat(1, 1)]);
    is_ready.store(false, Ordering::Relaxed);
    let refused = |error| matches!(error, ViewError::Rebuilding { projection: "halls", .. });
    assert!(refused(view.get(seat(1, 1).key()).await.unwrap_err()));
    assert!(refused(query.collect().await.unwrap_err()) && refused(query.count().await.unwrap_err()));
    assert!(refused(query.first().await.unwrap_err()) && refused(query.page(None).await.unwrap_err()));
}

/// Says for the first time that the rows are where none are any more by the end of the read.
#[derive(Default)]
struct Moving(AtomicBool);

impl Source for Moving {
    fn names(&self) -> Result<TableNames, ViewError> {
        let build = if self.0.load(Ordering::Relaxed) { 1 } else { 0 };
        Ok(TableNames::of("halls", build, Seat::TABLE, Seat::INDEXES, None)?)
    }
    fn is_current(&self, names: &TableNames) -> bool {
        self.0.store(true, Ordering::Relaxed);
        names.build == 1
    }
}

/// Rows that went elsewhere while they were read are read there: what was left of them is never taken for all.
#[tokio::test]
async fn rows_that_move_while_they_are_read_are_read_again() {
    let hall = hall_of([seat(1, 1)]).await;
    let moving = || View::<Seat>::new(Arc::clone(&hall.store) as Arc<dyn Store>, Moving::default());
    assert_eq!(moving().get(seat(1, 1).key()).await.unwrap(), Some(seat(1, 1)));
    assert_eq!(moving().all().collect().await.unwrap(), [seat(1, 1)]);
    assert_eq!(moving().by(Seat::BY_PRICE).all().count().await.unwrap(), 1);
}

#[tokio::test]
async fn rows_of_another_type_and_indexes_that_are_not_there_are_told() {
    let hall = hall_of([seat(1, 1)]).await;
    let view = view(&hall);
    let (rows, key) = (Hall::names().rows, Bytes::copy_from_slice(KeyBytes::of(&seat(1, 1).key()).as_slice()));
    let write = DerivedWrite { table: rows, key, value: Some(Bytes::from_static(b"\x01")) };
    hall.store.apply(RowBatch { rows: vec![write], ..RowBatch::default() }).await.unwrap();
    let refused = view.all().collect().await;
    assert!(matches!(&refused, Err(ViewError::Row(row)) if row.table == "seats"), "{refused:?}");
    assert_eq!(view.all().count().await.unwrap(), 1);
    let refused = view.by(TableIndex::<Seat, i32>::at(7)).all().first().await;
    assert!(matches!(refused, Err(ViewError::NoIndex { number: 7, .. })), "{refused:?}");
}

//! Reads with ranges, limits and starts that make little sense (F12). Of `a-1` five events are expected at the
//! beginning: reads that count ask for what no other row adds to.

use std::ops::Bound;

use annals_core::{
    AsOf, DerivedTable, Direction, EventQuery, LoggedTable, Position, QueryItem, ROW_KEY_BYTES_MAX, ReadLog,
    ReadStream, Scan, Table, Timestamp, Version,
};
use bytes::Bytes;

use super::{Answer, Input, Row};
use crate::fixture::*;

fn of_b() -> ReadStream {
    ReadStream::all(stream("b-1"))
}

fn streams() -> Vec<(&'static str, ReadStream, usize)> {
    let range = |from, to| ReadStream { from, to, ..of_b() };
    let ancient = Timestamp::from_micros(-1_000_000).expect("a time");
    vec![
        ("from 0", range(Version::ZERO, Version::MAX), 3),
        ("from 0 to 0", range(Version::ZERO, Version::ZERO), 0),
        ("from > to", range(version(3), version(1)), 0),
        ("from > to, backward", range(version(3), version(1)).backward(), 0),
        ("from i64::MAX", range(Version::MAX, Version::MAX), 0),
        ("from i64::MAX, backward", range(Version::MAX, Version::MAX).backward(), 0),
        ("after i64::MAX", of_b().after(Version::MAX), 0),
        ("up to i64::MAX - 1", of_b().up_to(Version::MAX.previous()), 3),
        ("one version", range(version(2), version(2)), 1),
        ("limit 0", of_b().limit(0), 0),
        ("limit u64::MAX", of_b().limit(u64::MAX), 3),
        ("limit u64::MAX, backward", of_b().limit(u64::MAX).backward(), 3),
        ("limit i64::MAX + 1", of_b().limit(1 << 63), 3),
        ("as of position 0", of_b().as_of(AsOf::Position(Position::ZERO)), 0),
        ("as of position i64::MAX", of_b().as_of(AsOf::Position(Position::MAX)), 3),
        ("as of before 1970", of_b().as_of(AsOf::Recorded(ancient)), 0),
        ("a stream that holds nothing", ReadStream::all(stream("nobody-1")), 0),
    ]
}

fn logs() -> Vec<(&'static str, ReadLog, usize)> {
    let of_b = || ReadLog::of(EventQuery::new([QueryItem::new().stream(stream("b-1"))]));
    let many = |count| EventQuery::new((0..count).map(|n| of_type(&format!("never-{n}"))));
    let wide = (0..500).fold(QueryItem::new(), |item, n| item.event_type(event_type(&format!("never-{n}"))));
    let narrow = (0..500).fold(QueryItem::new(), |item, n| item.tag(tag(&format!("never-{n}"))));
    let twice = QueryItem::new().stream(stream("b-1")).stream(stream("b-1"));
    vec![
        ("after i64::MAX", ReadLog::all().after(Position::MAX), 0),
        ("after i64::MAX, backward", ReadLog::all().after(Position::MAX).backward(), 0),
        ("after i64::MAX - 1", of_b().after(Position::MAX.previous()), 0),
        ("after 0", of_b().after(Position::ZERO), 3),
        ("limit 0", ReadLog::all().limit(0), 0),
        ("limit 0, backward", ReadLog::all().limit(0).backward(), 0),
        ("limit u64::MAX", of_b().limit(u64::MAX), 3),
        ("limit u64::MAX, backward", of_b().limit(u64::MAX).backward(), 3),
        ("as of position 0", ReadLog::all().as_of(AsOf::Position(Position::ZERO)), 0),
        ("as of before after", of_b().after(position(7)).as_of(AsOf::Position(position(6))), 0),
        ("as of 1970", ReadLog::all().as_of(AsOf::Recorded(Timestamp::EPOCH)), 0),
        ("a query of nobody's tenant", ReadLog::of(EventQuery::all().in_tenant(Some(tenant("nobody")))), 0),
        ("500 alternatives", ReadLog::of(many(500)), 0),
        ("500 types in one", ReadLog::of(EventQuery::new([wide])), 0),
        ("500 tags in one", ReadLog::of(EventQuery::new([narrow])), 0),
        ("the same stream twice", ReadLog::of(EventQuery::new([twice.clone(), twice])), 3),
    ]
}

fn rows() -> Vec<(&'static str, Input, Answer)> {
    let view = || Table::from(derived("pages"));
    let keys = |keys: Vec<Vec<u8>>| {
        Input::Get(keys.into_iter().map(|key| (Table::from(LoggedTable::STREAMS), Bytes::from(key))).collect())
    };
    let range = |from: Bound<&'static [u8]>, to: Bound<&'static [u8]>| {
        let range = (from.map(Bytes::from_static), to.map(Bytes::from_static));
        Scan { range, ..Scan::all(LoggedTable::STREAMS) }
    };
    let only_b = || range(Bound::Included(b"b-1"), Bound::Included(b"b-1"));
    vec![
        ("no key", Input::Get(vec![]), Answer::Gives(0)),
        ("an empty key", keys(vec![vec![]]), Answer::Gives(0)),
        ("one key a hundred times", keys(vec![b"b-1".to_vec(); 100]), Answer::Gives(100)),
        ("a key at the limit", keys(vec![vec![7; ROW_KEY_BYTES_MAX]]), Answer::Gives(0)),
        ("a key beyond the limit", keys(vec![vec![7; ROW_KEY_BYTES_MAX + 1]]), Answer::Gives(0)),
        ("a key of 70,000 bytes", keys(vec![vec![0xff; 70_000]]), Answer::Gives(0)),
        ("a table nobody wrote", Input::Get(vec![(view(), "k".into())]), Answer::Gives(0)),
        ("one row", Input::Scan(only_b()), Answer::Gives(1)),
        ("one row, backward", Input::Scan(only_b().backward()), Answer::Gives(1)),
        ("from = to, excluded", Input::Scan(range(Bound::Excluded(b"b-1"), Bound::Excluded(b"b-1"))), Answer::Gives(0)),
        (
            "from = to, half excluded",
            Input::Scan(range(Bound::Included(b"b-1"), Bound::Excluded(b"b-1"))),
            Answer::Gives(0),
        ),
        ("from > to", Input::Scan(range(Bound::Included(b"c"), Bound::Included(b"b"))), Answer::Gives(0)),
        (
            "from > to, backward",
            Input::Scan(range(Bound::Included(b"c"), Bound::Included(b"b")).backward()),
            Answer::Gives(0),
        ),
        ("a prefix of 0xff", Input::Scan(Scan::prefix(LoggedTable::STREAMS, vec![0xff; 9])), Answer::Gives(0)),
        (
            "a prefix beyond the limit",
            Input::Scan(Scan::prefix(view(), vec![1; ROW_KEY_BYTES_MAX + 9])),
            Answer::Gives(0),
        ),
        ("behind a key beyond the limit", Input::Scan(Scan::all(view()).after(vec![1; 70_000])), Answer::Gives(0)),
        ("a table nobody wrote, whole", Input::Scan(Scan::all(view())), Answer::Gives(0)),
        ("a page of 0 counts as 1", Input::Scan(only_b().limit(0)), Answer::Gives(1)),
        ("a page of usize::MAX", Input::Scan(only_b().limit(usize::MAX)), Answer::Gives(1)),
        ("the generation", Input::Scan(Scan::all(DerivedTable::GENERATION)), Answer::Gives(1)),
        (
            "a tenant has no generation",
            Input::Scan(Scan::all(DerivedTable::GENERATION.in_tenant(Some(tenant("acme"))))),
            Answer::Gives(0),
        ),
        ("rows of a table nobody wrote", Input::Scan(only_b().lookup(view())), Answer::Gives(0)),
        ("rows under values that are no keys", Input::Scan(only_b().lookup(LoggedTable::STREAMS)), Answer::Gives(0)),
        ("rows through a table nobody wrote", Input::Scan(Scan::all(view()).lookup(view())), Answer::Gives(0)),
        (
            "backward from nowhere",
            Input::Scan(Scan { direction: Direction::Backward, ..Scan::all(view()) }),
            Answer::Gives(0),
        ),
    ]
}

pub(super) fn table() -> Vec<Row> {
    let mut table = Vec::new();
    for (name, read, count) in streams() {
        table.push(Row::new(format!("stream: {name}"), Input::ReadStream(read), Answer::Gives(count)));
    }
    for (name, read, count) in logs() {
        table.push(Row::new(format!("log: {name}"), Input::ReadLog(read), Answer::Gives(count)));
    }
    for (name, input, answer) in rows() {
        table.push(Row::new(format!("rows: {name}"), input, answer));
    }
    table
}

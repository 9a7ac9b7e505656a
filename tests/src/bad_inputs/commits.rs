//! Commits and batches around their limits, and what they may not do (F9, F12).

use annals_core::{
    Commit, Condition, ConsumerName, DerivedCondition, DerivedTable, DerivedWrite, Epoch, EventQuery, Expected,
    Generation, LoggedTable, Metadata, NewEvent, Once, Position, ROW_KEY_BYTES_MAX, RowBatch, RowIs, RowWrite, Tag,
    Timestamp, Version,
};
use bytes::Bytes;

use super::{Answer, Input, LIMITS, Row};
use crate::fixture::*;

const FINE: Answer = Answer::Taken;
const TOO_LARGE: Answer = Answer::Refused("TooLarge");
const SYSTEM: Answer = Answer::Refused("SystemTable");
const CONFLICT: Answer = Answer::Refused("Conflict");

fn payload(size: usize) -> NewEvent {
    NewEvent { payload: vec![7; size].into(), ..event("l-1", "x") }
}

fn named(size: usize) -> NewEvent {
    // A map of one field that is a map of one entry: 11 bytes around a text of 32 to 255 bytes, 1 more for a longer.
    let text = if size <= 255 + 12 { size - 12 } else { size - 13 };
    let metadata = Metadata { extra: [("k".to_owned(), "v".repeat(text))].into(), ..Metadata::default() };
    NewEvent { metadata, ..payload(1) }
}

fn tagged_with(count: usize) -> NewEvent {
    NewEvent { tags: (0..count).map(|n| Tag::of("n", n).expect("a tag")).collect(), ..payload(1) }
}

fn answered(size: usize) -> Commit {
    Commit::new().once(Once { answer: vec![7; size].into(), ..once(&format!("answer-{size}"), "request", "") })
}

fn logged(key: usize, value: usize) -> Commit {
    Commit::new().row(RowWrite::put(table_of("names"), vec![7; key], vec![7; value]))
}

fn table_of(name: &str) -> LoggedTable {
    crate::fixture::table(name)
}

fn batch(rows: Vec<DerivedWrite>) -> RowBatch {
    RowBatch { rows, ..RowBatch::default() }
}

fn derived_row(key: usize, value: usize) -> RowBatch {
    batch(vec![DerivedWrite { table: derived("view"), key: vec![7; key].into(), value: Some(vec![7; value].into()) }])
}

/// One below, at and one above a limit.
fn around(rows: &mut Vec<Row>, name: &str, limit: usize, input: impl Fn(usize) -> Input) {
    for (size, answer) in [(limit - 1, FINE), (limit, FINE), (limit + 1, TOO_LARGE)] {
        rows.push(Row::new(format!("{name}: {size} of {limit}"), input(size), answer));
    }
}

fn limits() -> Vec<Row> {
    let mut rows = Vec::new();
    let any = || Condition::stream(stream("a-1"), Expected::Any);
    around(&mut rows, "payload", LIMITS.event_bytes, |n| Input::Commit(Commit::of([payload(1), payload(n)])));
    around(&mut rows, "metadata", LIMITS.metadata_bytes, |n| Input::Commit(Commit::of([named(n)])));
    around(&mut rows, "tags", LIMITS.tags, |n| Input::Commit(Commit::of([tagged_with(n)])));
    around(&mut rows, "key of a row", ROW_KEY_BYTES_MAX, |n| Input::Commit(logged(n, 1)));
    around(&mut rows, "value of a row", LIMITS.row_bytes, |n| Input::Commit(logged(1, n)));
    around(&mut rows, "answer", LIMITS.row_bytes, |n| Input::Commit(answered(n)));
    around(&mut rows, "events", LIMITS.commit_events, |n| Input::Commit(Commit::of(events("l-1", n))));
    around(&mut rows, "rows", LIMITS.commit_rows, |n| {
        Input::Commit((0..n).map(|row| put("names", &row.to_string(), "")).fold(Commit::new(), Commit::row))
    });
    around(&mut rows, "conditions", LIMITS.commit_conditions, |n| {
        Input::Commit((0..n).map(|_| any()).fold(Commit::new(), Commit::when))
    });
    around(&mut rows, "bytes in the commit", LIMITS.commit_bytes, |n| {
        Input::Commit(Commit::of([payload(15_000), payload(15_000), payload(n - 30_000)]))
    });
    around(&mut rows, "key of a derived row", ROW_KEY_BYTES_MAX, |n| Input::Apply(derived_row(n, 1)));
    around(&mut rows, "value of a derived row", LIMITS.row_bytes, |n| Input::Apply(derived_row(1, n)));
    around(&mut rows, "rows of a batch", LIMITS.batch_rows, |n| {
        Input::Apply(batch((0..n).map(|row| derived_put("view", &row.to_string(), "")).collect()))
    });
    around(&mut rows, "bytes in the batch", LIMITS.batch_bytes, |n| {
        let of_100 = |row: usize| derived_row(row + 1, 99 - row);
        Input::Apply(batch(
            (0..10).map(of_100).chain([derived_row(50, n - 1050)]).flat_map(|batch| batch.rows).collect(),
        ))
    });
    rows
}

fn system_tables() -> Vec<Row> {
    let put_in = |table: LoggedTable| Input::Commit(Commit::new().row(RowWrite::put(table, "x", "")));
    let delete = |table: LoggedTable| Input::Commit(Commit::new().row(RowWrite::delete(table, "x")));
    let acme = || Some(tenant("acme"));
    let generation = DerivedWrite { table: DerivedTable::GENERATION, key: Bytes::new(), value: Some("x".into()) };
    let lost = DerivedWrite { value: None, ..generation.clone() };
    let theirs = DerivedWrite { table: DerivedTable::GENERATION.in_tenant(acme()), ..generation.clone() };
    [
        ("put into $streams", put_in(LoggedTable::STREAMS), SYSTEM),
        ("delete from $streams", delete(LoggedTable::STREAMS), SYSTEM),
        ("put into $streams of a tenant", put_in(LoggedTable::STREAMS.in_tenant(acme())), SYSTEM),
        ("put into $once", put_in(LoggedTable::ONCE), SYSTEM),
        ("put into $once of a tenant", put_in(LoggedTable::ONCE.in_tenant(acme())), SYSTEM),
        ("delete from $once", delete(LoggedTable::ONCE), FINE),
        ("delete from $closed", delete(LoggedTable::CLOSED), SYSTEM),
        ("put into $closed what is no stream", put_in(LoggedTable::CLOSED), FINE),
        ("put into $epochs what is no number", put_in(LoggedTable::EPOCHS), FINE),
        ("delete from $epochs", delete(LoggedTable::EPOCHS), FINE),
        ("put into $names what is no stream", put_in(LoggedTable::NAMES), FINE),
        ("delete from $names", delete(LoggedTable::NAMES), FINE),
        ("put into $name_key", put_in(LoggedTable::NAME_KEY), FINE),
        ("delete from $name_key", delete(LoggedTable::NAME_KEY), SYSTEM),
        ("put the generation", Input::Apply(batch(vec![generation])), SYSTEM),
        ("delete the generation", Input::Apply(batch(vec![lost])), SYSTEM),
        ("put a tenant's generation", Input::Apply(batch(vec![theirs])), SYSTEM),
    ]
    .into_iter()
    .map(|(name, input, answer)| Row::new(name, input, answer))
    .collect()
}

fn expectations() -> Vec<Row> {
    let expect = |expected| Input::Commit(append("a-1", 1, expected));
    let none = |query, after| Input::Commit(Commit::new().when(Condition::none_match(query, after)));
    let row_is = |key: Vec<u8>, is| {
        Input::Commit(Commit::new().when(Condition::Row { table: table_of("names"), key: key.into(), is }))
    };
    let at_u64_max = Epoch { consumer: ConsumerName::new("last").expect("a name"), number: u64::MAX };
    let (epochs, key) = at_u64_max.row();
    let fenced = RowBatch { epoch: Some(at_u64_max.clone()), ..RowBatch::default() };
    let derived_is = |key: Vec<u8>, is| {
        let condition = DerivedCondition { table: derived("view"), key: key.into(), is };
        Input::Apply(RowBatch { conditions: vec![condition], ..RowBatch::default() })
    };
    let lost = RowBatch { generation: Some(Generation::random()), ..RowBatch::default() };
    let wild = |micros| Timestamp::from_micros(micros).expect("a time");
    let occurred = |micros| Input::Commit(Commit::of([NewEvent { occurred: Some(wild(micros)), ..payload(1) }]));
    let nothing = || EventQuery::new([of_type("never")]);
    [
        ("at version i64::MAX", expect(Expected::At(Version::MAX)), CONFLICT),
        ("at version 0 of what exists", expect(Expected::At(Version::ZERO)), CONFLICT),
        ("empty what exists", expect(Expected::Empty), CONFLICT),
        ("a boundary behind i64::MAX", none(EventQuery::all(), Position::MAX), FINE),
        ("a boundary from 0", none(EventQuery::all(), Position::ZERO), CONFLICT),
        ("a boundary that nothing matches", none(nothing(), Position::ZERO), FINE),
        ("a row of an empty key", row_is(vec![], RowIs::Absent), FINE),
        ("a row of a key beyond the limit", row_is(vec![7; ROW_KEY_BYTES_MAX + 1], RowIs::Absent), FINE),
        ("a row of a key of 64 KiB", row_is(vec![7; 1 << 16], RowIs::Equals("v".into())), CONFLICT),
        ("a derived row of an empty key", derived_is(vec![], RowIs::Absent), FINE),
        ("a derived row of a key of 64 KiB", derived_is(vec![7; 1 << 16], RowIs::Equals("v".into())), CONFLICT),
        ("an epoch nobody began", Input::Apply(fenced.clone()), Answer::Refused("Fenced")),
        (
            "begin epoch u64::MAX",
            Input::Commit(Commit::new().row(RowWrite::put(epochs, key, at_u64_max.to_row()))),
            FINE,
        ),
        ("epoch u64::MAX", Input::Apply(fenced), FINE),
        ("a generation that never was", Input::Apply(lost), Answer::Refused("GenerationLost")),
        ("nothing at all", Input::Commit(Commit::new()), FINE),
        ("an empty batch", Input::Apply(RowBatch::default()), FINE),
        ("an empty payload", Input::Commit(Commit::of([payload(0)])), FINE),
        ("an empty key and value", Input::Commit(logged(0, 0)), FINE),
        ("an empty derived key and value", Input::Apply(derived_row(0, 0)), FINE),
        ("it occurred before 1970", occurred(-1), FINE),
        ("it occurred in the year -9000", occurred(-346_000_000_000_000_000), FINE),
        ("it occurred in the year 9000", occurred(222_000_000_000_000_000), FINE),
    ]
    .into_iter()
    .map(|(name, input, answer)| Row::new(name, input, answer))
    .collect()
}

pub(super) fn table() -> Vec<Row> {
    [limits(), system_tables(), expectations()].into_iter().flatten().collect()
}

//! Random operations. Few names make them meet often.

use std::ops::Bound;

use annals_core::{
    AsOf, Category, Commit, Condition, ConsumerName, DerivedCondition, DerivedTable, DerivedWrite, Direction, Epoch,
    EventQuery, Expected, IdempotencyKey, LoggedTable, NewEvent, Once, Position, QueryItem, ReadLog, ReadStream,
    RowBatch, RowIs, RowWrite, Scan, StreamId, Table, Tenant, Timestamp, Version,
};
use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*, sample::select, strategy::Union};

use crate::{
    ManualClock,
    fixture::{derived, event, event_type, once, position, stream, table, tag, tenant, version},
};

/// One thing to do with a store.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    /// Commit, and expect streams to be this much beside the version where they are.
    Commit {
        commit: Commit,
        exactly: Vec<(StreamId, i64)>,
    },
    Apply {
        batch: RowBatch,
        whose: Whose,
    },
    ReadStream(ReadStream),
    ReadLog(ReadLog),
    Get(Vec<(Table, Bytes)>),
    Scan(Scan),
    StepClock(i64),
    Reopen,
    /// Lose what the store can build again from its log, if it has such a thing, while it is closed.
    LoseIndex,
}

/// The generation that a batch names.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose {
    Nobodys,
    Ours,
    Lost,
}

const STREAMS: [&str; 5] = ["a-1", "a-10", "b-1", "t/a-1", "t/b-1"];
const KEYS: [&str; 6] = ["", "k", "kk", "a-1", "b-1", "1"];

/// Every stream that an operation can name.
pub(super) fn streams() -> impl Iterator<Item = StreamId> {
    STREAMS.into_iter().map(stream)
}

/// Every table that an operation can name.
pub(super) fn tables() -> Vec<Table> {
    let of_t = || Some(tenant("t"));
    let mut tables: Vec<Table> = vec![derived("view").into(), derived("names").in_tenant(of_t()).into()];
    for table in logged_tables().into_iter().chain([LoggedTable::STREAMS, LoggedTable::CLOSED, LoggedTable::ONCE]) {
        tables.push(table.clone().in_tenant(of_t()).into());
        tables.push(table.into());
    }
    tables
}

fn logged_tables() -> Vec<LoggedTable> {
    vec![table("names"), table("jobs"), LoggedTable::EPOCHS, LoggedTable::NAMES]
}

/// The most operations of one sequence: opening a store is dear.
pub(super) const LONGEST: usize = 400;

/// Sequences of operations.
pub(super) fn sequences() -> impl Strategy<Value = Vec<Operation>> {
    vec(operation(), 1..=LONGEST)
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        120 => (commit(), vec((a_stream(), prop_oneof![4 => Just(0), 1 => -1..=1_i64]), 0..2))
            .prop_map(|(commit, exactly)| Operation::Commit { commit, exactly }),
        20 => take_over(),
        40 => apply(),
        30 => read_stream().prop_map(Operation::ReadStream),
        40 => read_log().prop_map(Operation::ReadLog),
        20 => vec((select(tables()), a_key()), 0..5).prop_map(Operation::Get),
        30 => scan().prop_map(Operation::Scan),
        9 => (-100..100_i64).prop_map(Operation::StepClock),
        // F17: a hundred years ahead, and back.
        1 => select(vec![-3_600, 3_155_760_000, -3_155_760_000]).prop_map(Operation::StepClock),
        2 => Just(Operation::Reopen),
        1 => Just(Operation::LoseIndex),
    ]
}

fn a_stream() -> impl Strategy<Value = StreamId> {
    select(&STREAMS[..]).prop_map(stream)
}

fn a_tenant() -> impl Strategy<Value = Option<Tenant>> {
    option::weighted(0.3, Just(tenant("t")))
}

fn a_key() -> impl Strategy<Value = Bytes> {
    select(&KEYS[..]).prop_map(Bytes::from)
}

fn a_value() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        8 => select(vec!["", "1", "2"]).prop_map(Bytes::from),
        1 => (0..20_000_usize).prop_map(|size| vec![7; size].into()),
    ]
}

fn commit() -> impl Strategy<Value = Commit> {
    let events = prop_oneof![6 => vec(an_event(), 0..4), 1 => vec(an_event(), 4..30)];
    (vec(condition(), 0..3), events, vec(row(), 0..3), option::weighted(0.3, a_once()))
        .prop_map(|(conditions, events, rows, once)| Commit { conditions, events, rows, once })
}

fn an_event() -> impl Strategy<Value = NewEvent> {
    let tags = vec(select(vec!["p", "q", "r"]).prop_map(tag), 0..3);
    let occurred = option::weighted(0.2, a_time());
    (select(&STREAMS[..]), select(vec!["x", "y", "z"]), tags, occurred, a_value())
        .prop_map(|(stream, kind, tags, occurred, payload)| NewEvent { tags, occurred, payload, ..event(stream, kind) })
}

fn a_time() -> impl Strategy<Value = Timestamp> {
    (-100..100_i64).prop_map(|seconds| ManualClock::default().step(seconds))
}

fn condition() -> impl Strategy<Value = Condition> {
    let expected = prop_oneof![
        4 => Just(Expected::Any),
        1 => Just(Expected::Empty),
        1 => Just(Expected::Exists),
        1 => (0..6_u64).prop_map(|number| Expected::At(version(number))),
        1 => Just(Expected::At(Version::MAX)),
    ];
    prop_oneof![
        (a_stream(), expected).prop_map(|(stream, expected)| Condition::Stream { stream, expected }),
        (query(), a_position()).prop_map(|(query, after)| Condition::NoneMatch { query, after }),
        (select(tables()), a_key(), row_is()).prop_filter_map("a logged table", |(table, key, is)| match table {
            Table::Logged(table) => Some(Condition::Row { table, key, is }),
            Table::Derived(_) => None,
        }),
    ]
}

fn row_is() -> impl Strategy<Value = RowIs> {
    prop_oneof![3 => Just(RowIs::Absent), 2 => a_value().prop_map(RowIs::Equals)]
}

fn a_position() -> impl Strategy<Value = Position> {
    prop_oneof![2 => Just(Position::ZERO), 6 => (0..40_u64).prop_map(position), 1 => Just(Position::MAX)]
}

fn row() -> impl Strategy<Value = RowWrite> {
    let plain = (select(logged_tables()), a_tenant(), a_key(), option::weighted(0.7, a_value()))
        .prop_filter("epochs are written by a take-over", |(table, ..)| *table != LoggedTable::EPOCHS)
        .prop_map(|(table, tenant, key, value)| RowWrite { table: table.in_tenant(tenant), key, value });
    let forget = (a_tenant(), select(vec!["1", "2", "3"]))
        .prop_map(|(tenant, key)| RowWrite::delete(LoggedTable::ONCE.in_tenant(tenant), key));
    prop_oneof![12 => plain, 1 => forget, 1 => a_stream().prop_map(|stream| RowWrite::close(&stream))]
}

fn a_once() -> impl Strategy<Value = Once> {
    let request = prop_oneof![4 => Just("request"), 1 => Just("another")];
    (select(vec!["1", "2", "3"]), request, a_tenant(), select(vec!["", "42"])).prop_map(
        |(key, request, tenant, answer)| {
            let named = IdempotencyKey::new(key).expect("a valid key").in_tenant(tenant);
            Once { key: named, ..once(key, request, answer) }
        },
    )
}

fn an_epoch() -> impl Strategy<Value = Epoch> {
    let consumer = select(vec!["balances", "names"]).prop_map(|name| ConsumerName::new(name).expect("a valid name"));
    (consumer, 0..3_u64).prop_map(|(consumer, number)| Epoch { consumer, number })
}

fn take_over() -> impl Strategy<Value = Operation> {
    an_epoch().prop_map(|epoch| {
        let (table, key) = epoch.row();
        let commit = Commit::new().row(RowWrite::put(table, key, epoch.to_row()));
        Operation::Commit { commit, exactly: vec![] }
    })
}

fn apply() -> impl Strategy<Value = Operation> {
    let a_table = || select(tables()).prop_filter_map("a derived table", derived_only);
    let condition = (a_table(), a_key(), row_is()).prop_map(|(table, key, is)| DerivedCondition { table, key, is });
    let row = (a_table(), a_key(), option::weighted(0.8, a_value())).prop_map(|(table, key, value)| DerivedWrite {
        table,
        key,
        value,
    });
    let whose = select(vec![Whose::Nobodys, Whose::Ours, Whose::Ours, Whose::Lost]);
    (option::weighted(0.4, an_epoch()), vec(condition, 0..2), vec(row, 0..5), whose).prop_map(
        |(epoch, conditions, rows, whose)| {
            let batch = RowBatch { generation: None, epoch, conditions, rows };
            Operation::Apply { batch, whose }
        },
    )
}

fn derived_only(table: Table) -> Option<DerivedTable> {
    match table {
        Table::Derived(table) => Some(table),
        Table::Logged(_) => None,
    }
}

fn query() -> impl Strategy<Value = EventQuery> {
    (vec(item(), 0..3), a_tenant(), 0..4).prop_map(|(items, tenant, scope)| match scope {
        0 => EventQuery::new(items).any_tenant(),
        _ => EventQuery::new(items).in_tenant(tenant),
    })
}

fn item() -> impl Strategy<Value = QueryItem> {
    let categories = vec(select(vec!["a", "b"]).prop_map(|name| Category::new(name).expect("valid")), 0..2);
    let types = vec(select(vec!["x", "y", "z"]).prop_map(event_type), 0..3);
    let tags = vec(select(vec!["p", "q", "r"]).prop_map(tag), 0..2);
    (categories, vec(a_stream(), 0..2), types, tags).prop_map(|(categories, streams, types, tags)| QueryItem {
        categories,
        streams,
        types,
        tags,
    })
}

fn direction() -> impl Strategy<Value = Direction> {
    select(vec![Direction::Forward, Direction::Backward])
}

fn limit() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![3 => Just(None), 3 => (0..6_u64).prop_map(Some), 1 => Just(Some(u64::MAX))]
}

fn as_of() -> impl Strategy<Value = AsOf> {
    prop_oneof![
        3 => Just(AsOf::Now),
        1 => a_position().prop_map(AsOf::Position),
        1 => a_time().prop_map(AsOf::Recorded),
    ]
}

fn read_stream() -> impl Strategy<Value = ReadStream> {
    let border = || Union::new([(0..12_u64).boxed(), Just(Version::MAX.get()).boxed()]).prop_map(version);
    (a_stream(), border(), border(), direction(), limit(), as_of()).prop_map(
        |(stream, from, to, direction, limit, as_of)| ReadStream { stream, from, to, direction, limit, as_of },
    )
}

fn read_log() -> impl Strategy<Value = ReadLog> {
    (query(), a_position(), direction(), limit(), as_of()).prop_map(|(query, after, direction, limit, as_of)| ReadLog {
        query,
        after,
        direction,
        limit,
        as_of,
    })
}

fn scan() -> impl Strategy<Value = Scan> {
    let border =
        || prop_oneof![Just(Bound::Unbounded), a_key().prop_map(Bound::Included), a_key().prop_map(Bound::Excluded)];
    // Some of the values are keys.
    let lookup = option::weighted(0.4, select(tables()));
    (select(tables()), border(), border(), direction(), 1..5_usize, lookup).prop_map(
        |(table, from, to, direction, limit, lookup)| Scan { table, range: (from, to), direction, limit, lookup },
    )
}

//! The same operations on the reference store and on the embedded one: the same answers.

use std::sync::Arc;

use annals_core::{
    Commit, Condition, DerivedTable, DerivedWrite, Digest, EventId, EventQuery, EventType, Expected, FixedClock,
    IdempotencyKey, Limits, LoggedTable, MemoryStore, NewEvent, Once, Position, QueryItem, ReadError, ReadLog,
    ReadStream, RowBatch, RowIs, RowWrite, Scan, Store, StreamId, Tag, Tenant, Timestamp, Version,
};
use annals_store_sled::{SledOptions, SledStore};
use bytes::Bytes;
use futures::TryStreamExt;

use super::disk::{folder, runtime};

/// Bytes, one after the other; zeros behind the end.
struct Source<'a>(std::slice::Iter<'a, u8>);

impl Source<'_> {
    fn below(&mut self, end: u8) -> u8 {
        self.0.next().copied().unwrap_or_default() % end
    }
    fn is_over(&self) -> bool {
        self.0.len() == 0
    }
    fn stream(&mut self) -> StreamId {
        let text = ["a-1", "a-10", "b-1", "t/a-1"][usize::from(self.below(4))];
        text.parse().expect("an id")
    }
    fn tag(&mut self) -> Tag {
        Tag::of("n", self.below(4)).expect("a tag")
    }
    fn key(&mut self) -> Bytes {
        vec![b'k'; usize::from(self.below(5))].into()
    }
}

fn names() -> LoggedTable {
    LoggedTable::new("names").expect("a table")
}

fn view() -> DerivedTable {
    DerivedTable::new("view").expect("a table")
}

/// Events with a tag, of one tenant, for which there is an index, or of any.
fn tagged(source: &mut Source<'_>) -> EventQuery {
    let query = EventQuery::new([QueryItem::new().tag(source.tag())]);
    match source.below(4) {
        0 => query.any_tenant(),
        1 => query.in_tenant(Tenant::new("t").ok()),
        _ => query,
    }
}

fn commit(source: &mut Source<'_>, number: u128) -> Commit {
    let mut commit = Commit::new();
    for index in 0..source.below(4) {
        let kind = EventType::new(["x", "y"][usize::from(source.below(2))]).expect("a type");
        let mut event = NewEvent::new(source.stream(), kind, vec![7; usize::from(source.below(200))]);
        event.id = EventId::from(uuid::Uuid::from_u128(number * 16 + u128::from(index)));
        event.tags = vec![source.tag()];
        commit.events.push(event);
    }
    for _ in 0..source.below(3) {
        let value = (source.below(4) > 0).then(|| Bytes::from(vec![source.below(3)]));
        commit.rows.push(RowWrite { table: names(), key: source.key(), value });
    }
    for _ in 0..source.below(3) {
        let stream = source.stream();
        commit.conditions.push(match source.below(6) {
            0 => Condition::stream(stream, Expected::Empty),
            1 => Condition::stream(stream, Expected::Exists),
            2 => Condition::stream(stream, Expected::At(Version::from(u32::from(source.below(4))))),
            3 => Condition::Row { table: names(), key: source.key(), is: RowIs::Absent },
            4 => {
                let query = tagged(source);
                Condition::none_match(query, Position::from(u32::from(source.below(20))))
            }
            _ => Condition::stream(stream, Expected::Any),
        });
    }
    if source.below(4) == 0 {
        let key = IdempotencyKey::new(format!("key-{}", source.below(3))).expect("a key");
        let digest = Digest::of(&[&[source.below(2)]]);
        commit.once = Some(Once { key, digest, answer: Bytes::new() });
    }
    if source.below(24) == 0 {
        commit.rows.push(RowWrite::close(&source.stream()));
    }
    commit
}

/// The answer to one operation, as text. Which match a boundary names is the store's choice.
async fn answer(store: &dyn Store, source: &mut Source<'_>, number: u128) -> String {
    match source.below(8) {
        0..=3 => {
            let answer = format!("{:?}", store.commit(commit(source, number)).await);
            answer.split("found: Position").next().unwrap_or_default().to_owned()
        }
        4 => {
            let value = (source.below(4) > 0).then(|| Bytes::from(vec![source.below(3)]));
            let rows = vec![DerivedWrite { table: view(), key: source.key(), value }];
            format!("{:?}", store.apply(RowBatch { rows, ..RowBatch::default() }).await)
        }
        5 => {
            let read = ReadStream::all(source.stream()).after(Version::from(u32::from(source.below(5))));
            let read = if source.below(2) == 0 { read.backward() } else { read };
            format!("{:?}", store.read_stream(read).try_collect::<Vec<_>>().await)
        }
        6 => {
            let read = ReadLog::of(tagged(source)).after(Position::from(u32::from(source.below(10))));
            let read = if source.below(2) == 0 { read.backward() } else { read };
            format!("{:?}", store.read_log(read.limit(u64::from(source.below(9)))).try_collect::<Vec<_>>().await)
        }
        _ => {
            let scan = if source.below(2) == 0 { Scan::all(names()) } else { Scan::all(view()) };
            let scan = scan.after(source.key()).limit(usize::from(source.below(5)) + 1);
            format!("{:?}", first_row(store, scan).await)
        }
    }
}

/// The first row of a scan. Pages may differ from store to store, and be empty where rows were deleted.
async fn first_row(store: &dyn Store, mut scan: Scan) -> Result<Option<(Bytes, Bytes)>, ReadError> {
    loop {
        let page = store.scan(scan).await?;
        if let Some(row) = page.rows.into_iter().next() {
            return Ok(Some(row));
        }
        let Some(next) = page.next else { return Ok(None) };
        scan = next;
    }
}

/// Operations that the bytes say, on both stores; the embedded one is opened again where they say so.
pub fn operations(bytes: &[u8]) {
    let clock = Arc::new(FixedClock(Timestamp::EPOCH));
    let reference = MemoryStore::with(Limits::default(), clock.clone());
    let folder = folder();
    let batch = if bytes.first().is_some_and(|byte| byte % 2 == 0) { 1 } else { 60_000 };
    let open = || {
        let options = SledOptions::new(folder.path()).clock(clock.clone()).index_batch_entries(batch);
        SledStore::open(options).expect("it opens")
    };
    runtime().block_on(async {
        let mut store = open();
        let mut source = Source(bytes.iter());
        for number in 0..200 {
            if source.is_over() {
                break;
            }
            if source.below(64) == 1 {
                store.shut_down().await;
                store = open();
            }
            let mut again = Source(source.0.clone());
            let wanted = answer(&reference, &mut source, number).await;
            let found = answer(&store, &mut again, number).await;
            assert_eq!(found, wanted, "operation {number}");
        }
        let whole = |records: Result<Vec<_>, _>| format!("{records:?}");
        let wanted = whole(reference.read_log(ReadLog::all()).try_collect().await);
        assert_eq!(whole(store.read_log(ReadLog::all()).try_collect().await), wanted);
        store.shut_down().await;
    });
}

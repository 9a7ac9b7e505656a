//! Short ways to write down what goes into a store and to see what is in it.

use std::{future::Future, sync::Arc, time::Duration};

use annals_core::{
    Commit, CommitError, Condition, DerivedTable, DerivedWrite, Digest, EventQuery, EventType, Expected, Failure, Head,
    IdempotencyKey, LoggedTable, NewEvent, Once, Position, QueryItem, ReadLog, ReadStream, Receipt, Record, RowWrite,
    Scan, Store, StreamId, Table, Tag, Tenant, Version,
};
use bytes::Bytes;
use futures::TryStreamExt;

/// A handle on the store under test.
pub(crate) type Handle = Arc<dyn Store>;

/// How long a case waits for something that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Awaits `future`, and fails when it takes longer than [`PATIENCE`].
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} did not happen within {PATIENCE:?}"),
    }
}

/// The stream id `text`.
pub(crate) fn stream(text: &str) -> StreamId {
    text.parse().expect("a valid stream id")
}

/// The tenant `text`.
pub(crate) fn tenant(text: &str) -> Tenant {
    Tenant::new(text).expect("a valid tenant")
}

/// The event type `text`.
pub(crate) fn event_type(text: &str) -> EventType {
    EventType::new(text).expect("a valid event type")
}

/// The tag `text`.
pub(crate) fn tag(text: &str) -> Tag {
    Tag::new(text).expect("a valid tag")
}

/// The version `number`.
pub(crate) fn version(number: u64) -> Version {
    Version::new(number).expect("a valid version")
}

/// The position `number`.
pub(crate) fn position(number: u64) -> Position {
    Position::new(number).expect("a valid position")
}

/// An event of this stream and type, its payload the two names.
pub(crate) fn event(stream_id: &str, kind: &str) -> NewEvent {
    NewEvent::new(stream(stream_id), event_type(kind), format!("{stream_id} {kind}").into_bytes())
}

/// An event with tags.
pub(crate) fn tagged(stream_id: &str, kind: &str, tags: &[&str]) -> NewEvent {
    NewEvent { tags: tags.iter().copied().map(tag).collect(), ..event(stream_id, kind) }
}

/// `count` events of a stream, of type `noted`.
pub(crate) fn events(stream_id: &str, count: usize) -> Vec<NewEvent> {
    (0..count).map(|_| event(stream_id, "noted")).collect()
}

/// A commit that appends `count` events to a stream that is where it is `expected`.
pub(crate) fn append(stream_id: &str, count: usize, expected: Expected) -> Commit {
    Commit::of(events(stream_id, count)).when(Condition::stream(stream(stream_id), expected))
}

/// Exactly at version `number`.
pub(crate) fn at(number: u64) -> Expected {
    Expected::At(version(number))
}

/// A logged table.
pub(crate) fn table(name: &str) -> LoggedTable {
    LoggedTable::new(name).expect("a valid table")
}

/// A derived table.
pub(crate) fn derived(name: &str) -> DerivedTable {
    DerivedTable::new(name).expect("a valid table")
}

/// Sets a row of a logged table.
pub(crate) fn put(name: &str, key: &str, value: &str) -> RowWrite {
    RowWrite::put(table(name), key.to_owned(), value.to_owned())
}

/// Sets a row of a derived table.
pub(crate) fn derived_put(name: &str, key: &str, value: &str) -> DerivedWrite {
    let value = Some(Bytes::copy_from_slice(value.as_bytes()));
    DerivedWrite { table: derived(name), key: Bytes::copy_from_slice(key.as_bytes()), value }
}

/// A key with the digest of `request`, answered with `answer`.
pub(crate) fn once(key: &str, request: &str, answer: &str) -> Once {
    Once {
        key: IdempotencyKey::new(key).expect("a valid key"),
        digest: Digest::of(&[request.as_bytes()]),
        answer: Bytes::copy_from_slice(answer.as_bytes()),
    }
}

/// The records of one type.
pub(crate) fn of_type(kind: &str) -> QueryItem {
    QueryItem::new().event_type(event_type(kind))
}

/// The records with all of these tags.
pub(crate) fn of_tags(tags: &[&str]) -> QueryItem {
    tags.iter().fold(QueryItem::new(), |item, text| item.tag(tag(text)))
}

/// A query of these alternatives.
pub(crate) fn any_of(items: impl IntoIterator<Item = QueryItem>) -> EventQuery {
    EventQuery::new(items)
}

/// Commits, which must succeed.
pub(crate) async fn commit(store: &Handle, commit: Commit) -> Receipt {
    store.commit(commit).await.expect("the commit holds")
}

/// Commits, which must fail with a conflict, and gives its failures.
pub(crate) async fn conflict(store: &Handle, commit: Commit) -> Vec<Failure> {
    match store.commit(commit).await {
        Err(CommitError::Conflict { failures }) => failures,
        other => panic!("expected a conflict, found {other:?}"),
    }
}

/// Everything that a read of the log gives.
pub(crate) async fn read_log(store: &Handle, read: ReadLog) -> Vec<Record> {
    store.read_log(read).try_collect().await.expect("the log reads")
}

/// The whole log.
pub(crate) async fn log(store: &Handle) -> Vec<Record> {
    read_log(store, ReadLog::all()).await
}

/// Everything that a read of a stream gives.
pub(crate) async fn read_stream(store: &Handle, read: ReadStream) -> Vec<Record> {
    store.read_stream(read).try_collect().await.expect("the stream reads")
}

/// A whole stream.
pub(crate) async fn all_of(store: &Handle, stream_id: &str) -> Vec<Record> {
    read_stream(store, ReadStream::all(stream(stream_id))).await
}

/// The versions of a whole stream.
pub(crate) async fn versions_of(store: &Handle, stream_id: &str) -> Vec<u64> {
    all_of(store, stream_id).await.iter().map(|record| record.version().get()).collect()
}

/// The positions of records.
pub(crate) fn positions(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.position().get()).collect()
}

/// One row.
pub(crate) async fn row(store: &Handle, table: impl Into<Table>, key: impl Into<Bytes>) -> Option<Bytes> {
    let mut rows = store.get(&[(table.into(), key.into())]).await.expect("the row reads");
    assert_eq!(rows.len(), 1, "one answer for one key");
    rows.remove(0)
}

/// All rows of a scan, page after page.
pub(crate) async fn rows(store: &Handle, scan: Scan) -> Vec<(Bytes, Bytes)> {
    let mut rows = Vec::new();
    let mut next = Some(scan);
    while let Some(scan) = next {
        let page = store.scan(scan).await.expect("the page reads");
        rows.extend(page.rows);
        assert!(rows.len() <= 100_000, "the pages do not end");
        next = page.next;
    }
    rows
}

/// All keys of a scan, as text.
pub(crate) async fn keys(store: &Handle, scan: Scan) -> Vec<String> {
    let text = |key: Bytes| String::from_utf8(key.to_vec()).expect("the key is text");
    rows(store, scan).await.into_iter().map(|(key, _)| text(key)).collect()
}

/// How far the store has come.
pub(crate) fn head(store: &Handle) -> Head {
    *store.head().borrow()
}

/// What a store holds, as far as a case can have changed it.
#[derive(Debug, PartialEq)]
pub(crate) struct Contents {
    head: Head,
    log: Vec<Record>,
    rows: Vec<Vec<(Bytes, Bytes)>>,
}

impl Contents {
    /// The same without derived rows, which a store may lose.
    #[must_use]
    pub(crate) fn logged(mut self) -> Self {
        self.rows.drain(..DERIVED);
        self
    }
}

const DERIVED: usize = 2;

/// What the store holds: the log, the store's own tables and the tables `names` and `view`.
pub(crate) async fn contents(store: &Handle) -> Contents {
    let acme = Some(tenant("acme"));
    let mut tables: Vec<Table> = vec![derived("view").into(), DerivedTable::GENERATION.into()];
    for table in LoggedTable::SYSTEM.into_iter().chain([table("names")]) {
        tables.push(table.clone().in_tenant(acme.clone()).into());
        tables.push(table.into());
    }
    let mut contents = Contents { head: head(store), log: log(store).await, rows: Vec::new() };
    for table in tables {
        contents.rows.push(rows(store, Scan::all(table)).await);
    }
    contents
}

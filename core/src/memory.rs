//! The reference store: all in memory, nothing on disk, everything else as the contract says.
//!
//! Written to be read by the author of the next store: each method is the contract's sentence in the plainest code.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::sync::watch;

use crate::{
    ApplyError, AsOf, Clock, Commit, CommitError, DerivedTable, Direction, EventQuery, Generation, Head, Limits,
    LoggedTable, NameKey, PAGE_ROWS_MAX, Page, Position, ReadError, ReadLog, ReadStream, Receipt, Record, RowBatch,
    Scan, Store, StreamId, SystemClock, Table, Timestamp, Version,
    judge::{Ledger, Placement, Verdict, judge, nothing_written},
};

/// A store that lives in memory. Cloning gives another handle on the same store.
///
/// For tests and experiments: it checks, orders and encodes exactly like the durable stores, and forgets everything
/// when the last handle is dropped.
#[derive(Clone)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

struct Inner {
    state: RwLock<State>,
    head: watch::Receiver<Head>,
    limits: Limits,
    clock: Arc<dyn Clock>,
}

/// Everything that the store holds. A record is kept once, in `log`; streams hold indexes into it.
#[derive(Default)]
struct State {
    log: Vec<Record>,
    streams: HashMap<StreamId, Vec<usize>>,
    rows: BTreeMap<Table, BTreeMap<Bytes, Bytes>>,
    head: Head,
    latest: Timestamp,
    name_key: Option<NameKey>,
    /// Gone when the store is shut down, which also wakes those who wait for the next commit.
    signal: Option<watch::Sender<Head>>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store with the default limits and the system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Limits::default(), Arc::new(SystemClock))
    }

    /// An empty store with these limits and this clock.
    #[must_use]
    pub fn with(limits: Limits, clock: Arc<dyn Clock>) -> Self {
        let (signal, head) = watch::channel(Head::default());
        let mut state = State { signal: Some(signal), ..State::default() };
        state.put(DerivedTable::GENERATION.into(), Bytes::new(), Some(Generation::random().to_row()));
        Self { inner: Arc::new(Inner { state: RwLock::new(state), head, limits, clock }) }
    }

    /// Runs `read` on the state. A panic in another holder cannot leave it half changed: see [`State::write`].
    fn read<R>(&self, read: impl FnOnce(&State) -> R) -> R {
        read(&self.inner.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<R>(&self, write: impl FnOnce(&mut State) -> R) -> R {
        write(&mut self.inner.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        self.inner.limits.check(&commit)?;
        let now = self.inner.clock.now();
        self.write(|state| {
            if state.signal.is_none() {
                return Err(CommitError::ShutDown);
            }
            let receipt = state.commit(&commit, now)?;
            // Still under the lock, so that heads are sent in the order of commits.
            if let Some(signal) = &state.signal {
                signal.send_if_modified(|head| std::mem::replace(head, state.head) != state.head);
            }
            Ok(receipt)
        })
    }

    async fn apply(&self, batch: RowBatch) -> Result<(), ApplyError> {
        self.inner.limits.check_batch(&batch.rows)?;
        self.write(|state| {
            state.check_open()?;
            state.apply(batch)
        })
    }

    fn read_stream(&self, read: ReadStream) -> BoxStream<'_, Result<Record, ReadError>> {
        give(self.read(|state| Ok(state.check_open()?.read_stream(&read))))
    }

    fn read_log(&self, read: ReadLog) -> BoxStream<'_, Result<Record, ReadError>> {
        give(self.read(|state| Ok(state.check_open()?.read_log(&read))))
    }

    async fn get(&self, keys: &[(Table, Bytes)]) -> Result<Vec<Option<Bytes>>, ReadError> {
        self.read(|state| {
            let state = state.check_open()?;
            Ok(keys.iter().map(|(table, key)| state.get(table, key)).collect())
        })
    }

    async fn scan(&self, scan: Scan) -> Result<Page, ReadError> {
        self.read(|state| Ok(state.check_open()?.scan(scan)))
    }

    async fn name_key(&self, make: bool) -> Result<Option<NameKey>, ReadError> {
        self.write(|state| {
            state.check_open()?;
            if state.name_key.is_none() && make {
                state.name_key = Some(NameKey::random()?);
            }
            Ok(state.name_key.clone())
        })
    }

    fn head(&self) -> watch::Receiver<Head> {
        let mut head = self.inner.head.clone();
        drop(head.borrow_and_update());
        head
    }

    async fn shut_down(&self) {
        self.write(|state| state.signal = None);
    }
}

fn give(records: Result<Vec<Record>, ReadError>) -> BoxStream<'static, Result<Record, ReadError>> {
    match records {
        Ok(records) => stream::iter(records.into_iter().map(Ok)).boxed(),
        Err(error) => stream::iter([Err(error)]).boxed(),
    }
}

impl State {
    fn check_open(&self) -> Result<&Self, ReadError> {
        if self.signal.is_none() { Err(ReadError::ShutDown) } else { Ok(self) }
    }

    fn commit(&mut self, commit: &Commit, now: Timestamp) -> Result<Receipt, CommitError> {
        match judge(commit, self)? {
            Verdict::Repeated(receipt) => return Ok(receipt),
            Verdict::Nothing => return Ok(nothing_written(self.head, self.latest)),
            Verdict::Write => {}
        }
        let placement = Placement::behind(self.head, self.latest, now, commit, self)?;
        self.write(commit, &placement);
        Ok(placement.receipt(commit))
    }

    /// Nothing in here can fail or panic: it is all or nothing by being all.
    fn write(&mut self, commit: &Commit, placement: &Placement) {
        for record in placement.records(commit) {
            self.streams.entry(record.stream().clone()).or_default().push(self.log.len());
            self.log.push(record);
        }
        for row in commit.rows.iter().cloned().chain(placement.system_rows(commit)) {
            self.put(row.table.into(), row.key, row.value);
        }
        self.head = placement.head();
        self.latest = placement.recorded;
    }

    fn apply(&mut self, batch: RowBatch) -> Result<(), ApplyError> {
        if let Some(expected) = batch.generation {
            let row = self.get(&DerivedTable::GENERATION.into(), b"");
            match row.as_deref().and_then(Generation::from_row) {
                Some(actual) if actual != expected => return Err(ApplyError::GenerationLost { expected, actual }),
                _ => {}
            }
        }
        if let Some(epoch) = batch.epoch {
            let (table, key) = epoch.row();
            epoch.check(self.get(&table.into(), &key).as_deref())?;
        }
        let failed: Vec<_> = batch
            .conditions
            .into_iter()
            .filter(|condition| {
                !condition.is.holds(self.get(&condition.table.clone().into(), &condition.key).as_deref())
            })
            .collect();
        if !failed.is_empty() {
            return Err(ApplyError::Conflict { failed });
        }
        let mut rows = batch.rows.into_iter().peekable();
        while let Some(first) = rows.next() {
            // Those of one table are together as a rule, and it is looked for once.
            let table = self.rows.entry(first.table.clone().into()).or_default();
            let mut next = Some(first.clone());
            while let Some(row) = next {
                put(table, row.key, row.value);
                next = rows.next_if(|next| next.table == first.table);
            }
        }
        Ok(())
    }

    fn read_stream(&self, read: &ReadStream) -> Vec<Record> {
        let records = self.streams.get(&read.stream).into_iter().flatten().filter_map(|index| self.log.get(*index));
        let seen = records
            .filter(|record| record.version() >= read.from && record.version() <= read.to && read.as_of.sees(record));
        take(seen, read.direction, read.limit)
    }

    fn read_log(&self, read: &ReadLog) -> Vec<Record> {
        let start = usize::try_from(read.after.get()).unwrap_or(usize::MAX).min(self.log.len());
        let records = self.log.get(start..).into_iter().flatten();
        let seen = records.filter(|record| read.as_of.sees(record) && read.query.matches(record));
        take(seen, read.direction, read.limit)
    }

    fn get(&self, table: &Table, key: &[u8]) -> Option<Bytes> {
        self.rows.get(table)?.get(key).cloned()
    }

    fn put(&mut self, table: Table, key: Bytes, value: Option<Bytes>) {
        put(self.rows.entry(table).or_default(), key, value);
    }

    fn scan(&self, scan: Scan) -> Page {
        if scan.is_empty_range() {
            return Page { rows: Vec::new(), next: None };
        }
        let limit = scan.limit.clamp(1, PAGE_ROWS_MAX);
        let range = self.rows.get(&scan.table).into_iter().flat_map(|rows| rows.range(scan.range.clone()));
        let copy = |(key, value): (&Bytes, &Bytes)| (key.clone(), value.clone());
        // One more than asked for tells whether there is a next page.
        let mut rows: Vec<_> = match scan.direction {
            Direction::Forward => range.map(copy).take(limit + 1).collect(),
            Direction::Backward => range.rev().map(copy).take(limit + 1).collect(),
        };
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|(last, _)| scan.behind(last.clone()));
        if let Some(table) = &scan.lookup {
            let found = |(entry, key): (Bytes, Bytes)| Some((entry, self.get(table, &key)?));
            rows = rows.into_iter().filter_map(found).collect();
        }
        Page { rows, next }
    }
}

fn put(rows: &mut BTreeMap<Bytes, Bytes>, key: Bytes, value: Option<Bytes>) {
    match value {
        Some(value) => rows.insert(key, value),
        None => rows.remove(&key),
    };
}

fn take<'a>(
    records: impl DoubleEndedIterator<Item = &'a Record>,
    direction: Direction,
    limit: Option<u64>,
) -> Vec<Record> {
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    match direction {
        Direction::Forward => records.take(limit).cloned().collect(),
        Direction::Backward => records.rev().take(limit).cloned().collect(),
    }
}

impl Ledger for State {
    fn version(&mut self, stream: &StreamId) -> Result<Version, ReadError> {
        let count = self.streams.get(stream).map_or(0, Vec::len);
        Ok(Version::new(count as u64).unwrap_or(Version::MAX))
    }

    fn row(&mut self, table: &LoggedTable, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        Ok(self.get(&table.clone().into(), key))
    }

    fn find_match(&mut self, _: usize, query: &EventQuery, after: Position) -> Result<Option<Position>, ReadError> {
        let read = ReadLog { as_of: AsOf::Now, ..ReadLog::of(query.clone()).after(after).limit(1) };
        Ok(self.read_log(&read).first().map(|record| record.position()))
    }
}

//! Events that were set aside: those that failed, and those of the same key behind them.

mod history;

use std::{collections::HashMap, sync::Arc, time::Duration};

use annals_core::{
    DerivedTable, DerivedWrite, InvalidText, Position, ReadError, Record, Scan, Tenant, Timestamp,
    codec::{self, EncodeError, PayloadError},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{KeyBytes, consumer::Consumer};

pub(crate) use history::History;
use history::UnparkedRow;
pub use history::{Outcome, Unparked};

/// The events of one key that a projection has set aside: one that failed, and those behind it.
///
/// No payload is kept: what is taken in later is the record as it is in the log, through the code of that time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedKey {
    /// Whose events they are.
    pub tenant: Option<Tenant>,
    /// The lane key: its bytes name the key in calls.
    pub key: KeyBytes,
    /// The stream of the event that failed.
    pub stream: String,
    /// The event that failed.
    pub position: Position,
    /// Why, the last time.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The latest of these attempts, up to 8, the oldest first.
    pub failures: Vec<FailedAttempt>,
    /// When it failed first.
    pub since: Timestamp,
    /// When it failed last.
    pub latest: Timestamp,
    /// How many events are set aside, that one included.
    pub events: usize,
    /// Whether it will be tried again without anybody asking for it.
    pub retrying: bool,
}

/// An attempt to take an event in that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FailedAttempt {
    /// When.
    pub at: Timestamp,
    /// Why; the beginning of it where it is long.
    pub error: String,
}

/// What is stored of a parked key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ParkedRow {
    tenant: Option<String>,
    key: Bytes,
    stream: String,
    position: Position,
    error: String,
    attempts: u32,
    since: Timestamp,
    latest: Timestamp,
    /// No attempt is left.
    given_up: bool,
    /// When it is to be tried again, otherwise. A row that does not say so is tried at once.
    #[serde(default)]
    due: Option<Timestamp>,
    /// The latest attempts, the oldest first.
    #[serde(default)]
    failures: Vec<FailedAttempt>,
}

/// What a lane has set aside.
pub(crate) struct Parked {
    consumer: Arc<Consumer>,
    keys: HashMap<ParkedId, Aside>,
    /// What is to be written with the batch.
    writes: Vec<DerivedWrite>,
}

/// What tells parked keys apart: the tenant and the lane key, as bytes.
pub(crate) type ParkedId = KeyBytes;

struct Aside {
    row: ParkedRow,
    events: usize,
    /// When it is to be tried again.
    due: Option<Instant>,
}

/// A row that says what is parked, and is not one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ParkedError {
    #[error("a row of parked events {0}")]
    Row(#[from] PayloadError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Tenant(#[from] InvalidText),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Kinds of rows under a parked key.
const OF_KEY: u8 = 0;
const OF_EVENT: u8 = 1;

/// How many parked events are read at once.
pub(crate) const SLICE: usize = 256;

/// How many failed attempts are kept of an event, and how much of the error of each.
const FAILURES_KEPT: usize = 8;
const ERROR_BYTES_KEPT: usize = 1024;

impl Parked {
    pub(crate) fn new(consumer: Arc<Consumer>) -> Self {
        Self { consumer, keys: HashMap::new(), writes: Vec::new() }
    }

    /// Reads what is stored of the keys of lane `lane`.
    pub(crate) async fn load(consumer: &Arc<Consumer>, lane: usize) -> Result<Self, ParkedError> {
        consumer.history.forget().await;
        let mut parked = Self::new(Arc::clone(consumer));
        let mut scan = Some(Scan::prefix(DerivedTable::PARKED, Bytes::copy_from_slice(consumer.key().as_slice())));
        let mut latest: Option<ParkedId> = None;
        while let Some(next) = scan {
            let page = consumer.rows.scan(next).await?;
            for (key, value) in page.rows {
                if value.is_empty() {
                    if let Some(aside) = latest.as_ref().and_then(|id| parked.keys.get_mut(id)) {
                        aside.take_in(position_of(&key));
                    }
                    continue;
                }
                let row: ParkedRow = codec::decode(&value)?;
                let mut key = KeyBytes::new();
                key.push_raw(&row.key);
                latest = consumer.is_of_lane(&key, lane).then(|| id(row.tenant.as_deref(), &key));
                if let Some(id) = latest.clone() {
                    let due = (!row.given_up).then(|| Instant::now() + row.pause_left(consumer.options.retry.max));
                    parked.keys.insert(id, Aside { row, events: 0, due });
                }
            }
            scan = page.next;
        }
        Ok(parked)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(crate) fn has(&self, id: &ParkedId) -> bool {
        self.keys.contains_key(id)
    }

    /// Whether the key will be tried again without anybody asking for it.
    pub(crate) fn is_retrying(&self, id: &ParkedId) -> bool {
        self.keys.get(id).is_some_and(|aside| aside.due.is_some())
    }

    /// How many events are set aside.
    pub(crate) fn events(&self) -> usize {
        self.keys.values().map(|aside| aside.events).sum()
    }

    /// How many keys are set aside for good, and how many are to be tried again.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let retrying = self.keys.values().filter(|aside| aside.due.is_some()).count();
        (self.keys.len() - retrying, retrying)
    }

    /// What is set aside.
    pub(crate) fn list(&self) -> Result<Vec<ParkedKey>, ParkedError> {
        self.keys.values().map(Aside::show).collect()
    }

    /// Sets a record aside behind what failed of its key.
    pub(crate) fn queue(&mut self, id: &ParkedId, position: Position) {
        if let Some(aside) = self.keys.get_mut(id) {
            aside.events += 1;
            self.put(id, OF_EVENT, Some(position), Some(Bytes::new()));
        }
    }

    /// Notes that `record` failed, the first of its key. `pause` says when it is tried again, if it is.
    pub(crate) fn park(
        &mut self,
        key: &KeyBytes,
        record: &Record,
        error: &str,
        attempts: u32,
        pause: Option<Duration>,
    ) -> Result<(), ParkedError> {
        let id = id(record.stream().tenant(), key);
        let now = Timestamp::now();
        let known = self.keys.get(&id);
        let events = known.map_or(0, |aside| aside.events);
        let same = known.map(|aside| &aside.row).filter(|row| row.position == record.position());
        let mut failures = same.map(|row| row.failures.clone()).unwrap_or_default();
        failures.push(FailedAttempt { at: now, error: shortened(error) });
        failures.drain(..failures.len().saturating_sub(FAILURES_KEPT));
        let row = ParkedRow {
            tenant: record.stream().tenant().map(str::to_owned),
            key: Bytes::copy_from_slice(key.as_slice()),
            stream: record.stream().as_str().to_owned(),
            position: record.position(),
            error: error.to_owned(),
            attempts,
            since: same.map_or(now, |row| row.since),
            latest: now,
            given_up: pause.is_none(),
            due: pause.map(|pause| now.saturating_add(pause)),
            failures,
        };
        let is_new = known.is_none();
        let bytes = codec::encode("parked key", &row)?;
        let due = pause.map(|pause| Instant::now() + pause);
        self.keys.insert(id.clone(), Aside { row, events, due });
        self.put(&id, OF_KEY, None, Some(bytes));
        if is_new {
            self.queue(&id, record.position());
        }
        Ok(())
    }

    /// The event of the key that failed, if any is parked.
    pub(crate) fn failed(&self, id: &ParkedId) -> Option<Position> {
        self.keys.get(id).map(|aside| aside.row.position)
    }

    /// How often the first event of the key was tried.
    pub(crate) fn attempts(&self, id: &ParkedId, position: Position) -> u32 {
        self.keys.get(id).filter(|aside| aside.row.position == position).map_or(0, |aside| aside.row.attempts)
    }

    /// The parked events of a key, the oldest first: not more than a slice.
    pub(crate) async fn slice(&self, id: &ParkedId) -> Result<Vec<Position>, ReadError> {
        let mut prefix = self.consumer.key();
        prefix.push_raw(id.as_slice());
        prefix.push_raw(&[OF_EVENT]);
        let prefix = Bytes::copy_from_slice(prefix.as_slice());
        let mut positions = Vec::new();
        let mut scan = Some(Scan::prefix(DerivedTable::PARKED, prefix.clone()).limit(SLICE));
        while let Some(next) = scan.filter(|_| positions.len() < SLICE) {
            let page = self.consumer.rows.scan(next).await?;
            let tails = page.rows.iter().filter_map(|(key, _)| key.get(prefix.len()..)?.try_into().ok());
            positions.extend(tails.filter_map(|tail| Position::new(u64::from_be_bytes(tail)).ok()));
            scan = page.next;
        }
        Ok(positions)
    }

    /// Notes that the oldest parked event of a key is done, and how; the key goes on when it was the last.
    pub(crate) async fn done(
        &mut self,
        id: &ParkedId,
        position: Position,
        outcome: Outcome,
    ) -> Result<(), ParkedError> {
        let Some(aside) = self.keys.get_mut(id) else { return Ok(()) };
        if let Some(row) = aside.unparked(position, outcome) {
            self.writes.extend(History::add(&self.consumer, &row).await?);
        }
        aside.events = aside.events.saturating_sub(1);
        let last = aside.events == 0;
        self.put(id, OF_EVENT, Some(position), None);
        if last {
            self.keys.remove(id);
            self.put(id, OF_KEY, None, None);
        }
        Ok(())
    }

    /// Notes that everything that is parked of a key is done.
    pub(crate) async fn release(&mut self, id: &ParkedId) -> Result<(), ParkedError> {
        let Some(aside) = self.keys.get(id) else { return Ok(()) };
        let (position, attempts) = (aside.row.position, aside.row.attempts.saturating_add(1));
        if let Some(row) = aside.unparked(position, Outcome::TakenIn { attempts }) {
            self.writes.extend(History::add(&self.consumer, &row).await?);
        }
        let mut prefix = self.consumer.key();
        prefix.push_raw(id.as_slice());
        let mut scan = Some(Scan::prefix(DerivedTable::PARKED, Bytes::copy_from_slice(prefix.as_slice())));
        while let Some(next) = scan {
            let page = self.consumer.rows.scan(next).await?;
            let delete = |(key, _)| DerivedWrite { table: DerivedTable::PARKED, key, value: None };
            self.writes.extend(page.rows.into_iter().map(delete));
            scan = page.next;
        }
        self.keys.remove(id);
        Ok(())
    }

    /// Notes that nothing is parked of a key.
    pub(crate) fn drop_key(&mut self, id: &ParkedId) {
        if self.keys.remove(id).is_some() {
            self.put(id, OF_KEY, None, None);
        }
    }

    /// The key that is to be tried again first, and when.
    pub(crate) fn next_due(&self) -> Option<(Instant, ParkedId)> {
        let due = self.keys.iter().filter_map(|(id, aside)| Some((aside.due?, id)));
        due.min().map(|(due, id)| (due, id.clone()))
    }

    /// What is to be written with the batch.
    pub(crate) fn writes(&self) -> &[DerivedWrite] {
        &self.writes
    }

    /// What was to be written is stored.
    pub(crate) fn settle(&mut self) {
        self.writes.clear();
    }

    fn put(&mut self, id: &ParkedId, kind: u8, position: Option<Position>, value: Option<Bytes>) {
        let mut key = self.consumer.key();
        key.push_raw(id.as_slice());
        key.push_raw(&[kind]);
        if let Some(position) = position {
            key.push_raw(&position.get().to_be_bytes());
        }
        let key = Bytes::copy_from_slice(key.as_slice());
        self.writes.push(DerivedWrite { table: DerivedTable::PARKED, key, value });
    }
}

impl Aside {
    /// Counts an event that is stored as set aside. The first of them is the one that all wait for: a replay that was cut off has
    /// taken in those before it, that which failed among them.
    fn take_in(&mut self, position: Option<Position>) {
        if let Some(first) = position.filter(|position| self.events == 0 && *position != self.row.position) {
            self.row.error = format!("not tried since record {} was taken in: {}", self.row.position, self.row.error);
            (self.row.position, self.row.attempts) = (first, 0);
            self.row.failures.clear();
        }
        self.events += 1;
    }

    /// What is to be kept of the event at `position` now that it is done: of one that failed, or was discarded.
    fn unparked(&self, position: Position, outcome: Outcome) -> Option<UnparkedRow> {
        let is_discarded = matches!(outcome, Outcome::Discarded { .. });
        let is_first = self.row.position == position;
        (is_first && (self.row.attempts > 0 || is_discarded)).then(|| UnparkedRow {
            tenant: self.row.tenant.clone(),
            key: self.row.key.clone(),
            stream: self.row.stream.clone(),
            position,
            error: self.row.error.clone(),
            since: self.row.since,
            until: Timestamp::now(),
            events: self.events,
            outcome,
        })
    }

    fn show(&self) -> Result<ParkedKey, ParkedError> {
        let row = self.row.clone();
        let mut key = KeyBytes::new();
        key.push_raw(&row.key);
        Ok(ParkedKey {
            tenant: row.tenant.map(Tenant::new).transpose()?,
            key,
            stream: row.stream,
            position: row.position,
            error: row.error,
            attempts: row.attempts,
            failures: row.failures,
            since: row.since,
            latest: row.latest,
            events: self.events,
            retrying: self.due.is_some(),
        })
    }
}

impl ParkedRow {
    /// How long it is until the next attempt: not longer than `max`, whatever became of the clock.
    fn pause_left(&self, max: Duration) -> Duration {
        let micros = self.due.map_or(0, |due| due.as_micros().saturating_sub(Timestamp::now().as_micros()));
        Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(max)
    }
}

/// The beginning of an error.
fn shortened(error: &str) -> String {
    let end = error.floor_char_boundary(ERROR_BYTES_KEPT);
    error.get(..end).unwrap_or_default().to_owned()
}

/// Which event a row stands for, by the end of its key.
fn position_of(key: &[u8]) -> Option<Position> {
    let (_, position) = key.split_last_chunk()?;
    Position::new(u64::from_be_bytes(*position)).ok()
}

/// What tells the parked key of `tenant` from others.
pub(crate) fn id(tenant: Option<&str>, key: &KeyBytes) -> ParkedId {
    let mut id = KeyBytes::of(&tenant);
    id.push_bytes(key.as_slice());
    id
}

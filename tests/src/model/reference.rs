//! The model: plain maps and lists, everything computed anew from what was committed.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use annals_core::{
    ApplyError, AsOf, Commit, CommitNumber, Condition, DerivedTable, Digest, Direction, EventQuery, Expected, Failure,
    Generation, Head, IdempotencyKey, LoggedTable, Once, Position, ReadLog, ReadStream, Receipt, Record, RecordParts,
    Repetition, RowBatch, RowIs, Scan, StreamId, Table, TenantScope, Timestamp, Version,
};
use bytes::Bytes;

type Rows = BTreeMap<Bytes, Bytes>;

/// What a commit must come to.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    Done(Receipt),
    Conflict(Vec<Failure>),
    Closed(Vec<StreamId>, Vec<Failure>),
    KeyReused(IdempotencyKey, Digest, Digest),
}

/// Everything that was committed and applied.
#[derive(Default)]
pub(super) struct Model {
    log: Vec<Record>,
    commits: u64,
    latest: Timestamp,
    logged: BTreeMap<LoggedTable, Rows>,
    derived: BTreeMap<DerivedTable, Rows>,
    keys: BTreeMap<IdempotencyKey, (Digest, Receipt)>,
    closed: BTreeSet<StreamId>,
}

impl Model {
    pub(super) fn head(&self) -> Head {
        Head { commit: number(self.commits), position: position(self.log.len() as u64) }
    }

    pub(super) fn version(&self, stream: &StreamId) -> u64 {
        self.log.iter().filter(|record| *record.stream() == *stream).count() as u64
    }

    pub(super) fn commit(&mut self, commit: &Commit, now: Timestamp) -> Outcome {
        if let Some(once) = &commit.once
            && let Some((digest, receipt)) = self.keys.get(&once.key)
        {
            if *digest != once.digest {
                return Outcome::KeyReused(once.key.clone(), *digest, once.digest);
            }
            return Outcome::Done(Receipt { repeated: true, ..receipt.clone() });
        }
        let failures: Vec<_> = commit.conditions.iter().filter_map(|condition| self.failure(condition)).collect();
        let mut closed: Vec<StreamId> = Vec::new();
        for event in &commit.events {
            if self.closed.contains(&event.stream) && !closed.contains(&event.stream) {
                closed.push(event.stream.clone());
            }
        }
        if !closed.is_empty() {
            return Outcome::Closed(closed, failures);
        }
        if !failures.is_empty() {
            return Outcome::Conflict(failures);
        }
        Outcome::Done(self.write(commit, now))
    }

    fn failure(&self, condition: &Condition) -> Option<Failure> {
        match condition.clone() {
            Condition::Stream { stream, expected } => {
                let actual = self.version(&stream);
                let holds = match expected {
                    Expected::Any => true,
                    Expected::Empty => actual == 0,
                    Expected::Exists => actual > 0,
                    Expected::At(version) => version.get() == actual,
                };
                (!holds).then(|| Failure::Stream { stream, expected, actual: version(actual) })
            }
            Condition::NoneMatch { query, after } => {
                let found = *self.matching(&query, after).first()?;
                Some(Failure::NoneMatch { query, after, found })
            }
            Condition::Row { table, key, is } => {
                let actual = self.rows(&table.clone().into()).get(&key).cloned();
                (!row_is(&is, actual.as_ref())).then_some(Failure::Row { table, key, expected: is, actual })
            }
        }
    }

    fn write(&mut self, commit: &Commit, now: Timestamp) -> Receipt {
        if commit.writes_nothing() {
            return Receipt {
                commit: number(self.commits),
                positions: None,
                versions: vec![],
                recorded: now,
                answer: Bytes::new(),
                repeated: false,
            };
        }
        self.commits += 1;
        self.latest = self.latest.max(now);
        let before = self.log.len() as u64;
        for event in &commit.events {
            let mut tags = event.tags.clone();
            tags.sort();
            tags.dedup();
            self.log.push(Record::of(RecordParts {
                position: position(self.log.len() as u64 + 1),
                commit: number(self.commits),
                stream: &event.stream,
                version: version(self.version(&event.stream) + 1),
                id: event.id,
                event_type: &event.event_type,
                schema_version: event.schema_version,
                tags: &tags,
                metadata: &event.metadata,
                recorded: self.latest,
                occurred: event.occurred.unwrap_or(self.latest),
                payload: &event.payload,
            }));
        }
        let mut versions: Vec<(StreamId, Version)> = Vec::new();
        for event in &commit.events {
            if versions.iter().all(|(stream, _)| *stream != event.stream) {
                versions.push((event.stream.clone(), version(self.version(&event.stream))));
            }
        }
        let after = self.log.len() as u64;
        let receipt = Receipt {
            commit: number(self.commits),
            positions: (after > before).then(|| (position(before + 1), position(after))),
            versions,
            recorded: self.latest,
            answer: commit.once.as_ref().map_or_else(Bytes::new, |once| once.answer.clone()),
            repeated: false,
        };
        self.write_rows(commit);
        if let Some(Once { key, digest, .. }) = &commit.once {
            self.keys.insert(key.clone(), (*digest, receipt.clone()));
        }
        receipt
    }

    fn write_rows(&mut self, commit: &Commit) {
        for row in commit.rows.iter().cloned() {
            let text = || String::from_utf8(row.key.to_vec()).expect("a name");
            match (row.table.name(), row.value) {
                ("$closed", _) => {
                    let tenant = row.table.tenant().map_or_else(String::new, |tenant| format!("{tenant}/"));
                    self.closed.insert(format!("{tenant}{}", text()).parse().expect("a stream"));
                }
                ("$once", _) => {
                    let key = IdempotencyKey::new(text()).expect("a key").in_tenant(row.table.tenant().cloned());
                    self.keys.remove(&key);
                }
                (_, Some(value)) => drop(self.logged.entry(row.table).or_default().insert(row.key, value)),
                (_, None) => drop(self.logged.entry(row.table).or_default().remove(&row.key)),
            }
        }
    }

    /// Applies `batch` if there is no reason not to; the texts of all reasons.
    pub(super) fn apply(&mut self, batch: &RowBatch, actual: Generation) -> Vec<String> {
        let mut reasons = Vec::new();
        if let Some(expected) = batch.generation
            && expected != actual
        {
            reasons.push(ApplyError::GenerationLost { expected, actual }.to_string());
        }
        if let Some(epoch) = &batch.epoch {
            let key = Bytes::copy_from_slice(epoch.consumer.as_str().as_bytes());
            let row = self.rows(&LoggedTable::EPOCHS.into()).get(&key).cloned();
            let actual = row.map_or(0, |row| row.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
            if actual != epoch.number {
                let (consumer, expected) = (epoch.consumer.clone(), epoch.number);
                reasons.push(ApplyError::Fenced { consumer, expected, actual }.to_string());
            }
        }
        let holds = |table: &DerivedTable, key, is| row_is(is, self.derived.get(table).and_then(|rows| rows.get(key)));
        let failed =
            batch.conditions.iter().filter(|condition| !holds(&condition.table, &condition.key, &condition.is));
        let failed: Vec<_> = failed.cloned().collect();
        if !failed.is_empty() {
            reasons.push(ApplyError::Conflict { failed }.to_string());
        }
        if reasons.is_empty() {
            for row in batch.rows.iter().cloned() {
                let rows = self.derived.entry(row.table).or_default();
                match row.value {
                    Some(value) => drop(rows.insert(row.key, value)),
                    None => drop(rows.remove(&row.key)),
                }
            }
        }
        reasons
    }

    pub(super) fn lose_derived(&mut self) {
        self.derived.clear();
    }

    /// The positions behind `after` whose records match.
    pub(super) fn matching(&self, query: &EventQuery, after: Position) -> Vec<Position> {
        let behind = self.log.iter().filter(|record| record.position() > after);
        behind.filter(|record| matches(query, record)).map(|record| record.position()).collect()
    }

    pub(super) fn read_stream(&self, read: &ReadStream) -> Vec<Record> {
        let of_stream = self.log.iter().filter(|record| *record.stream() == read.stream);
        let inside = of_stream.filter(|record| read.from <= record.version() && record.version() <= read.to);
        cut(inside.filter(|record| seen(read.as_of, record)).cloned().collect(), read.direction, read.limit)
    }

    pub(super) fn read_log(&self, read: &ReadLog) -> Vec<Record> {
        let behind = self.log.iter().filter(|record| record.position() > read.after);
        let matching = behind.filter(|record| matches(&read.query, record));
        cut(matching.filter(|record| seen(read.as_of, record)).cloned().collect(), read.direction, read.limit)
    }

    pub(super) fn rows(&self, table: &Table) -> Rows {
        let logged = match table {
            Table::Derived(table) => return self.derived.get(table).cloned().unwrap_or_default(),
            Table::Logged(logged) => logged,
        };
        let tenant = logged.tenant().map(|tenant| tenant.as_str());
        let row = |stream: &StreamId, value: &[u8]| {
            let (of, within) = split(stream);
            (of == tenant).then(|| (Bytes::copy_from_slice(within.as_bytes()), Bytes::copy_from_slice(value)))
        };
        match logged.name() {
            "$streams" => {
                let firsts = self.log.iter().filter(|record| record.version().get() == 1);
                firsts.filter_map(|record| row(record.stream(), &record.position().get().to_be_bytes())).collect()
            }
            "$closed" => self.closed.iter().filter_map(|stream| row(stream, b"")).collect(),
            "$once" => {
                let mine = self.keys.iter().filter(|(key, _)| key.tenant() == logged.tenant());
                let row = |(digest, receipt): &(Digest, Receipt)| {
                    Repetition { digest: *digest, receipt: receipt.clone() }.encode()
                };
                mine.map(|(key, kept)| (Bytes::copy_from_slice(key.as_str().as_bytes()), row(kept))).collect()
            }
            _ => self.logged.get(logged).cloned().unwrap_or_default(),
        }
    }

    pub(super) fn scan(&self, scan: &Scan) -> Vec<(Bytes, Bytes)> {
        let above = |key: &Bytes| match &scan.range.0 {
            Bound::Included(from) => key >= from,
            Bound::Excluded(from) => key > from,
            Bound::Unbounded => true,
        };
        let below = |key: &Bytes| match &scan.range.1 {
            Bound::Included(to) => key <= to,
            Bound::Excluded(to) => key < to,
            Bound::Unbounded => true,
        };
        let inside = self.rows(&scan.table).into_iter().filter(|(key, _)| above(key) && below(key));
        let Some(table) = &scan.lookup else { return cut(inside.collect(), scan.direction, None) };
        let rows = self.rows(table);
        let looked_up = inside.filter_map(|(entry, key)| Some((entry, rows.get(&key)?.clone())));
        cut(looked_up.collect(), scan.direction, None)
    }
}

fn matches(query: &EventQuery, record: &Record) -> bool {
    let (tenant, within) = split(record.stream());
    let category = within.split_once('-').map_or("", |(category, _)| category);
    let in_scope = match query.tenant() {
        TenantScope::Any => true,
        TenantScope::Only(only) => only.as_ref().map(|only| only.as_str()) == tenant,
    };
    let of_item = |item: &annals_core::QueryItem| {
        let categories = item.categories.is_empty() || item.categories.iter().any(|one| one.as_str() == category);
        let streams = item.streams.is_empty() || item.streams.contains(record.stream());
        let types = item.types.is_empty() || item.types.contains(record.event_type());
        categories && streams && types && item.tags.iter().all(|tag| record.tags().contains(tag))
    };
    in_scope && (query.items().is_empty() || query.items().iter().any(of_item))
}

/// Tenant, and category with key.
fn split(stream: &StreamId) -> (Option<&str>, &str) {
    match stream.as_str().split_once('/') {
        Some((tenant, within)) => (Some(tenant), within),
        None => (None, stream.as_str()),
    }
}

fn seen(as_of: AsOf, record: &Record) -> bool {
    match as_of {
        AsOf::Now => true,
        AsOf::Position(position) => record.position().get() <= position.get(),
        AsOf::Recorded(time) => record.recorded().as_micros() <= time.as_micros(),
    }
}

fn cut<T>(mut ascending: Vec<T>, direction: Direction, limit: Option<u64>) -> Vec<T> {
    if direction == Direction::Backward {
        ascending.reverse();
    }
    if let Some(limit) = limit {
        ascending.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    ascending
}

fn row_is(is: &RowIs, actual: Option<&Bytes>) -> bool {
    match is {
        RowIs::Absent => actual.is_none(),
        RowIs::Equals(value) => actual == Some(value),
    }
}

fn number(number: u64) -> CommitNumber {
    CommitNumber::new(number).expect("small")
}

fn position(number: u64) -> Position {
    Position::new(number).expect("small")
}

fn version(number: u64) -> Version {
    Version::new(number).expect("small")
}

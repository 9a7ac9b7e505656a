//! What every store decides alike: whether a commit is written, and what it becomes.
//!
//! For authors of stores. A store brings a [`Ledger`]; [`judge`] gives the verdict and [`Placement`] the numbers and
//! rows, so that no two stores can differ in them.

use std::borrow::Cow;

use hashbrown::{HashMap, HashSet};

use bytes::Bytes;

use crate::{
    AsOf, Commit, CommitError, CommitNumber, Condition, EventQuery, Failure, Head, IdempotencyKey, LoggedTable,
    NewEvent, Once, Position, ReadError, Receipt, Record, RecordParts, Records, RecordsBuilder, Repetition, RowWrite,
    StreamId, Tag, Timestamp, Version,
};

/// The state that a commit is judged against: everything committed before it, pending commits included.
pub trait Ledger {
    /// The version of `stream`; 0 if it holds nothing.
    ///
    /// # Errors
    /// [`ReadError`] when it cannot be read.
    fn version(&mut self, stream: &StreamId) -> Result<Version, ReadError>;

    /// A row of a logged table.
    ///
    /// # Errors
    /// [`ReadError`] when it cannot be read.
    fn row(&mut self, table: &LoggedTable, key: &[u8]) -> Result<Option<Bytes>, ReadError>;

    /// The row of an idempotency key in `$once`.
    ///
    /// # Errors
    /// [`ReadError`] when it cannot be read.
    fn once(&mut self, key: &IdempotencyKey) -> Result<Option<Bytes>, ReadError> {
        let (table, key) = key.row();
        self.row(&table, &key)
    }

    /// Whether `stream` is closed: whether it has a row in `$closed`.
    ///
    /// # Errors
    /// [`ReadError`] when it cannot be read.
    fn is_closed(&mut self, stream: &StreamId) -> Result<bool, ReadError> {
        let (table, key) = LoggedTable::CLOSED.row_of(stream);
        Ok(self.row(&table, &key)?.is_some())
    }

    /// The position of a record behind `after` that matches `query`. `condition` is the index of the condition that
    /// asks.
    ///
    /// # Errors
    /// [`ReadError`] when it cannot be read.
    fn find_match(
        &mut self,
        condition: usize,
        query: &EventQuery,
        after: Position,
    ) -> Result<Option<Position>, ReadError>;
}

/// What is to become of a commit.
#[derive(Debug)]
pub enum Verdict {
    /// Write it.
    Write,
    /// There is nothing to write, and its conditions hold.
    Nothing,
    /// An earlier commit has done it; this is what that one returned.
    Repeated(Receipt),
}

/// Judges `commit`: its key first, then closed streams and all conditions.
///
/// # Errors
/// [`CommitError`] when it must not be written.
pub fn judge(commit: &Commit, ledger: &mut impl Ledger) -> Result<Verdict, CommitError> {
    if let Some(once) = &commit.once
        && let Some(receipt) = recall(once, ledger)?
    {
        return Ok(Verdict::Repeated(receipt));
    }
    let streams = closed(commit, ledger)?;
    let failures = failures(&commit.conditions, ledger)?;
    if !streams.is_empty() {
        return Err(CommitError::Closed { streams, failures });
    }
    if !failures.is_empty() {
        return Err(CommitError::Conflict { failures });
    }
    Ok(if commit.writes_nothing() { Verdict::Nothing } else { Verdict::Write })
}

fn recall(once: &Once, ledger: &mut impl Ledger) -> Result<Option<Receipt>, CommitError> {
    let Some(row) = ledger.once(&once.key)? else { return Ok(None) };
    let Some(repetition) = Repetition::decode(&row) else {
        let reason = format!("the row of idempotency key {} cannot be decoded", once.key);
        return Err(ReadError::Index { reason }.into());
    };
    if repetition.digest != once.digest {
        return Err(CommitError::KeyReused { key: once.key.clone(), recorded: repetition.digest, found: once.digest });
    }
    Ok(Some(repetition.receipt))
}

fn closed(commit: &Commit, ledger: &mut impl Ledger) -> Result<Vec<StreamId>, ReadError> {
    let mut seen = HashSet::new();
    let mut closed = Vec::new();
    // Events of one stream mostly stand side by side; one that comes back is asked for again, which costs no more than to
    // remember all.
    for run in commit.events.chunk_by(|event, next| event.stream == next.stream) {
        let Some(NewEvent { stream, .. }) = run.first() else { continue };
        if ledger.is_closed(stream)? && seen.insert(stream) {
            closed.push(stream.clone());
        }
    }
    Ok(closed)
}

fn failures(conditions: &[Condition], ledger: &mut impl Ledger) -> Result<Vec<Failure>, ReadError> {
    let mut failures = Vec::new();
    for (index, condition) in conditions.iter().enumerate() {
        failures.extend(failure(index, condition, ledger)?);
    }
    Ok(failures)
}

fn failure(index: usize, condition: &Condition, ledger: &mut impl Ledger) -> Result<Option<Failure>, ReadError> {
    Ok(match condition {
        Condition::Stream { stream, expected } => {
            let actual = ledger.version(stream)?;
            (!expected.holds(actual)).then(|| Failure::Stream { stream: stream.clone(), expected: *expected, actual })
        }
        Condition::NoneMatch { query, after } => ledger
            .find_match(index, query, *after)?
            .map(|found| Failure::NoneMatch { query: query.clone(), after: *after, found }),
        Condition::Row { table, key, is } => {
            let actual = ledger.row(table, key)?;
            (!is.holds(actual.as_deref())).then(|| Failure::Row {
                table: table.clone(),
                key: key.clone(),
                expected: is.clone(),
                actual,
            })
        }
    })
}

/// The numbers that a commit is given when it is written.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Its number.
    pub commit: CommitNumber,
    /// The position of its first event, or the one that its first event would have had.
    pub first: Position,
    /// Its recorded time.
    pub recorded: Timestamp,
    /// The version of each of its events.
    pub versions: Vec<Version>,
}

impl Placement {
    /// Places `commit` behind `head`. `recorded` is the time of the committer's clock, held back by nothing but the
    /// recorded time `latest` of the commit before.
    ///
    /// # Errors
    /// [`CommitError::Exhausted`] when numbers run out, [`CommitError::Unreadable`] when a version cannot be read.
    pub fn behind(
        head: Head,
        latest: Timestamp,
        recorded: Timestamp,
        commit: &Commit,
        ledger: &mut impl Ledger,
    ) -> Result<Self, CommitError> {
        let number = head.commit.checked_add(1).ok_or(CommitError::Exhausted { what: "commit number" })?;
        let count = commit.events.len() as u64;
        head.position.checked_add(count.max(1)).ok_or(CommitError::Exhausted { what: "position" })?;
        let mut versions = Vec::with_capacity(commit.events.len());
        let mut latest_versions: HashMap<&StreamId, Version> = HashMap::new();
        // The run before is put there when another begins: a commit of one stream needs no map.
        let mut before: Option<(&StreamId, Version)> = None;
        for run in commit.events.chunk_by(|event, next| event.stream == next.stream) {
            let Some(NewEvent { stream, .. }) = run.first() else { continue };
            latest_versions.extend(before);
            let mut version = match latest_versions.get(stream) {
                Some(version) => *version,
                None => ledger.version(stream)?,
            };
            for _ in run {
                version = version.checked_add(1).ok_or(CommitError::Exhausted { what: "version" })?;
                versions.push(version);
            }
            before = Some((stream, version));
        }
        Ok(Self { commit: number, first: head.position.next(), recorded: recorded.max(latest), versions })
    }

    /// The head behind the commit.
    #[must_use]
    pub fn head(&self) -> Head {
        let count = self.versions.len() as u64;
        Head { commit: self.commit, position: self.position(count).previous() }
    }

    /// What the commit's sender is told.
    #[must_use]
    pub fn receipt(&self, commit: &Commit) -> Receipt {
        Receipt {
            commit: self.commit,
            positions: (!commit.events.is_empty()).then(|| (self.first, self.head().position)),
            versions: latest_versions(
                commit.events.iter().map(|event| &event.stream).zip(self.versions.iter().copied()),
            ),
            recorded: self.recorded,
            answer: commit.once.as_ref().map(|once| once.answer.clone()).unwrap_or_default(),
            repeated: false,
        }
    }

    /// The position of each of its events.
    pub fn positions(&self) -> impl Iterator<Item = Position> {
        (0..self.versions.len() as u64).map(|offset| self.position(offset))
    }

    /// The records that the commit's events become.
    #[must_use]
    pub fn records(&self, commit: &Commit) -> Records {
        let mut records = RecordsBuilder::new();
        records.reserve(commit.events.len(), commit.events.iter().map(|event| event.payload.len()).sum());
        for ((event, version), offset) in commit.events.iter().zip(&self.versions).zip(0..) {
            records.add(RecordParts {
                position: self.position(offset),
                commit: self.commit,
                stream: &event.stream,
                version: *version,
                id: event.id,
                event_type: &event.event_type,
                schema_version: event.schema_version,
                tags: &in_order(&event.tags),
                metadata: &event.metadata,
                recorded: self.recorded,
                occurred: event.occurred.unwrap_or(self.recorded),
                payload: &event.payload,
            });
        }
        records.finish()
    }

    /// The rows that the store itself adds: new streams, and the key with the receipt. They follow from the log.
    #[must_use]
    pub fn system_rows(&self, commit: &Commit) -> Vec<RowWrite> {
        let mut rows = Vec::new();
        for ((event, version), offset) in commit.events.iter().zip(&self.versions).zip(0..) {
            if *version == Version::FIRST {
                rows.push(stream_row(&event.stream, self.position(offset)));
            }
        }
        if let Some(once) = &commit.once {
            rows.push(once_row(once, self.receipt(commit)));
        }
        rows
    }

    fn position(&self, offset: u64) -> Position {
        self.first.checked_add(offset).unwrap_or(Position::MAX)
    }
}

/// What the sender of a commit that writes nothing is told: where the store stands.
#[must_use]
pub fn nothing_written(head: Head, latest: Timestamp) -> Receipt {
    Receipt {
        commit: head.commit,
        positions: None,
        versions: Vec::new(),
        recorded: latest,
        answer: Bytes::new(),
        repeated: false,
    }
}

/// The last version of each stream among `events`, in the order of first appearance.
pub fn latest_versions<'a>(events: impl Iterator<Item = (&'a StreamId, Version)>) -> Vec<(StreamId, Version)> {
    let mut places: HashMap<&StreamId, usize> = HashMap::new();
    let mut versions: Vec<(StreamId, Version)> = Vec::new();
    // The one before is put there when another stream comes: the events of one stream need no map.
    let mut before: Option<(&StreamId, usize)> = None;
    for (stream, version) in events {
        let place = match before {
            Some((same, place)) if same == stream => place,
            _ => {
                places.extend(before);
                places.get(stream).copied().unwrap_or(versions.len())
            }
        };
        before = Some((stream, place));
        match versions.get_mut(place) {
            Some(entry) => entry.1 = version,
            None => versions.push((stream.clone(), version)),
        }
    }
    versions
}

/// The row of `$streams` for a stream whose first event is at `first`.
#[must_use]
pub fn stream_row(stream: &StreamId, first: Position) -> RowWrite {
    let (table, key) = LoggedTable::STREAMS.row_of(stream);
    RowWrite::put(table, key, Bytes::copy_from_slice(&first.get().to_be_bytes()))
}

/// The row of `$once` for a commit that returned `receipt`.
#[must_use]
pub fn once_row(once: &Once, receipt: Receipt) -> RowWrite {
    let (table, key) = once.key.row();
    RowWrite::put(table, key, Repetition { digest: once.digest, receipt }.encode())
}

/// `tags` in ascending order, each once.
#[must_use]
pub fn in_order(tags: &[Tag]) -> Cow<'_, [Tag]> {
    if tags.is_sorted_by(|tag, next| tag < next) {
        return Cow::Borrowed(tags);
    }
    let mut tags = tags.to_vec();
    tags.sort_unstable();
    tags.dedup();
    Cow::Owned(tags)
}

impl AsOf {
    /// Whether a record is seen as of this moment.
    #[must_use]
    pub fn sees(self, record: &Record) -> bool {
        match self {
            Self::Now => true,
            Self::Position(position) => record.position() <= position,
            Self::Recorded(time) => record.recorded() <= time,
        }
    }
}

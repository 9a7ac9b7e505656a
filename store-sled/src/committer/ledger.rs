//! What a commit is judged against: published commits, and those of its own group before it.

use std::{
    collections::{BTreeSet, HashMap},
    num::NonZeroUsize,
};

use annals_core::{
    Commit, EventQuery, LoggedTable, Position, ReadError, StreamId, Version,
    judge::{Ledger, Placement},
};
use bytes::Bytes;
use lru::LruCache;

use super::epochs;
use crate::{read::matches, shared::Shared};

/// What was found for a `NoneMatch` condition before its commit was queued.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Looked {
    /// Everything up to here was looked at.
    pub(crate) to: Position,
    /// A record that matches. A verdict that travels with the commit: only the committer answers, after looking up the
    /// idempotency key.
    pub(crate) found: Option<Position>,
}

/// The commits of a group that is not on disk yet.
#[derive(Default)]
pub(crate) struct Pending {
    commits: Vec<(Commit, Placement)>,
    versions: HashMap<StreamId, Version>,
    rows: HashMap<LoggedTable, HashMap<Bytes, Option<Bytes>>>,
}

impl Pending {
    pub(crate) fn add(&mut self, commit: Commit, placement: Placement) {
        for (event, version) in commit.events.iter().zip(&placement.versions) {
            self.versions.insert(event.stream.clone(), *version);
        }
        for row in commit.rows.iter().cloned().chain(placement.system_rows(&commit)) {
            self.rows.entry(row.table).or_default().insert(row.key, row.value);
        }
        self.commits.push((commit, placement));
    }

    pub(crate) fn commits(&self) -> impl Iterator<Item = &(Commit, Placement)> {
        self.commits.iter()
    }

    /// The keys of the epochs that change, in order, so that two groups cannot lock them crosswise.
    pub(crate) fn epochs(&self) -> BTreeSet<Bytes> {
        self.commits.iter().flat_map(|(commit, _)| epochs(commit.rows.iter())).collect()
    }

    fn find_match(&self, query: &EventQuery, after: Position) -> Option<Position> {
        let records = self.commits.iter().flat_map(|(commit, placement)| placement.records(commit));
        records
            .filter(|record| record.position > after)
            .find(|record| query.matches(record))
            .map(|record| record.position)
    }
}

/// What the committer remembers of streams, so that a busy one costs no look-up.
pub(crate) struct Heads {
    streams: LruCache<StreamId, Version>,
}

const HEADS_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(65_535);

impl Heads {
    pub(crate) fn new() -> Self {
        Self { streams: LruCache::new(HEADS_MAX) }
    }

    pub(crate) fn advance(&mut self, versions: &[(StreamId, Version)]) {
        for (stream, version) in versions {
            self.streams.put(stream.clone(), *version);
        }
    }
}

pub(crate) struct PendingLedger<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) pending: &'a Pending,
    pub(crate) heads: &'a mut Heads,
    pub(crate) looked: &'a [Looked],
}

impl Ledger for PendingLedger<'_> {
    fn version(&mut self, stream: &StreamId) -> Result<Version, ReadError> {
        if let Some(version) = self.pending.versions.get(stream) {
            return Ok(*version);
        }
        if let Some(version) = self.heads.streams.get(stream) {
            return Ok(*version);
        }
        let version = self.shared.version(stream)?;
        self.heads.streams.put(stream.clone(), version);
        Ok(version)
    }

    fn row(&mut self, table: &LoggedTable, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        if let Some(row) = self.pending.rows.get(table).and_then(|rows| rows.get(key)) {
            return Ok(row.clone());
        }
        self.shared.logged_row(table, key)
    }

    fn find_match(
        &mut self,
        condition: usize,
        query: &EventQuery,
        after: Position,
    ) -> Result<Option<Position>, ReadError> {
        let looked = self.looked.get(condition).copied().unwrap_or_default();
        if looked.found.is_some() {
            return Ok(looked.found);
        }
        match matches::first(self.shared, query, after.max(looked.to))? {
            Some(found) => Ok(Some(found)),
            None => Ok(self.pending.find_match(query, after)),
        }
    }
}

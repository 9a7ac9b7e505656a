//! What a commit is judged against: published commits, and those of its own group before it.

use std::collections::BTreeSet;

use annals_core::{
    Commit, EventQuery, LoggedTable, Position, ReadError, RowWrite, StreamId, Version,
    judge::{Ledger, Placement, once_row, stream_row},
};
use bytes::Bytes;
use hashbrown::HashMap;

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
    pub(crate) commits: Vec<(Commit, Placement)>,
    versions: HashMap<StreamId, Version>,
    /// The rows that change, but for those of `$streams`, which follow from the events.
    pub(crate) rows: HashMap<LoggedTable, HashMap<Bytes, Option<Bytes>>>,
}

impl Pending {
    pub(crate) fn add(&mut self, commit: Commit, placement: Placement) {
        for (event, version) in commit.events.iter().zip(&placement.versions) {
            self.versions.insert(event.stream.clone(), *version);
        }
        let once = commit.once.as_ref().map(|once| once_row(once, placement.receipt(&commit)));
        for row in commit.rows.iter().cloned().chain(once) {
            self.rows.entry(row.table).or_default().insert(row.key, row.value);
        }
        self.commits.push((commit, placement));
    }

    /// The row, if it changes; inside, `None` where it is deleted.
    fn row(&self, table: &LoggedTable, key: &[u8]) -> Option<Option<Bytes>> {
        if table.name() == LoggedTable::STREAMS.name() {
            return self.stream_row(table, key).map(|row| row.value);
        }
        self.rows.get(table)?.get(key).cloned()
    }

    /// Asked for so seldom that it may take its time.
    fn stream_row(&self, table: &LoggedTable, key: &[u8]) -> Option<RowWrite> {
        let events = self
            .commits
            .iter()
            .flat_map(|(commit, placement)| commit.events.iter().zip(&placement.versions).zip(placement.positions()));
        let begun = events.filter(|((_, version), _)| **version == Version::FIRST);
        begun.map(|((event, _), at)| stream_row(&event.stream, at)).find(|row| row.table == *table && row.key == key)
    }

    /// The keys of the epochs that change, in order, so that two groups cannot lock them crosswise.
    pub(crate) fn epochs(&self) -> BTreeSet<Bytes> {
        self.rows.get(&LoggedTable::EPOCHS).into_iter().flat_map(HashMap::keys).cloned().collect()
    }

    /// Looks at the events as they are: records of them would cost more than everything else that is judged.
    fn find_match(&self, query: &EventQuery, after: Position) -> Option<Position> {
        let events =
            self.commits.iter().flat_map(|(commit, placement)| commit.events.iter().zip(placement.positions()));
        let mut behind = events.filter(|(_, position)| *position > after);
        let found = behind.find(|(event, _)| query.matches_parts(&event.stream, &event.event_type, &event.tags));
        found.map(|(_, position)| position)
    }
}

/// What the committer remembers of streams, so that a busy one costs no look-up. Only the committer changes streams,
/// and it changes this with them.
#[derive(Default)]
pub(crate) struct Heads {
    /// Those that were asked for lately, and those that were before `young` was full. Which one was asked for when is not
    /// kept: it would cost more than what it saves.
    young: HashMap<StreamId, Head>,
    old: HashMap<StreamId, Head>,
    /// The one that was asked for last: a commit asks for its stream several times.
    last: Option<(StreamId, Head)>,
}

#[derive(Clone, Copy)]
struct Head {
    version: Version,
    is_closed: bool,
}

/// So many streams are remembered, and up to twice as many.
const HEADS: usize = 32_768;

impl Heads {
    fn get(&mut self, stream: &StreamId) -> Option<Head> {
        if let Some((last, head)) = &self.last
            && last == stream
        {
            return Some(*head);
        }
        let head = match self.young.get(stream) {
            Some(head) => *head,
            None => {
                let head = self.old.remove(stream)?;
                self.remember(stream, head);
                head
            }
        };
        self.last = Some((stream.clone(), head));
        Some(head)
    }

    fn put(&mut self, stream: &StreamId, head: Head) {
        self.remember(stream, head);
        self.last = Some((stream.clone(), head));
    }

    fn remember(&mut self, stream: &StreamId, head: Head) {
        if self.young.len() >= HEADS {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(stream.clone(), head);
    }

    /// Follows a commit that is pending now. A commit that closes streams makes it forget everything, which is rare
    /// and always right.
    pub(crate) fn advance(&mut self, commit: &Commit, placement: &Placement) {
        self.last = None;
        if commit.rows.iter().any(|row| row.table.name() == LoggedTable::CLOSED.name()) {
            *self = Self::default();
            return;
        }
        for (event, version) in commit.events.iter().zip(&placement.versions) {
            let head = match self.young.get_mut(&event.stream) {
                Some(head) => Some(head),
                None => self.old.get_mut(&event.stream),
            };
            if let Some(head) = head {
                head.version = *version;
            }
        }
    }
}

pub(crate) struct PendingLedger<'a> {
    pub(crate) shared: &'a Shared,
    /// The open group, and the one that is being written.
    pub(crate) pending: [Option<&'a Pending>; 2],
    pub(crate) heads: &'a mut Heads,
    pub(crate) looked: &'a [Looked],
}

impl<'a> PendingLedger<'a> {
    fn pending(&self) -> impl Iterator<Item = &'a Pending> + use<'a> {
        self.pending.into_iter().flatten()
    }

    fn head(&mut self, stream: &StreamId) -> Result<Head, ReadError> {
        if let Some(head) = self.heads.get(stream) {
            return Ok(head);
        }
        let version = match self.pending().find_map(|pending| pending.versions.get(stream)) {
            Some(version) => *version,
            None => self.shared.version(stream)?,
        };
        let (table, key) = LoggedTable::CLOSED.row_of(stream);
        let head = Head { version, is_closed: self.row(&table, &key)?.is_some() };
        self.heads.put(stream, head);
        Ok(head)
    }
}

impl Ledger for PendingLedger<'_> {
    fn version(&mut self, stream: &StreamId) -> Result<Version, ReadError> {
        self.head(stream).map(|head| head.version)
    }

    fn is_closed(&mut self, stream: &StreamId) -> Result<bool, ReadError> {
        self.head(stream).map(|head| head.is_closed)
    }

    fn row(&mut self, table: &LoggedTable, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        if let Some(row) = self.pending().find_map(|pending| pending.row(table, key)) {
            return Ok(row);
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
        match matches::find(self.shared, query, after.max(looked.to))? {
            Some(found) => Ok(Some(found)),
            None => Ok(self.pending().find_map(|pending| pending.find_match(query, after))),
        }
    }
}

//! What a commit is judged against: published commits, and those of its own group before it.

use std::collections::BTreeSet;

use annals_core::{
    Commit, EventQuery, IdempotencyKey, LoggedTable, Position, ReadError, RowWrite, StreamId, Version,
    judge::{Ledger, Placement, once_row, stream_row},
};
use bytes::Bytes;
use hashbrown::HashMap;

use crate::{
    index::{
        is_once,
        once::{OnceKey, OnceMap},
        stream_text,
    },
    read::matches,
    shared::Shared,
};

/// What was found for a `NoneMatch` condition before its commit was queued.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Looked {
    /// Everything up to here was looked at.
    pub(crate) to: Position,
    /// A record that matches. A verdict that travels with the commit: only the committer answers, after looking up the
    /// idempotency key.
    pub(crate) found: Option<Position>,
}

/// The idempotency key of a commit, made and looked for by whoever asks and not by the committer, for which all wait.
pub(crate) struct LookedKey {
    pub(crate) key: OnceKey,
    /// It was not in the index when so many parts of the tail had gone over to it.
    pub(crate) absent_at: Option<u64>,
}

/// The commits of a group that is not on disk yet.
#[derive(Default)]
pub(crate) struct Pending {
    pub(crate) commits: Vec<(Commit, Placement)>,
    /// The rows that change, but for those of `$streams`, which follow from the events, and of `$once`.
    pub(crate) rows: HashMap<LoggedTable, HashMap<Bytes, Option<Bytes>>>,
    /// The idempotency keys that are used, and by which of the commits; `None` where a key is forgotten.
    pub(crate) once: OnceMap<Option<usize>>,
}

impl Pending {
    /// Adds a commit, and its idempotency key as it is looked up.
    pub(crate) fn add(&mut self, commit: Commit, once: Option<OnceKey>, placement: Placement) {
        for row in &commit.rows {
            if is_once(&row.table) {
                self.once.insert(OnceKey::of_row(&row.table, &row.key), None);
                continue;
            }
            self.rows.entry(row.table.clone()).or_default().insert(row.key.clone(), row.value.clone());
        }
        if let Some(once) = once {
            self.once.insert(once, Some(self.commits.len()));
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

    /// The row of an idempotency key, if it changes; inside, `None` where the key is forgotten.
    fn once_row(&self, key: &OnceKey) -> Option<Option<Bytes>> {
        self.once.get(key).map(|used| {
            let (commit, placement) = self.commits.get((*used)?)?;
            once_row(commit.once.as_ref()?, placement.receipt(commit)).value
        })
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
///
/// Invariant: it knows every stream of the pending commits, so that no other note of them is needed.
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

/// So many streams are remembered, and up to twice as many, and those of a group.
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
                self.young.insert(stream.clone(), head);
                head
            }
        };
        self.last = Some((stream.clone(), head));
        Some(head)
    }

    fn put(&mut self, stream: &StreamId, head: Head) {
        self.young.insert(stream.clone(), head);
        self.last = Some((stream.clone(), head));
    }

    /// Forgets what was not asked for lately, when there is much. To be called when a group is to be written and the one
    /// before it is on disk: then all streams that are pending were asked for since the last call.
    pub(crate) fn forget(&mut self) {
        if self.young.len() >= HEADS {
            std::mem::swap(&mut self.old, &mut self.young);
            self.young.clear();
            self.last = None;
        }
    }

    /// Follows a commit that is pending now.
    pub(crate) fn advance(&mut self, commit: &Commit, placement: &Placement) {
        self.last = None;
        let mut versions = placement.versions.iter();
        for run in commit.events.chunk_by(|event, next| event.stream == next.stream) {
            let (Some(event), Some(version)) = (run.first(), versions.nth(run.len() - 1)) else { continue };
            if let Some((_, head)) = self.head_mut(event.stream.as_str()) {
                head.version = *version;
            }
        }
        for row in commit.rows.iter().filter(|row| row.table.name() == LoggedTable::CLOSED.name()) {
            self.close(row);
        }
    }

    fn head_mut(&mut self, stream: &str) -> Option<(&StreamId, &mut Head)> {
        match self.young.get_key_value_mut(stream) {
            Some(found) => Some(found),
            None => self.old.get_key_value_mut(stream),
        }
    }

    fn close(&mut self, row: &RowWrite) {
        // The key of a row may be no id within its tenant, and read like a stream of another all the same.
        if let Some((stream, head)) = self.head_mut(&stream_text(&row.table, &row.key))
            && LoggedTable::CLOSED.row_of(stream) == (row.table.clone(), row.key.clone())
        {
            head.is_closed = true;
        }
    }
}

pub(crate) struct PendingLedger<'a> {
    pub(crate) shared: &'a Shared,
    /// The open group, and the one that is being written.
    pub(crate) pending: [Option<&'a Pending>; 2],
    pub(crate) heads: &'a mut Heads,
    /// The idempotency key of the commit that is judged, the only one that is asked for by name.
    pub(crate) once: Option<&'a LookedKey>,
    pub(crate) looked: &'a [Looked],
}

impl<'a> PendingLedger<'a> {
    fn pending(&self) -> impl Iterator<Item = &'a Pending> + use<'a> {
        self.pending.into_iter().flatten()
    }

    fn once_row(&self, key: &OnceKey, absent_at: Option<u64>) -> Result<Option<Bytes>, ReadError> {
        let pending = self.pending().find_map(|pending| pending.once_row(key));
        pending.map_or_else(|| self.shared.once_row_since(key, absent_at), Ok)
    }

    fn head(&mut self, stream: &StreamId) -> Result<Head, ReadError> {
        if let Some(head) = self.heads.get(stream) {
            return Ok(head);
        }
        // It is not pending, or it would be known.
        let version = self.shared.version(stream)?;
        let (table, key) = LoggedTable::CLOSED.row_of(stream);
        let head = Head { version, is_closed: self.row(&table, &key)?.is_some() };
        self.heads.put(stream, head);
        Ok(head)
    }
}

impl Ledger for PendingLedger<'_> {
    fn once(&mut self, key: &IdempotencyKey) -> Result<Option<Bytes>, ReadError> {
        match self.once {
            Some(LookedKey { key, absent_at }) => self.once_row(key, *absent_at),
            None => self.once_row(&OnceKey::of(key), None),
        }
    }

    fn version(&mut self, stream: &StreamId) -> Result<Version, ReadError> {
        self.head(stream).map(|head| head.version)
    }

    fn is_closed(&mut self, stream: &StreamId) -> Result<bool, ReadError> {
        self.head(stream).map(|head| head.is_closed)
    }

    fn row(&mut self, table: &LoggedTable, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        if is_once(table) {
            return self.once_row(&OnceKey::of_row(table, key), None);
        }
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

#[cfg(test)]
mod tests {
    use annals_core::{CommitNumber, EventType, NewEvent, Timestamp};

    use super::*;

    const OPEN: Head = Head { version: Version::FIRST, is_closed: false };

    fn stream(number: usize) -> StreamId {
        StreamId::new("s", number.to_string()).unwrap()
    }

    fn knows(heads: &Heads, stream: &StreamId) -> bool {
        heads.young.contains_key(stream) || heads.old.contains_key(stream)
    }

    /// P2: what is pending is judged by what the committer remembers alone, so it forgets none of it.
    #[test]
    fn streams_asked_for_since_the_group_before_are_remembered() {
        let mut heads = Heads::default();
        let all = 3 * HEADS;
        for number in 0..all {
            heads.put(&stream(number), OPEN);
        }
        assert!((0..all).all(|number| knows(&heads, &stream(number))));
        let last = stream(all - 1);
        heads.forget();
        // Asked for in both groups, the second time as the one that was asked for last.
        assert!(heads.get(&last).is_some());
        for number in 0..HEADS {
            heads.put(&stream(all + number), OPEN);
        }
        heads.forget();
        assert!(knows(&heads, &last));
        assert!(!knows(&heads, &stream(0)));
    }

    #[test]
    fn a_pending_commit_moves_versions_and_closes_its_own_tenants_streams_alone() {
        let (one, other): (StreamId, StreamId) = ("acme/s-1".parse().unwrap(), "s-1".parse().unwrap());
        let event = |stream: &StreamId| NewEvent::new(stream.clone(), EventType::new("happened").unwrap(), "");
        let mut heads = Heads::default();
        heads.put(&one, OPEN);
        heads.put(&other, OPEN);
        let versions = [2, 3, 2, 4].map(|version| Version::new(version).unwrap()).to_vec();
        let (commit, first) = (CommitNumber::FIRST, Position::FIRST);
        let placement = Placement { commit, first, recorded: Timestamp::EPOCH, versions };
        let foreign = RowWrite::put(LoggedTable::CLOSED, "acme/s-1", "");
        let commit = Commit::of([event(&one), event(&one), event(&other), event(&one)]).row(foreign);
        heads.advance(&commit, &placement);
        let found = |heads: &mut Heads, stream| heads.get(stream).map(|head| (head.version.get(), head.is_closed));
        assert_eq!(found(&mut heads, &one), Some((4, false)));
        assert_eq!(found(&mut heads, &other), Some((2, false)));
        let placement = Placement { versions: Vec::new(), ..placement };
        heads.advance(&Commit::new().row(RowWrite::close(&one)), &placement);
        assert_eq!(found(&mut heads, &one), Some((4, true)));
        assert_eq!(found(&mut heads, &other), Some((2, false)));
    }
}

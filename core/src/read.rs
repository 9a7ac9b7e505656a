//! What can be read, and how.

use std::ops::Bound;

use bytes::Bytes;
use thiserror::Error;

use crate::{EventQuery, Position, StreamId, Table, Timestamp, Version};

/// Which way to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// From the oldest to the newest, from the lowest key to the highest.
    #[default]
    Forward,
    /// From the newest to the oldest, from the highest key to the lowest.
    Backward,
}

/// The moment as of which to read: what came later is not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AsOf {
    /// As of the moment when the read begins.
    #[default]
    Now,
    /// As of a position, inclusive.
    Position(Position),
    /// As of a recorded time, inclusive.
    Recorded(Timestamp),
}

/// A read of one stream. A stream that holds nothing reads as empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadStream {
    /// The stream.
    pub stream: StreamId,
    /// The lowest version, inclusive.
    pub from: Version,
    /// The highest version, inclusive.
    pub to: Version,
    /// Which way; backward begins at the highest version.
    pub direction: Direction,
    /// The most records to read; `None` for all. Zero reads nothing.
    pub limit: Option<u64>,
    /// The moment as of which to read.
    pub as_of: AsOf,
}

impl ReadStream {
    /// All of `stream`, forward.
    #[must_use]
    pub const fn all(stream: StreamId) -> Self {
        Self {
            stream,
            from: Version::FIRST,
            to: Version::MAX,
            direction: Direction::Forward,
            limit: None,
            as_of: AsOf::Now,
        }
    }

    /// The same, beginning behind `version`.
    #[must_use]
    pub const fn after(mut self, version: Version) -> Self {
        self.from = version.next();
        self
    }

    /// The same, up to and with `version`.
    #[must_use]
    pub const fn up_to(mut self, version: Version) -> Self {
        self.to = version;
        self
    }

    /// The same, from the newest to the oldest.
    #[must_use]
    pub const fn backward(mut self) -> Self {
        self.direction = Direction::Backward;
        self
    }

    /// The same, at most `limit` records.
    #[must_use]
    pub const fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The same, as of a moment.
    #[must_use]
    pub const fn as_of(mut self, as_of: AsOf) -> Self {
        self.as_of = as_of;
        self
    }
}

/// A read of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLog {
    /// Which records.
    pub query: EventQuery,
    /// Only records behind this position, in either direction.
    pub after: Position,
    /// Which way; backward begins at the end of the log.
    pub direction: Direction,
    /// The most records to read; `None` for all. Zero reads nothing.
    pub limit: Option<u64>,
    /// The moment as of which to read.
    pub as_of: AsOf,
}

impl ReadLog {
    /// All records that match `query`, forward.
    #[must_use]
    pub const fn of(query: EventQuery) -> Self {
        Self { query, after: Position::ZERO, direction: Direction::Forward, limit: None, as_of: AsOf::Now }
    }

    /// All records, forward.
    #[must_use]
    pub const fn all() -> Self {
        Self::of(EventQuery::all())
    }

    /// The same, only records behind `position`.
    #[must_use]
    pub const fn after(mut self, position: Position) -> Self {
        self.after = position;
        self
    }

    /// The same, from the newest to the oldest.
    #[must_use]
    pub const fn backward(mut self) -> Self {
        self.direction = Direction::Backward;
        self
    }

    /// The same, at most `limit` records.
    #[must_use]
    pub const fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The same, as of a moment.
    #[must_use]
    pub const fn as_of(mut self, as_of: AsOf) -> Self {
        self.as_of = as_of;
        self
    }
}

/// The most rows of a page, and the number when a scan does not say.
pub const PAGE_ROWS_MAX: usize = 1000;

/// A read of a range of rows, in pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The table.
    pub table: Table,
    /// The range of keys.
    pub range: (Bound<Bytes>, Bound<Bytes>),
    /// Which way.
    pub direction: Direction,
    /// The most rows of a page, at least 1; a store may return fewer, and never more than [`PAGE_ROWS_MAX`].
    pub limit: usize,
    /// The table whose keys the values of the scanned rows are, if the rows under them are wanted: see
    /// [`lookup`](Self::lookup).
    pub lookup: Option<Table>,
}

impl Scan {
    /// All rows of `table`, in ascending order.
    pub fn all(table: impl Into<Table>) -> Self {
        Self {
            table: table.into(),
            range: (Bound::Unbounded, Bound::Unbounded),
            direction: Direction::Forward,
            limit: PAGE_ROWS_MAX,
            lookup: None,
        }
    }

    /// The rows of `table` whose keys begin with `prefix`, in ascending order.
    pub fn prefix(table: impl Into<Table>, prefix: impl Into<Bytes>) -> Self {
        Self { range: Self::prefix_range(prefix.into()), ..Self::all(table) }
    }

    /// The range of the keys that begin with `prefix`: from it on, up to the lowest key behind all of them, if there is one.
    #[must_use]
    pub fn prefix_range(prefix: Bytes) -> (Bound<Bytes>, Bound<Bytes>) {
        let end = first_behind(&prefix).map_or(Bound::Unbounded, Bound::Excluded);
        (Bound::Included(prefix), end)
    }

    /// The same, only rows behind `key` in the order of the scan's ascending keys.
    #[must_use]
    pub fn after(mut self, key: impl Into<Bytes>) -> Self {
        self.range.0 = Bound::Excluded(key.into());
        self
    }

    /// The same, in descending order.
    #[must_use]
    pub fn backward(mut self) -> Self {
        self.direction = Direction::Backward;
        self
    }

    /// The same, with at most `limit` rows a page.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The same for a table that is an index of another: the value of each of its rows, an entry, is a key of `table`, and
    /// the page holds the row under it in place of that value, as of the same moment.
    ///
    /// An entry whose row is missing is left out. [`Page::next`] still goes by the keys of the scanned table.
    #[must_use]
    pub fn lookup(mut self, table: impl Into<Table>) -> Self {
        self.lookup = Some(table.into());
        self
    }

    /// Where a scan goes on behind a page that ended with `last`.
    #[must_use]
    pub fn behind(&self, last: Bytes) -> Self {
        let mut next = self.clone();
        match self.direction {
            Direction::Forward => next.range.0 = Bound::Excluded(last),
            Direction::Backward => next.range.1 = Bound::Excluded(last),
        }
        next
    }

    /// Whether the range cannot hold a key, so that there is nothing to read.
    #[must_use]
    pub fn is_empty_range(&self) -> bool {
        match (&self.range.0, &self.range.1) {
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
            _ => false,
        }
    }
}

/// The lowest key that is behind every key that begins with `prefix`.
fn first_behind(prefix: &[u8]) -> Option<Bytes> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix.get(..=last)?.to_vec();
    *end.last_mut()? += 1;
    Some(end.into())
}

/// Rows of one table, read at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Keys and values, in the order of the scan; where rows were [looked up](Scan::lookup), the value is theirs. There may
    /// be none although there is a next page, where many rows were deleted or are missing.
    pub rows: Vec<(Bytes, Bytes)>,
    /// The scan that goes on behind this page, or `None` at the end. It stays good when rows come or go.
    pub next: Option<Scan>,
}

/// Stored bytes that are not what was written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file} is damaged at byte {offset}: {what}")]
pub struct Corruption {
    /// The file.
    pub file: String,
    /// The byte in the file at which the damaged part begins.
    pub offset: u64,
    /// What was expected, and what was found.
    pub what: String,
}

/// Why something could not be read.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Stored bytes are not what was written. What lies elsewhere still reads. Restore the file from a backup.
    #[error(transparent)]
    Corrupt(#[from] Corruption),
    /// Something was stored in a way that this version does not know. Use a newer version.
    #[error("{what} has the encoding {found}, which this version does not know")]
    UnknownEncoding {
        /// What was read.
        what: String,
        /// Its encoding byte.
        found: u8,
    },
    /// The operating system refused.
    #[error("{what} failed: {reason}")]
    Io {
        /// What was being done.
        what: String,
        /// What the operating system said.
        reason: String,
    },
    /// The index that serves the read is unusable; the log is intact. Open the store again: the index is rebuilt.
    #[error("the index is unusable: {reason}")]
    Index {
        /// What was found.
        reason: String,
    },
    /// The store is shut down. Open it again.
    #[error("the store is shut down")]
    ShutDown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_one() {
        assert_eq!(first_behind(b"ab"), Some(Bytes::from_static(b"ac")));
        assert_eq!(first_behind(b"a\xff"), Some(Bytes::from_static(b"b")));
        assert_eq!(first_behind(b"\xff"), None);
    }
}

//! What must hold for a commit to be written.

use std::fmt;

use bytes::Bytes;

use crate::{EventQuery, LoggedTable, Position, StreamId, Version};

/// What must hold at the moment of the commit, against everything committed before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// A stream is where it is expected; also for a stream that gets no event from the commit.
    Stream {
        /// The stream.
        stream: StreamId,
        /// Where it is expected.
        expected: Expected,
    },
    /// No record behind `after` matches `query`: a dynamic consistency boundary.
    NoneMatch {
        /// Which records would contradict the decision.
        query: EventQuery,
        /// The last position that the decision has seen; records behind it are looked at.
        after: Position,
    },
    /// A row of a logged table is as expected.
    Row {
        /// The table.
        table: LoggedTable,
        /// The row's key.
        key: Bytes,
        /// What the row is expected to be.
        is: RowIs,
    },
}

impl Condition {
    /// `stream` is where it is `expected`.
    #[must_use]
    pub const fn stream(stream: StreamId, expected: Expected) -> Self {
        Self::Stream { stream, expected }
    }

    /// No record behind `after` matches `query`.
    #[must_use]
    pub const fn none_match(query: EventQuery, after: Position) -> Self {
        Self::NoneMatch { query, after }
    }
}

/// Where a stream is expected to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Anywhere: the condition always holds.
    Any,
    /// It holds no events: version 0.
    Empty,
    /// It holds at least one event.
    Exists,
    /// It is at exactly this version; `At(0)` is the same as `Empty`.
    At(Version),
}

impl Expected {
    /// Whether a stream at `actual` is where it is expected.
    #[must_use]
    pub fn holds(self, actual: Version) -> bool {
        match self {
            Self::Any => true,
            Self::Empty => actual.is_zero(),
            Self::Exists => !actual.is_zero(),
            Self::At(version) => actual == version,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any version"),
            Self::Empty => f.write_str("no events"),
            Self::Exists => f.write_str("at least one event"),
            Self::At(version) => write!(f, "version {version}"),
        }
    }
}

/// What a row is expected to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowIs {
    /// There is no such row.
    Absent,
    /// The row is there with exactly this value.
    Equals(Bytes),
}

impl RowIs {
    /// Whether a row with this value, or no row, is as expected.
    #[must_use]
    pub fn holds(&self, actual: Option<&[u8]>) -> bool {
        match self {
            Self::Absent => actual.is_none(),
            Self::Equals(value) => actual == Some(value),
        }
    }
}

/// A condition that did not hold, with what was found instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// A stream is elsewhere.
    Stream {
        /// The stream.
        stream: StreamId,
        /// Where it was expected.
        expected: Expected,
        /// Where it is.
        actual: Version,
    },
    /// A record matches.
    NoneMatch {
        /// The query of the condition.
        query: EventQuery,
        /// The position behind which the condition looked.
        after: Position,
        /// The position of a record that matches; not necessarily the first.
        found: Position,
    },
    /// A row is different.
    Row {
        /// The table.
        table: LoggedTable,
        /// The row's key.
        key: Bytes,
        /// What the row was expected to be.
        expected: RowIs,
        /// The row's value, if there is a row.
        actual: Option<Bytes>,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream { stream, expected, actual } => {
                write!(f, "stream {stream} is at version {actual}, expected {expected}")
            }
            Self::NoneMatch { after, found, .. } => {
                write!(f, "the record at position {found} matches, expected none behind position {after}")
            }
            Self::Row { table, key, expected, actual } => {
                let key = key.escape_ascii();
                let found = if actual.is_some() { "another value" } else { "absent" };
                let wanted = if matches!(expected, RowIs::Absent) { "no row" } else { "a certain value" };
                write!(f, "row {key} of table {table} is {found}, expected {wanted}")
            }
        }
    }
}

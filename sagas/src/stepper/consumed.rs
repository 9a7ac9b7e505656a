//! A row that an input is.

use annals_core::{Commit, Condition, LoggedTable, RowIs, RowWrite};
use bytes::Bytes;

/// A row that an input is: whoever deletes it has taken the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Consumed {
    pub(crate) table: LoggedTable,
    pub(crate) key: Bytes,
    pub(crate) value: Bytes,
    /// What it becomes instead, when it stands for more than the input.
    pub(crate) becomes: Option<Bytes>,
}

impl Consumed {
    /// The row as it is.
    pub(crate) fn new((table, key): (LoggedTable, Bytes), value: Bytes) -> Self {
        Self { table, key, value, becomes: None }
    }

    /// `commit`, which takes the row away, on condition that it is there.
    pub(crate) fn take(&self, commit: Commit) -> Commit {
        let (table, key) = (self.table.clone(), self.key.clone());
        commit.when(self.demand()).row(RowWrite { table, key, value: self.becomes.clone() })
    }

    /// `commit`, which makes the row `value`, on condition that it is as it was.
    pub(crate) fn put(&self, commit: Commit, value: Bytes) -> Commit {
        commit.when(self.demand()).row(RowWrite::put(self.table.clone(), self.key.clone(), value))
    }

    fn demand(&self) -> Condition {
        Condition::Row { table: self.table.clone(), key: self.key.clone(), is: RowIs::Equals(self.value.clone()) }
    }
}

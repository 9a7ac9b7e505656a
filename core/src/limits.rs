//! How much one commit or batch may carry.

use std::io::{self, Write};

use thiserror::Error;

use crate::{Commit, DerivedWrite, LoggedTable, RowWrite};

/// The most bytes that a row's key may have.
pub const ROW_KEY_BYTES_MAX: usize = 1024;

/// How much one commit or batch may carry. Checked before anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in the payload of one event; 1 MiB by default.
    pub event_bytes: usize,
    /// Bytes in the encoded metadata of one event; 64 KiB by default.
    pub metadata_bytes: usize,
    /// Tags on one event; 64 by default.
    pub tags: usize,
    /// Bytes in the value of one row, and in an answer; 1 MiB by default.
    pub row_bytes: usize,
    /// Bytes in everything that one commit carries; 16 MiB by default.
    pub commit_bytes: usize,
    /// Events in one commit; 10,000 by default.
    pub commit_events: usize,
    /// Rows in one commit; 10,000 by default.
    pub commit_rows: usize,
    /// Conditions of one commit; 10,000 by default.
    pub commit_conditions: usize,
    /// Rows in one batch of derived rows; 50,000 by default.
    pub batch_rows: usize,
    /// Bytes in everything that one batch of derived rows carries; 64 MiB by default.
    pub batch_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            event_bytes: 1 << 20,
            metadata_bytes: 64 << 10,
            tags: 64,
            row_bytes: 1 << 20,
            commit_bytes: 16 << 20,
            commit_events: 10_000,
            commit_rows: 10_000,
            commit_conditions: 10_000,
            batch_rows: 50_000,
            batch_bytes: 64 << 20,
        }
    }
}

/// A commit or batch that breaks a limit or a rule, whatever the state of the store.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidCommit {
    /// Something is larger or longer than allowed. Make it smaller, or raise the limit.
    #[error("{what} is {found}, at most {limit} is allowed")]
    TooLarge {
        /// What is too large, with its unit: `bytes in the payload of event 3` ...
        what: String,
        /// Its size.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A row belongs to a table that only the store may write in this way.
    #[error("table {table} is kept by the store, a commit may not {attempt} a row of it")]
    SystemTable {
        /// The table.
        table: String,
        /// `put` or `delete`.
        attempt: &'static str,
    },
    /// An event's metadata cannot be encoded.
    #[error("the metadata of event {index} cannot be encoded: {reason}")]
    Metadata {
        /// The index of the event in the commit, from 0.
        index: usize,
        /// Why.
        reason: String,
    },
}

impl Limits {
    /// Checks what can be checked without the state of a store.
    ///
    /// # Errors
    /// [`InvalidCommit`], the first that is found.
    pub fn check(&self, commit: &Commit) -> Result<(), InvalidCommit> {
        at_most(|| "number of events in the commit".into(), commit.events.len(), self.commit_events)?;
        at_most(|| "number of rows in the commit".into(), commit.rows.len(), self.commit_rows)?;
        at_most(|| "number of conditions of the commit".into(), commit.conditions.len(), self.commit_conditions)?;
        let mut total = 0;
        for index in 0..commit.events.len() {
            total += self.check_event(commit, index)?;
        }
        for row in &commit.rows {
            check_system_table(row)?;
            total += self.check_row(&row.key, row.value.as_deref())?;
        }
        if let Some(once) = &commit.once {
            at_most(|| "bytes in the answer".into(), once.answer.len(), self.row_bytes)?;
            total += once.answer.len();
        }
        at_most(|| "bytes in the commit".into(), total, self.commit_bytes)
    }

    /// Checks the rows of a batch.
    ///
    /// # Errors
    /// [`InvalidCommit`], the first that is found.
    pub fn check_batch(&self, rows: &[DerivedWrite]) -> Result<(), InvalidCommit> {
        at_most(|| "number of rows in the batch".into(), rows.len(), self.batch_rows)?;
        let mut total = 0;
        for row in rows {
            if row.table.name() == "$generation" {
                return Err(InvalidCommit::SystemTable { table: row.table.to_string(), attempt: "write" });
            }
            total += self.check_row(&row.key, row.value.as_deref())?;
        }
        at_most(|| "bytes in the batch".into(), total, self.batch_bytes)
    }

    fn check_event(&self, commit: &Commit, index: usize) -> Result<usize, InvalidCommit> {
        let Some(event) = commit.events.get(index) else { return Ok(0) };
        let payload = event.payload.len();
        at_most(|| format!("bytes in the payload of event {index}"), payload, self.event_bytes)?;
        at_most(|| format!("number of tags of event {index}"), event.tags.len(), self.tags)?;
        if event.metadata.is_empty() {
            return Ok(payload);
        }
        let mut metadata = Counted::default();
        rmp_serde::encode::write_named(&mut metadata, &event.metadata)
            .map_err(|error| InvalidCommit::Metadata { index, reason: error.to_string() })?;
        at_most(|| format!("bytes in the metadata of event {index}"), metadata.bytes, self.metadata_bytes)?;
        Ok(payload + metadata.bytes)
    }

    fn check_row(&self, key: &[u8], value: Option<&[u8]>) -> Result<usize, InvalidCommit> {
        let value = value.map_or(0, <[u8]>::len);
        at_most(|| "bytes in the key of a row".into(), key.len(), ROW_KEY_BYTES_MAX)?;
        at_most(|| format!("bytes in the value of row {}", key.escape_ascii()), value, self.row_bytes)?;
        Ok(key.len() + value)
    }
}

/// Counts what is written, and keeps none of it.
#[derive(Default)]
struct Counted {
    bytes: usize,
}

impl Write for Counted {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        self.bytes += written.len();
        Ok(written.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn at_most(what: impl FnOnce() -> String, found: usize, limit: usize) -> Result<(), InvalidCommit> {
    if found > limit {
        return Err(InvalidCommit::TooLarge { what: what(), found, limit });
    }
    Ok(())
}

/// `$closed`, `$name_key` and `$schemas` may be put, `$once` deleted, what names and consumers keep both; the rest is the store's own.
fn check_system_table(row: &RowWrite) -> Result<(), InvalidCommit> {
    if !row.table.is_system() {
        return Ok(());
    }
    let is_only_put = [LoggedTable::CLOSED, LoggedTable::NAME_KEY, LoggedTable::SCHEMAS];
    let is_free = [
        LoggedTable::EPOCHS,
        LoggedTable::NAMES,
        LoggedTable::CONSUMERS,
        LoggedTable::SAGAS,
        LoggedTable::COMMANDS,
        LoggedTable::TIMERS,
        LoggedTable::ASIDE,
    ];
    let allowed = match row.table.name() {
        name if is_only_put.iter().any(|table| table.name() == name) => row.value.is_some(),
        name if name == LoggedTable::ONCE.name() => row.value.is_none(),
        name => is_free.iter().any(|table| table.name() == name),
    };
    if allowed {
        return Ok(());
    }
    let attempt = if row.value.is_some() { "put" } else { "delete" };
    Err(InvalidCommit::SystemTable { table: row.table.to_string(), attempt })
}

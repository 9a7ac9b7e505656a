//! What became of events that were set aside.

use std::collections::BTreeSet;

use annals_core::{DerivedTable, DerivedWrite, Position, Scan, Tenant, Timestamp, codec};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::ParkedError;
use crate::{KeyBytes, consumer::Consumer};

/// An event that failed and was set aside, and is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unparked {
    /// Whose event it is.
    pub tenant: Option<Tenant>,
    /// Its lane key.
    pub key: KeyBytes,
    /// Its stream.
    pub stream: String,
    /// Where it is in the log.
    pub position: Position,
    /// Why it failed last.
    pub error: String,
    /// When it failed first.
    pub since: Timestamp,
    /// When it was set aside no longer.
    pub until: Timestamp,
    /// How many events of its key were set aside then, this one included. Those behind it went on, unless one of them failed.
    pub events: usize,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an event that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Outcome {
    /// It was taken in, by itself or because an operator said so.
    TakenIn {
        /// How often it was tried, the last time included.
        attempts: u32,
    },
    /// An operator decided to pass it by.
    Discarded {
        /// Why.
        reason: String,
    },
}

/// What is stored of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UnparkedRow {
    pub(super) tenant: Option<String>,
    pub(super) key: Bytes,
    pub(super) stream: String,
    pub(super) position: Position,
    pub(super) error: String,
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
    pub(super) events: usize,
    pub(super) outcome: Outcome,
}

/// What a consumer keeps of events that were set aside: the latest of them, in a table of their own.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// The keys of its rows, the oldest first, once they were read. All lanes of a consumer add to them.
    keys: Mutex<Option<BTreeSet<Bytes>>>,
}

/// When there are far too many rows, so many are deleted at once, so that no batch becomes too large.
const DELETED_MAX: usize = 256;

impl Clone for History {
    /// That of another consumer, of which nothing is read yet.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl History {
    /// Reads its rows again before the next one is added: what was to be written was not, or by somebody else.
    pub(super) async fn forget(&self) {
        *self.keys.lock().await = None;
    }

    /// What is to be written so that `row` is added, and no more are kept than the options say.
    pub(super) async fn add(consumer: &Consumer, row: &UnparkedRow) -> Result<Vec<DerivedWrite>, ParkedError> {
        let mut known = consumer.history.keys.lock().await;
        let keys = match &mut *known {
            Some(keys) => keys,
            unread => unread.insert(Self::rows(consumer, usize::MAX).await?.into_iter().map(|(key, _)| key).collect()),
        };
        let write = |key, value| DerivedWrite { table: DerivedTable::UNPARKED, key, value };
        let mut writes = Vec::new();
        let kept = consumer.options.parked_history_max;
        if kept > 0 {
            let mut key = consumer.key();
            key.push_raw(KeyBytes::of(&(row.until, row.position)).as_slice());
            let key = Bytes::copy_from_slice(key.as_slice());
            writes.push(write(key.clone(), Some(codec::encode("unparked event", row)?)));
            keys.insert(key);
        }
        while keys.len() > kept && writes.len() <= DELETED_MAX {
            writes.extend(keys.pop_first().map(|oldest| write(oldest, None)));
        }
        Ok(writes)
    }

    /// All that is kept, the latest first.
    pub(crate) async fn list(consumer: &Consumer) -> Result<Vec<Unparked>, ParkedError> {
        let rows = Self::rows(consumer, consumer.options.parked_history_max).await?;
        rows.into_iter().map(|(_, row)| codec::decode::<UnparkedRow>(&row)?.show()).collect()
    }

    /// The latest rows, the latest first.
    async fn rows(consumer: &Consumer, most: usize) -> Result<Vec<(Bytes, Bytes)>, ParkedError> {
        let prefix = Bytes::copy_from_slice(consumer.key().as_slice());
        let mut rows = Vec::new();
        let mut scan = Some(Scan::prefix(DerivedTable::UNPARKED, prefix).backward());
        while let Some(next) = scan.filter(|_| rows.len() < most) {
            let page = consumer.rows.scan(next).await?;
            rows.extend(page.rows);
            scan = page.next;
        }
        rows.truncate(most);
        Ok(rows)
    }
}

impl UnparkedRow {
    fn show(self) -> Result<Unparked, ParkedError> {
        let mut key = KeyBytes::new();
        key.push_raw(&self.key);
        let Self { stream, position, error, since, until, events, outcome, .. } = self;
        let tenant = self.tenant.map(Tenant::new).transpose()?;
        Ok(Unparked { tenant, key, stream, position, error, since, until, events, outcome })
    }
}

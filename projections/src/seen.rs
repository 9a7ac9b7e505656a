//! How far a consumer has come that hands no event over twice: in the log, before it does.

use annals_core::{Commit, CommitError, Condition, LoggedTable, Position, ReadError, RowIs, RowWrite};
use bytes::Bytes;

use crate::{
    KeyBytes,
    consumer::{Consumer, Fence},
};

/// So many events are noted at once, and lost when the process dies before they are handed over.
pub(crate) const SEEN_AT_ONCE: usize = 64;

/// Up to where events were handed over, or are about to be; nothing was noted yet without it.
pub(crate) async fn load(consumer: &Consumer) -> Result<Option<Position>, ReadError> {
    let (table, key) = row(consumer);
    let found = consumer.log.get(&[(table.into(), key)]).await?.into_iter().next().flatten();
    let position = found.as_deref().and_then(|row| row.try_into().ok()).map(u64::from_be_bytes);
    Ok(position.and_then(|position| Position::new(position).ok()))
}

/// Notes that events up to `position` are about to be handed over, unless somebody else has the right to.
pub(crate) async fn note(consumer: &Consumer, fence: &Fence, position: Position) -> Result<(), CommitError> {
    let (table, key) = row(consumer);
    let seen = RowWrite::put(table, key, Bytes::copy_from_slice(&position.get().to_be_bytes()));
    consumer.log.commit(fence.guard(Commit::new().row(seen))).await.map(drop)
}

/// One row for all builds: what was handed over to one is handed over to no other.
fn row(consumer: &Consumer) -> (LoggedTable, Bytes) {
    (LoggedTable::CONSUMERS, Bytes::copy_from_slice(KeyBytes::of(&(consumer.name, "seen")).as_slice()))
}

impl Fence {
    /// The same, on condition that this runner still has the right to write.
    pub(crate) fn guard(&self, commit: Commit) -> Commit {
        let Some(epoch) = &self.epoch else { return commit };
        let (table, key) = epoch.row();
        commit.when(Condition::Row { table, key, is: RowIs::Equals(epoch.to_row()) })
    }
}

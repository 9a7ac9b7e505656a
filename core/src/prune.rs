//! Forgetting old idempotency keys.
//!
//! Keys are kept for ever unless somebody asks for this. What is forgotten is deleted by ordinary commits, so it is in
//! the log, and whatever is built from the log agrees.

use std::{fmt, future::IntoFuture};

use bytes::Bytes;
use futures::future::BoxFuture;
use thiserror::Error;

use crate::{
    Annals, Commit, CommitError, CommitNumber, Condition, InvalidCommit, LoggedTable, Page, ReadError, Receipt,
    Repetition, RowIs, RowWrite, Scan, Store, Table, Timestamp,
};

/// The most keys that one commit forgets; it also bounds what is read at once.
const PIECE_KEYS: usize = 256;

/// Which idempotency keys are old enough to be forgotten: those whose first request was committed before this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysBefore {
    /// Before the commit of this number, itself excluded.
    Commit(CommitNumber),
    /// Before this recorded time, itself excluded. A time that is still to come means every key that is there when the
    /// prune begins.
    Recorded(Timestamp),
}

/// What a prune has done, or has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Keys that were looked at: all of the handle's tenant, in the end.
    pub looked_at: u64,
    /// Keys that were forgotten.
    pub forgotten: u64,
    /// Keys that are not old enough, also because they were used again meanwhile. What another prune has forgotten
    /// meanwhile is counted neither here nor there.
    pub kept: u64,
}

/// Why a prune ended early. The keys forgotten so far stay forgotten; the same prune asked for again goes on.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum PruneError {
    /// There is no such commit yet; nothing was forgotten. Give the number of a commit that is there.
    #[error("keys before commit {before} cannot be forgotten, the latest commit is {head}")]
    BeyondHead {
        /// The number that was given.
        before: CommitNumber,
        /// The number of the latest commit.
        head: CommitNumber,
    },
    /// The keys cannot be read; the error says what to do.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A piece was not committed, or may not have been; the error says what to do. Whether it was makes no difference to
    /// the next prune.
    #[error(transparent)]
    Store(#[from] CommitError),
}

impl Annals {
    /// Forgets old idempotency keys of this handle's tenant, and of no other: a handle without a tenant forgets those
    /// that belong to none. Await it to begin.
    ///
    /// Without this every key is kept for ever. A key that is forgotten is as if it had never been used: a late
    /// repetition of its request takes effect **again**. So forget only what no sender still repeats; for "older than 90
    /// days" take the time 90 days ago ([`Timestamp::saturating_sub`]).
    ///
    /// * **Order.** All keys are looked at, in the order of their text, a page at a time; the cost grows with their
    ///   number, however few are old. Commands go on meanwhile.
    /// * **Atomicity.** Each piece of up to 256 keys, fewer where the store's [`Limits`](crate::Limits) ask for it, is one
    ///   commit that holds only if the keys are still what was looked at: a key that was forgotten by somebody else and
    ///   used again in between is kept. So is every key that is used after the prune began.
    /// * **Durability.** A piece is in the log, so a rebuilt index agrees about what is forgotten.
    /// * **Cancellation.** A future that is dropped leaves whole pieces done; the same prune asked for again goes on.
    ///
    /// Sagas and reactions do not rely on these keys: a command that they send waits as a row, which the commit that takes it
    /// takes away. So nothing but the head bounds a prune.
    ///
    /// ```
    /// use std::time::Duration;
    /// use annals_core::{Annals, KeysBefore, MemoryStore, Timestamp};
    #[doc = include_str!("doc/counter.txt")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let annals = Annals::over(MemoryStore::new()).open().await?;
    /// let click = || annals.on::<Counter>("visits").send(Increment { by: 1 }).idempotency_key("click-1");
    /// click().await?;
    ///
    /// let quarter = Duration::from_secs(90 * 24 * 60 * 60);
    /// let pruned = annals.prune_keys(KeysBefore::Recorded(Timestamp::now().saturating_sub(quarter))).await?;
    /// assert_eq!((pruned.forgotten, pruned.kept), (0, 1));
    /// assert!(click().await?.receipt.repeated);
    /// # Ok(())
    /// # }
    /// ```
    pub fn prune_keys(&self, before: KeysBefore) -> Pruning<'_> {
        Pruning { annals: self, before, progress: None }
    }
}

/// A prune of idempotency keys, asked for by [`Annals::prune_keys`]. Await it; it gives [`Pruned`] or a [`PruneError`].
#[must_use = "nothing is forgotten before it is awaited"]
pub struct Pruning<'a> {
    annals: &'a Annals,
    before: KeysBefore,
    progress: Option<Box<dyn FnMut(Pruned) + Send + 'a>>,
}

impl<'a> Pruning<'a> {
    /// Calls `progress` with what was done so far, whenever up to 256 more keys were looked at. It runs within the prune,
    /// so it should be quick; a panic in it ends the prune like dropping its future.
    pub fn progress(mut self, progress: impl FnMut(Pruned) + Send + 'a) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    async fn run(mut self) -> Result<Pruned, PruneError> {
        let mut pruner = Pruner::begin(self.annals, self.before)?;
        let mut next = Some(Scan::all(pruner.table.clone()).limit(PIECE_KEYS));
        while let Some(scan) = next {
            let page = self.annals.store().scan(scan).await?;
            next = page.next.clone();
            pruner.prune(page).await?;
            if let Some(progress) = &mut self.progress {
                progress(pruner.pruned);
            }
        }
        Ok(pruner.pruned)
    }
}

impl<'a> IntoFuture for Pruning<'a> {
    type Output = Result<Pruned, PruneError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Pruning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pruning").field("before", &self.before).finish_non_exhaustive()
    }
}

/// A row of `$once`: a key and its encoded [`Repetition`].
type Row = (Bytes, Bytes);

/// A prune under way.
struct Pruner<'a> {
    store: &'a dyn Store,
    table: LoggedTable,
    before: KeysBefore,
    /// The latest commit when the prune began: a key that is used behind it is never old.
    head: CommitNumber,
    /// How many keys a commit may forget; fewer once the store has refused as many.
    piece: usize,
    pruned: Pruned,
}

impl<'a> Pruner<'a> {
    fn begin(annals: &'a Annals, before: KeysBefore) -> Result<Self, PruneError> {
        let head = annals.store().head().borrow().commit;
        if let KeysBefore::Commit(before) = before
            && before > head
        {
            return Err(PruneError::BeyondHead { before, head });
        }
        let table = LoggedTable::ONCE.in_tenant(annals.tenant().cloned());
        Ok(Self { store: &**annals.store(), table, before, head, piece: PIECE_KEYS, pruned: Pruned::default() })
    }

    async fn prune(&mut self, page: Page) -> Result<(), PruneError> {
        self.pruned.looked_at += page.rows.len() as u64;
        let old = self.old_of(page.rows)?;
        self.forget(old).await
    }

    /// The rows that are old enough; the others are counted as kept.
    fn old_of(&mut self, rows: Vec<Row>) -> Result<Vec<Row>, ReadError> {
        let mut old = Vec::new();
        for (key, value) in rows {
            let Some(repetition) = Repetition::decode(&value) else {
                let key = key.escape_ascii();
                let reason = format!("the row of idempotency key {key} in table {} cannot be decoded", self.table);
                return Err(ReadError::Index { reason });
            };
            if self.is_old(&repetition.receipt) {
                old.push((key, value));
            } else {
                self.pruned.kept += 1;
            }
        }
        Ok(old)
    }

    fn is_old(&self, first: &Receipt) -> bool {
        match self.before {
            KeysBefore::Commit(before) => first.commit < before,
            KeysBefore::Recorded(before) => first.recorded < before && first.commit <= self.head,
        }
    }

    /// Deletes `old`, as far as it is still what it was, in as many commits as the store's limits ask for.
    async fn forget(&mut self, mut old: Vec<Row>) -> Result<(), PruneError> {
        while !old.is_empty() {
            let piece = self.piece.min(old.len());
            match self.store.commit(self.deletion(old.iter().take(piece))).await {
                Ok(_) => {
                    self.pruned.forgotten += piece as u64;
                    drop(old.drain(..piece));
                }
                Err(CommitError::Conflict { failures }) => {
                    let before = old.len();
                    old = self.read_again(old).await?;
                    // A row that is not what it was never becomes so again. Anything else would go on for ever.
                    if old.len() == before {
                        return Err(CommitError::Conflict { failures }.into());
                    }
                }
                Err(CommitError::Invalid(InvalidCommit::TooLarge { .. })) if piece > 1 => self.piece = piece / 2,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn deletion<'r>(&self, rows: impl Iterator<Item = &'r Row>) -> Commit {
        rows.fold(Commit::new(), |commit, (key, value)| {
            let (table, is) = (self.table.clone(), RowIs::Equals(value.clone()));
            let unchanged = Condition::Row { table: table.clone(), key: key.clone(), is };
            commit.when(unchanged).row(RowWrite::delete(table, key.clone()))
        })
    }

    /// The rows as they are by now, without those that are gone or no longer old.
    async fn read_again(&mut self, rows: Vec<Row>) -> Result<Vec<Row>, ReadError> {
        let table = Table::from(self.table.clone());
        let keys: Vec<_> = rows.into_iter().map(|(key, _)| (table.clone(), key)).collect();
        let values = self.store.get(&keys).await?;
        let there = keys.into_iter().zip(values).filter_map(|((_, key), value)| Some((key, value?)));
        self.old_of(there.collect())
    }
}

#[cfg(test)]
mod tests;

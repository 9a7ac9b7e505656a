//! How far a consumer has come, as rows beside the rows that it keeps.

use std::{collections::HashMap, num::NonZeroUsize};

use annals_core::{
    ApplyError, DerivedCondition, DerivedTable, DerivedWrite, Generation, Position, ReadError, RowBatch, RowIs, Scan,
    Store, codec,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{KeyBytes, consumer::Consumer};

/// Why checkpoints could not be begun.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BeginError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Encode(#[from] codec::EncodeError),
}

/// Keys are spread over so many partitions, for ever: a lane has some of them.
pub(crate) const PARTITIONS: u16 = 64;

/// The partition of a lane key.
pub(crate) fn partition_of(key: &KeyBytes) -> u16 {
    let hash = xxhash_rust::xxh3::xxh3_64(key.as_slice()) % u64::from(PARTITIONS);
    u16::try_from(hash).unwrap_or_default()
}

/// Which of so many lanes takes the events of a lane key.
pub(crate) fn lane_of(key: &KeyBytes, lanes: NonZeroUsize) -> usize {
    usize::from(partition_of(key)) % lanes
}

/// A row of `$checkpoints`.
///
/// Invariant: everything up to the *floor* is done in every partition; a partition that has a row of its own has done what
/// is up to there too. Each is written together with the rows that follow from what it says is done, on condition that it is as
/// it was read: so nothing is done twice, and nothing is said to be done that is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) position: Position,
    /// Where the log ended when the rows began to be computed from nothing. Until then they are not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Position>,
}

/// A checkpoint as it is stored, to be compared with and replaced.
#[derive(Debug, Clone)]
pub(crate) struct CheckpointRow {
    key: Bytes,
    /// What is stored.
    stored: Option<Bytes>,
    pub(crate) checkpoint: Checkpoint,
}

/// All checkpoints of a consumer.
pub(crate) struct Checkpoints {
    pub(crate) floor: CheckpointRow,
    pub(crate) partitions: HashMap<u16, CheckpointRow>,
}

impl CheckpointRow {
    fn new(key: Bytes, stored: Option<Bytes>) -> Self {
        let checkpoint = stored.as_deref().and_then(|row| codec::decode(row).ok()).unwrap_or_default();
        Self { key, stored, checkpoint }
    }

    /// Adds to `batch` that the checkpoint is now `next`, if it is as it was. Returns it as it will then be.
    pub(crate) fn advance(&self, next: Checkpoint, batch: &mut RowBatch) -> Result<Self, codec::EncodeError> {
        self.demand(batch);
        let row = codec::encode("checkpoint", &next)?;
        let (table, key) = (DerivedTable::CHECKPOINTS, self.key.clone());
        batch.rows.push(DerivedWrite { table, key: key.clone(), value: Some(row.clone()) });
        Ok(Self { key, stored: Some(row), checkpoint: next })
    }

    /// Adds to `batch` that the checkpoint must be as it was read.
    pub(crate) fn demand(&self, batch: &mut RowBatch) {
        let is = self.stored.clone().map_or(RowIs::Absent, RowIs::Equals);
        let (table, key) = (DerivedTable::CHECKPOINTS, self.key.clone());
        batch.conditions.push(DerivedCondition { table, key, is });
    }

    /// Whether anything was ever stored.
    pub(crate) fn is_stored(&self) -> bool {
        self.stored.is_some()
    }
}

impl Checkpoints {
    /// Reads those of `consumer`; the first time, it is noted first that its rows are complete when they are where the log is
    /// now.
    pub(crate) async fn begin(consumer: &Consumer) -> Result<Self, BeginError> {
        let row = consumer.rows.get(&[Consumer::generation_row()]).await?.into_iter().flatten().next();
        let generation = row.as_deref().and_then(Generation::from_row);
        let begun = Self::load(consumer).await?;
        if begun.floor.is_stored() {
            return Ok(begun);
        }
        let mut batch = RowBatch { generation, ..RowBatch::default() };
        let floor = begun.floor.advance(begun.floor.checkpoint, &mut batch)?;
        match consumer.rows.apply(batch).await {
            Ok(()) => Ok(Self { floor, ..begun }),
            // Somebody else was there before.
            Err(ApplyError::Conflict { .. }) => Ok(Self::load(consumer).await?),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads those of `consumer`.
    pub(crate) async fn load(consumer: &Consumer) -> Result<Self, ReadError> {
        let prefix = Bytes::copy_from_slice(consumer.key().as_slice());
        let floor = Self::floor_key(consumer.key());
        let mut all = HashMap::new();
        let mut scan = Some(Scan::prefix(DerivedTable::CHECKPOINTS, prefix));
        while let Some(next) = scan {
            let page = consumer.rows.scan(next).await?;
            all.extend(page.rows);
            scan = page.next;
        }
        let row = |key: Bytes| CheckpointRow::new(key.clone(), all.get(&key).cloned());
        let partitions = (0..PARTITIONS).map(|partition| (partition, row(Self::partition_key(consumer, partition))));
        let mut floor = row(floor);
        if floor.stored.is_none() {
            // The rows are to be computed from nothing, and are not complete before they are where the log is now.
            let target = Some(consumer.log.head().borrow().position);
            floor.checkpoint = Checkpoint { position: consumer.scope.after, target };
        }
        Ok(Self { partitions: partitions.collect(), floor })
    }

    /// Whether nothing behind `begin` was ever taken in, so that there are no rows.
    pub(crate) fn are_at(&self, begin: Position) -> bool {
        let mut all = self.partitions.values().chain([&self.floor]);
        all.all(|row| row.checkpoint.position <= begin)
    }

    /// Whether the rows of build `build` of projection `name` were ever complete.
    pub(crate) async fn were_complete(rows: &dyn Store, name: &str, build: u64) -> Result<bool, ReadError> {
        let key = Self::floor_key(KeyBytes::of(&(name, build)));
        let found = rows.get(&[(DerivedTable::CHECKPOINTS.into(), key.clone())]).await?;
        let Checkpoint { position, target } = CheckpointRow::new(key, found.into_iter().flatten().next()).checkpoint;
        Ok(target.is_some_and(|target| position >= target))
    }

    /// Where every partition is, or will be when the floor gets there.
    pub(crate) fn ahead_of_floor(&self) -> HashMap<u16, Position> {
        let floor = self.floor.checkpoint.position;
        let positions = self.partitions.iter().map(|(partition, row)| (*partition, row.checkpoint.position));
        positions.filter(|(_, position)| *position > floor).collect()
    }

    fn floor_key(mut key: KeyBytes) -> Bytes {
        key.push_raw(&[0]);
        Bytes::copy_from_slice(key.as_slice())
    }

    fn partition_key(consumer: &Consumer, partition: u16) -> Bytes {
        let mut key = consumer.key();
        key.push_raw(&[1]);
        key.push_raw(&partition.to_be_bytes());
        Bytes::copy_from_slice(key.as_slice())
    }
}

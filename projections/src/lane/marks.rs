//! How far a lane has come.

use std::collections::HashMap;

use annals_core::{Position, Record, RowBatch, codec::EncodeError};

use crate::{
    LaneKey,
    checkpoint::{Checkpoint, CheckpointRow, partition_of},
};

/// How far a lane has come, and how far that is stored.
pub(crate) enum Marks {
    /// The only lane: everything is done up to one position.
    Floor { row: CheckpointRow, reached: Position },
    /// One of several: a position for each of its partitions.
    Partitions { rows: HashMap<u16, CheckpointRow>, reached: HashMap<u16, Position> },
}

impl Marks {
    pub(crate) fn floor(row: CheckpointRow) -> Self {
        Self::Floor { reached: row.checkpoint.position, row }
    }

    pub(crate) fn partitions(rows: HashMap<u16, CheckpointRow>) -> Self {
        Self::Partitions { rows, reached: HashMap::new() }
    }

    /// Notes that `records`, the latest first, are done as soon as the batch is stored.
    pub(crate) fn reached<'a>(&mut self, mut records: impl Iterator<Item = &'a Record>, lane_key: &LaneKey) {
        match self {
            Self::Floor { reached, .. } => {
                if let Some(record) = records.next() {
                    *reached = record.position().max(*reached);
                }
            }
            Self::Partitions { reached, .. } => {
                for record in records {
                    let at = reached.entry(partition_of(&lane_key.key(record))).or_default();
                    *at = record.position().max(*at);
                }
            }
        }
    }

    /// Notes that the only lane is at `end`, where nothing is left to do before.
    pub(crate) fn raise(&mut self, end: Position) {
        if let Self::Floor { reached, .. } = self {
            *reached = end.max(*reached);
        }
    }

    /// How many positions the only lane has come further than is stored.
    pub(crate) fn ahead(&self) -> u64 {
        match self {
            Self::Floor { row, reached } => reached.get().saturating_sub(row.checkpoint.position.get()),
            Self::Partitions { .. } => 0,
        }
    }

    /// Adds to `batch` how far the lane has come, if that is further than is stored, on condition that nobody else has
    /// written it. Returns what is stored then.
    pub(crate) fn advance(&self, batch: &mut RowBatch) -> Result<Vec<(Option<u16>, CheckpointRow)>, EncodeError> {
        let mut advanced = Vec::new();
        match self {
            Self::Floor { row, reached } => {
                let next = Checkpoint { position: *reached, ..row.checkpoint };
                match next == row.checkpoint && row.is_stored() {
                    true => row.demand(batch),
                    false => advanced.push((None, row.advance(next, batch)?)),
                }
            }
            Self::Partitions { rows, reached } => {
                for (partition, position) in reached {
                    let Some(row) = rows.get(partition).filter(|row| row.checkpoint.position < *position) else {
                        continue;
                    };
                    let next = Checkpoint { position: *position, target: None };
                    advanced.push((Some(*partition), row.advance(next, batch)?));
                }
            }
        }
        Ok(advanced)
    }

    /// What [`advance`](Self::advance) returned is stored.
    pub(crate) fn settle(&mut self, advanced: Vec<(Option<u16>, CheckpointRow)>) {
        for (partition, stored) in advanced {
            match (&mut *self, partition) {
                (Self::Floor { row, .. }, _) => *row = stored,
                (Self::Partitions { rows, .. }, Some(partition)) => {
                    rows.insert(partition, stored);
                }
                (Self::Partitions { .. }, None) => {}
            }
        }
        if let Self::Partitions { reached, .. } = self {
            reached.clear();
        }
    }

    /// Forgets what is not stored.
    pub(crate) fn forget(&mut self) {
        match self {
            Self::Floor { row, reached } => *reached = row.checkpoint.position,
            Self::Partitions { reached, .. } => reached.clear(),
        }
    }
}

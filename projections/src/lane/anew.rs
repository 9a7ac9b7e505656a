//! Computes the rows of one key anew.

use std::{collections::HashSet, sync::Arc};

use annals_core::{AsOf, Position, ReadLog, Record, Tenant};
use bytes::Bytes;
use futures::StreamExt;

use crate::{BoxError, KeyBytes, RowsError, chunk::Chunk, parked, run::Delivery};

use super::{Halt, Lane, Work};

/// A key whose rows are to be computed anew.
#[derive(Debug, Clone)]
pub(crate) struct Anew {
    pub(crate) tenant: Option<Tenant>,
    pub(crate) key: KeyBytes,
    /// Up to where its events are in its rows, or set aside.
    pub(crate) until: Position,
    /// Events that are passed by.
    pub(crate) discarded: Arc<HashSet<Position>>,
}

/// Why the rows of a key could not be computed anew. They are what they were.
#[derive(Debug)]
pub(crate) enum Undone {
    /// The handler failed at this record.
    Failed { position: Position, error: BoxError },
    /// The rows as a whole cannot be read or stored.
    Rows(RowsError),
}

/// So many records are handed over at once.
const RECORDS_AT_ONCE: usize = 1000;

impl Lane {
    /// Replaces all rows of a key by what follows from its events, at once. Returns how many events those are; what of them was set
    /// aside is so no more.
    pub(crate) async fn compute_anew(&mut self, anew: &Anew) -> Result<Result<usize, Undone>, Halt> {
        // What is written but not stored has nothing to do with this, and is not to be lost with it.
        self.store().await?;
        self.batch.forget();
        let done = match self.replace(anew).await {
            Err(Halt::Rows(error)) => Err(Undone::Rows(error)),
            done => done?,
        };
        if done.is_err() {
            self.forget().await?;
        }
        Ok(done)
    }

    async fn replace(&mut self, anew: &Anew) -> Result<Result<usize, Undone>, Halt> {
        let prefix = Bytes::copy_from_slice(anew.key.as_slice());
        self.batch.delete_all(&anew.tenant, &prefix).await?;
        let query = self.consumer.subscription.query().in_tenant(anew.tenant.clone());
        let read = ReadLog::of(query).after(self.consumer.scope.after).as_of(AsOf::Position(anew.until));
        let consumer = Arc::clone(&self.consumer);
        let mut log = consumer.log.read_log(read);
        let (mut events, mut records) = (0, Vec::new());
        while let Some(record) = log.next().await.transpose()? {
            if self.belongs(&record, anew) {
                records.push(record);
            }
            if records.len() == RECORDS_AT_ONCE {
                events += records.len();
                if let Err(undone) = self.hand_over_all(std::mem::take(&mut records)).await? {
                    return Ok(Err(undone));
                }
            }
        }
        events += records.len();
        if let Err(undone) = self.hand_over_all(records).await? {
            return Ok(Err(undone));
        }
        let id = parked::id(anew.tenant.as_ref().map(Tenant::as_str), &anew.key);
        self.parked.release(&id).await?;
        self.store().await?;
        Ok(Ok(events))
    }

    fn belongs(&self, record: &Record, anew: &Anew) -> bool {
        self.consumer.options.lane_key.key(record) == anew.key
            && self.consumer.scope.has(record)
            && self.consumer.subscription.enum_of(record).is_some()
            && !anew.discarded.contains(&record.position())
    }

    /// Hands records over, so that what follows from all of them is in the batch.
    async fn hand_over_all(&mut self, records: Vec<Record>) -> Result<Result<(), Undone>, Halt> {
        let Some(end) = records.last().map(|record| record.position()) else { return Ok(Ok(())) };
        let delivery = |(index, record)| Some(Delivery { index, events: self.consumer.subscription.enum_of(record)? });
        let deliveries = records.iter().enumerate().filter_map(delivery).collect();
        let chunk = Arc::new(Chunk::new(records, end));
        let columns = self.consumer.subscription.columns(&chunk).into();
        let work = Work { chunk, columns, deliveries };
        let mut next = 0;
        while next < work.deliveries.len() {
            let progress = self.hand_over(&work, next..work.deliveries.len()).await?;
            next += progress.taken;
            if let (Some(error), Some(record)) = (progress.failure, work.record(next)) {
                return Ok(Err(Undone::Failed { position: record.position(), error }));
            }
        }
        Ok(Ok(()))
    }
}

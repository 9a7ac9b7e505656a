//! Takes in what was set aside.

use std::{collections::HashSet, sync::Arc};

use annals_core::{AsOf, LoggedTable, Position, ReadError, ReadLog, Record};
use futures::StreamExt;

use crate::{
    BoxError, Outcome, Reaction, chunk::Chunk, control::Discarded, decision::Decided, parked::ParkedId, run::Delivery,
};

use super::{Halt, Lane, Work};

impl Lane {
    /// Takes in the parked events of one key, the oldest first, until one fails again or none is left. Those that were
    /// discarded are passed by. Returns how many were done.
    ///
    /// Each is stored together with the fact that it is no longer parked, so nothing is taken in twice.
    pub(crate) async fn replay(&mut self, id: &ParkedId, discarded: &HashSet<Position>) -> Result<usize, Halt> {
        let mut done = 0;
        loop {
            let slice = self.parked.slice(id).await?;
            if slice.is_empty() {
                // Rows that say that a key is parked, and none that say which event: there is nothing left to wait for.
                self.parked.drop_key(id);
                self.store().await?;
                return Ok(done);
            }
            for position in slice {
                if !self.replay_one(id, position, discarded.contains(&position)).await? {
                    return Ok(done);
                }
                done += 1;
                if !self.parked.has(id) {
                    return Ok(done);
                }
            }
        }
    }

    /// Takes in one parked event, unless it is discarded; false when it failed again.
    async fn replay_one(&mut self, id: &ParkedId, position: Position, is_discarded: bool) -> Result<bool, Halt> {
        let record = if is_discarded { None } else { self.read(position).await? };
        if let Some(record) = &record
            && let Some(error) = self.take_again(record).await?
        {
            self.failed_again(id, record, &error).await?;
            return Ok(false);
        }
        let outcome = match is_discarded {
            true => Outcome::Discarded { reason: self.reason(position).await? },
            false => Outcome::TakenIn { attempts: self.parked.attempts(id, position).saturating_add(1) },
        };
        self.parked.done(id, position, outcome).await?;
        match (self.store().await, record) {
            (Err(Halt::Rows(error)), Some(record)) => {
                self.forget().await?;
                self.failed_again(id, &record, &error.into()).await?;
                Ok(false)
            }
            (stored, _) => stored.map(|()| true),
        }
    }

    /// Hands a record over, so that what follows from it is in the batch; otherwise says why not.
    async fn take_again(&mut self, record: &Record) -> Result<Option<BoxError>, Halt> {
        let Some(events) = self.consumer.subscription.enum_of(record) else { return Ok(None) };
        let chunk = Arc::new(Chunk::new(vec![record.clone()], record.position()));
        let columns = self.consumer.subscription.columns(&chunk).into();
        let work = Work { chunk, columns, deliveries: vec![Delivery { index: 0, events }] };
        Ok(self.hand_over(&work, 0..1).await?.failure)
    }

    async fn failed_again(&mut self, id: &ParkedId, record: &Record, error: &BoxError) -> Result<(), Halt> {
        let attempts = self.parked.attempts(id, record.position()).saturating_add(1);
        let (reaction, pause) = self.react(record, attempts, error);
        if reaction == Reaction::Stop {
            return Err(Halt::failed(record, attempts, error));
        }
        let key = self.consumer.options.lane_key.key(record);
        self.parked.park(&key, record, &error.to_string(), attempts, pause)?;
        self.store().await
    }

    /// Why the event at `position` is discarded.
    async fn reason(&self, position: Position) -> Result<String, ReadError> {
        let key = Discarded::row_key(self.consumer.name, position);
        let row = self.consumer.log.get(&[(LoggedTable::CONSUMERS.into(), key)]).await?.into_iter().flatten().next();
        // That it was discarded is known all the same.
        Ok(row.and_then(|row| Decided::read(&row).ok()).map_or_else(String::new, |decided| decided.reason))
    }

    async fn read(&self, position: Position) -> Result<Option<Record>, ReadError> {
        let Some(before) = position.get().checked_sub(1).and_then(|before| Position::new(before).ok()) else {
            return Ok(None);
        };
        let query = self.consumer.subscription.query();
        let read = ReadLog::of(query).after(before).as_of(AsOf::Position(position)).limit(1);
        self.consumer.log.read_log(read).next().await.transpose()
    }
}

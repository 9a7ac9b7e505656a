//! Handing records to a projection, one after the other or several at once.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use annals_core::{ApplyError, DecodeError, DerivedTable, MemoryStore, Position, Record, RowBatch, Store};
use thiserror::Error;

use crate::{
    BoxError, Delivered, Projection, RowsError,
    chunk::Chunk,
    rows::Batch,
    run::{Delivery, Group, Run, tenant_of},
};

/// The number that the rows' tables carry: there is no other build of them in a test.
pub(super) const BUILD: u64 = 1;

/// How the events are handed over, and cut into batches of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Batches {
    /// One after the other, all in one batch of rows.
    One,
    /// One after the other, those of each record in a batch of their own, which knows nothing of the one before but what is
    /// stored.
    OfEach,
    /// So many at once, as far as there are as many of one tenant, all in one batch of rows.
    Groups(usize),
}

/// Rows that came of records.
pub(super) struct Played {
    pub(super) rows: MemoryStore,
    /// The tables and indexes that were written.
    pub(super) tables: BTreeSet<DerivedTable>,
}

/// Why there are no rows.
#[derive(Debug, Error)]
pub(super) enum Failed {
    #[error("{projection} fails at record {position} of stream {stream}: {error}", position = .record.position(), stream = .record.stream())]
    Handler { projection: &'static str, record: Box<Record>, error: BoxError },
    #[error("{projection} fails when it is handed records {first} to {last} at once: {error}")]
    Group { projection: &'static str, first: Position, last: Position, error: BoxError },
    #[error(transparent)]
    Record(#[from] DecodeError),
    #[error("the rows of {projection} cannot be written: {error}")]
    Rows { projection: &'static str, error: RowsError },
    #[error("the rows of {projection} are not stored: {error}")]
    Store { projection: &'static str, error: ApplyError },
}

/// The rows that come of `records`.
pub(super) async fn play<P: Projection>(
    projection: &P,
    records: &[Record],
    batches: Batches,
) -> Result<Played, Failed> {
    let mut played = Played { rows: MemoryStore::new(), tables: BTreeSet::new() };
    let specs = projection.tables().specs().into();
    let mut batch = Batch::new(Arc::new(played.rows.clone()), P::NAME, BUILD, specs);
    let subscription = projection.subscription();
    let chunk = Chunk::new(records.to_vec(), records.last().map_or(Position::ZERO, |record| record.position()));
    let wanted = chunk.records().iter().enumerate().filter_map(|(index, record)| {
        let events = subscription.enum_of(record)?;
        Some(Delivery { index, events })
    });
    let (columns, deliveries) = (subscription.columns(&chunk), wanted.collect::<Vec<_>>());
    let run = Run {
        chunk: &chunk,
        columns: &columns,
        deliveries: &deliveries,
        subscription: &subscription,
        timeout: Duration::MAX,
        due: tokio::time::Instant::now(),
        lane_key: None,
    };
    let mut taken = 0;
    while taken < deliveries.len() {
        taken += take(projection, run, taken, batches, &mut batch).await?;
        if batches == Batches::OfEach {
            write::<P>(&mut played, &mut batch).await?;
        }
    }
    write::<P>(&mut played, &mut batch).await?;
    Ok(played)
}

/// Hands over the next records, and says how many.
async fn take<P: Projection>(
    projection: &P,
    run: Run<'_>,
    next: usize,
    batches: Batches,
    batch: &mut Batch,
) -> Result<usize, Failed> {
    let group = match batches {
        Batches::Groups(limit) => Group::gather(run, next, limit),
        Batches::One | Batches::OfEach => None,
    };
    if let Some(group) = group {
        handle_group(projection, batch, &group).await?;
        return Ok(group.records());
    }
    let Some(delivery) = run.deliveries.get(next) else { return Ok(1) };
    let Some(record) = run.record(*delivery) else { return Ok(1) };
    for event in run.events(*delivery, record).map_err(Clone::clone)? {
        handle(projection, batch, event).await?;
    }
    Ok(1)
}

async fn handle<P: Projection>(projection: &P, batch: &mut Batch, event: Delivered<'_>) -> Result<(), Failed> {
    let record = event.context().record();
    let tenant = tenant_of(record);
    let mut rows = batch.begin(&tenant, None);
    let handled = projection.handle(event.event(), event.context(), &mut rows).await;
    handled.map_err(|error| Failed::Handler { projection: P::NAME, record: Box::new(record.clone()), error })
}

async fn handle_group<P: Projection>(projection: &P, batch: &mut Batch, group: &Group<'_>) -> Result<(), Failed> {
    let (Some(event), Some((first, last))) = (group.events().first(), group.positions()) else { return Ok(()) };
    let tenant = tenant_of(event.context().record());
    let mut rows = batch.begin(&tenant, None);
    let handled = projection.handle_batch(group.events(), &mut rows).await;
    handled.map_err(|error| Failed::Group { projection: P::NAME, first, last, error })
}

/// Stores what the batch holds, and makes it forget it.
async fn write<P: Projection>(played: &mut Played, batch: &mut Batch) -> Result<(), Failed> {
    let writes = batch.writes().await.map_err(|error| Failed::Rows { projection: P::NAME, error })?;
    let rows: Vec<_> = writes.deletes.into_iter().chain(writes.puts).collect();
    played.tables.extend(rows.iter().map(|row| row.table.clone()));
    let applied = played.rows.apply(RowBatch { rows, ..RowBatch::default() }).await;
    applied.map_err(|error| Failed::Store { projection: P::NAME, error })?;
    batch.forget();
    Ok(())
}

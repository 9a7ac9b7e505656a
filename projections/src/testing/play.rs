//! Handing records to a projection, one after the other.

use std::{collections::BTreeSet, sync::Arc};

use annals_core::{ApplyError, DecodeError, DerivedTable, MemoryStore, Position, Record, RowBatch, Store, Tenant};
use thiserror::Error;

use crate::{
    BoxError, EventContext, Projection, RowsError,
    chunk::{Chunk, Events},
    rows::Batch,
};

/// The number that the rows' tables carry: there is no other build of them in a test.
pub(super) const BUILD: u64 = 1;

/// How the events are cut into batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Batches {
    /// All are in one.
    One,
    /// Each is in one of its own, which knows nothing of the one before but what is stored.
    OfEach,
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
    #[error("{projection} fails at record {position} of stream {stream}: {error}", position = .record.position, stream = .record.stream)]
    Handler { projection: &'static str, record: Box<Record>, error: BoxError },
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
    let chunk = Chunk::new(records.to_vec(), records.last().map_or(Position::ZERO, |record| record.position));
    let columns = subscription.columns(&chunk);
    for (index, record) in chunk.records().iter().enumerate() {
        let Some(number) = subscription.enum_of(record) else { continue };
        let Some(column) = columns.get(number) else { continue };
        let events = column.events(index, record).map_err(Clone::clone)?;
        for event in 0..events.count() {
            let wanted = |variant: &str| subscription.wants(number, variant);
            handle(projection, &mut batch, record, events, event, wanted).await?;
            if batches == Batches::OfEach {
                write::<P>(&mut played, &mut batch).await?;
            }
        }
    }
    write::<P>(&mut played, &mut batch).await?;
    Ok(played)
}

async fn handle<P: Projection>(
    projection: &P,
    batch: &mut Batch,
    record: &Record,
    events: &dyn Events,
    index: usize,
    wanted: impl Fn(&str) -> bool,
) -> Result<(), Failed> {
    let Some((event, _)) = events.at(index).filter(|(_, variant)| wanted(variant)) else {
        return Ok(());
    };
    // A stream's tenant was checked when the id was made.
    let tenant = record.stream.tenant().and_then(|tenant| Tenant::new(tenant).ok());
    let mut rows = batch.begin(&tenant, None);
    let handled = projection.handle(event, &EventContext::new(record, index), &mut rows).await;
    handled.map_err(|error| Failed::Handler { projection: P::NAME, record: Box::new(record.clone()), error })
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

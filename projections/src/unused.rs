//! Deletes the rows of builds that nobody uses any more.

use annals_core::{
    ApplyError, DerivedTable, DerivedWrite, Generation, InvalidText, ReadError, RowBatch, Scan, Store, Table,
};
use bytes::Bytes;
use thiserror::Error;
use tokio::sync::watch;

use crate::{
    KeyBytes,
    builds::{Build, Builds, BuildsError},
    consumer::Consumer,
    control::Orders,
    tables::TableNames,
    tenants,
};

/// Why rows could not be deleted.
#[derive(Debug, Error)]
enum DeleteError {
    #[error(transparent)]
    Builds(#[from] BuildsError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Name(#[from] InvalidText),
}

/// Deletes the rows of all builds of a projection but those that are read, run, or kept to be brought back; `running` is the
/// one that runs. What is left when it is told to stop, or when something goes wrong, is deleted the next time.
pub(crate) async fn delete(running: &Consumer, orders: watch::Receiver<Orders>) {
    if let Err(error) = delete_all(running, &orders).await {
        tracing::warn!(projection = running.name, %error, "the rows of a former build are not deleted for now");
    }
}

async fn delete_all(running: &Consumer, orders: &watch::Receiver<Orders>) -> Result<(), DeleteError> {
    let rows = &*running.rows;
    for build in Builds::change(rows, running.name, |builds| builds.drop_unused(running.build)).await? {
        if !delete_build(running, &build, orders).await? {
            return Ok(());
        }
        Builds::change(rows, running.name, |builds| builds.forget(build.number)).await?;
    }
    Ok(())
}

/// Deletes everything of one build; false when it was told to stop before the end.
async fn delete_build(
    running: &Consumer,
    build: &Build,
    orders: &watch::Receiver<Orders>,
) -> Result<bool, DeleteError> {
    let (rows, name) = (&*running.rows, running.name);
    let mut scans = Vec::new();
    for tenant in tenants::all(rows, name, build.number).await? {
        for table in &build.tables {
            scans.push(Scan::all(TableNames::table(name, build.number, table, tenant.as_ref())?));
        }
    }
    // The marks of the tenants last, without which the tables would not be found again.
    let own = Bytes::copy_from_slice(KeyBytes::of(&(name, build.number)).as_slice());
    scans.extend(
        [DerivedTable::PARKED, DerivedTable::UNPARKED, DerivedTable::CHECKPOINTS]
            .map(|table| Scan::prefix(table, own.clone())),
    );
    for scan in scans {
        if !delete_rows(rows, scan, orders).await? {
            return Ok(false);
        }
    }
    tracing::info!(projection = name, build = build.number, "the rows of a former build are deleted");
    Ok(true)
}

async fn delete_rows(rows: &dyn Store, scan: Scan, orders: &watch::Receiver<Orders>) -> Result<bool, DeleteError> {
    let Table::Derived(table) = scan.table.clone() else { return Ok(true) };
    let mut scan = Some(scan);
    while let Some(next) = scan {
        if orders.has_changed().is_err() || orders.borrow().stop {
            return Ok(false);
        }
        let generation = rows.get(&[Consumer::generation_row()]).await?.into_iter().next().flatten();
        let generation = generation.as_deref().and_then(Generation::from_row);
        let page = rows.scan(next).await?;
        let delete = |(key, _)| DerivedWrite { table: table.clone(), key, value: None };
        let batch = RowBatch { generation, rows: page.rows.into_iter().map(delete).collect(), ..RowBatch::default() };
        if !batch.rows.is_empty() {
            rows.apply(batch).await?;
        }
        scan = page.next;
    }
    Ok(true)
}

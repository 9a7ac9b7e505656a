//! Instances that have ended, and when they are forgotten.
//!
//! Invariant: an instance is forgotten only when each event that it was given, or that was passed by because of it, is behind
//! the stored position of the saga: so none of them is read again, and begins it anew. The follower sees to that: it forgets
//! nothing before it has come to where the log ended when it began, because another one may have come so far; it stores where
//! it is before it forgets, and takes nothing in meanwhile.

use annals_core::{Commit, LoggedTable, ReadError, ReadStream, RowWrite, Scan, StreamId, Timestamp};
use bytes::Bytes;
use futures::TryStreamExt;

use crate::{
    InstanceId, InstanceStatus,
    aside::Aside,
    follower::FollowError,
    stepper::{Consumed, StepError, Stepper},
    stored::{self, InstanceRow},
};

/// So many instances are looked at, at once: other inputs wait for no longer.
const LOOKED_AT: usize = 256;

/// What came of a page of instances.
pub(crate) struct Forgotten {
    /// How many were forgotten.
    pub(crate) instances: usize,
    /// Where to go on.
    pub(crate) next: Option<Scan>,
}

/// Forgets the instances of a page that ended before `before`, and of which nothing waits. Those of a reaction never end: what is
/// kept of one is of use only while its latest event may be read again.
pub(crate) async fn forget(
    stepper: &Stepper,
    aside: &Aside,
    scan: Scan,
    before: Timestamp,
) -> Result<Forgotten, FollowError> {
    let page = stepper.annals.store().scan(scan.limit(LOOKED_AT)).await?;
    let mut found = Vec::new();
    for (key, value) in page.rows {
        let instance: InstanceRow = stored::decode(&value)?;
        let has_ended = instance.status.has_ended() || !stepper.machine.remembers();
        let is_over = has_ended && instance.latest < before;
        if is_over && !aside.has(&instance.id) && !has_pending(stepper, &instance.id).await? {
            found.push((instance, Consumed::new((LoggedTable::SAGAS, key), value)));
        }
    }
    let instances = if found.is_empty() { 0 } else { forget_all(stepper, &found).await? };
    Ok(Forgotten { instances, next: page.next })
}

async fn forget_all(stepper: &Stepper, found: &[(InstanceRow, Consumed)]) -> Result<usize, FollowError> {
    note_forgetting(stepper).await?;
    let commit = found.iter().fold(Commit::new(), |commit, (_, row)| row.take(commit));
    let counting = stepper.census.counting().await;
    if !stepper.commit(commit).await? {
        // Nothing changes one that is over; if something does, it is left for another time.
        return Ok(0);
    }
    for (instance, _) in found.iter().filter(|(instance, _)| !instance.status.has_ended()) {
        counting.follow(&stepper.census, &instance.id, false, Some(InstanceStatus::Completed));
    }
    Ok(found.len())
}

/// Whether instances of the saga were ever forgotten.
pub(crate) async fn has_forgotten(stepper: &Stepper) -> Result<bool, ReadError> {
    let (table, key) = forgotten_row(stepper.saga());
    Ok(stepper.annals.store().get(&[(table.into(), key)]).await?.into_iter().flatten().next().is_some())
}

/// How many steps were taken by instances of this key.
pub(crate) async fn steps_before(stepper: &Stepper, id: &InstanceId) -> Result<u64, StepError> {
    let stream = StreamId::of(id.tenant.as_ref(), &InstanceId::category(&id.saga), &id.key)?;
    let mut latest = stepper.annals.store().read_stream(ReadStream::all(stream).backward().limit(1));
    Ok(latest.try_next().await?.map_or(0, |record| record.version().get()))
}

async fn has_pending(stepper: &Stepper, id: &InstanceId) -> Result<bool, ReadError> {
    let pending = Scan::prefix(LoggedTable::COMMANDS, id.all_pending()).limit(1);
    Ok(!stepper.first_rows(pending).await?.is_empty())
}

/// From now on an instance that begins may have had a life before.
async fn note_forgetting(stepper: &Stepper) -> Result<(), FollowError> {
    if stepper.forgets() {
        return Ok(());
    }
    let (table, key) = forgotten_row(stepper.saga());
    stepper.commit(Commit::new().row(RowWrite::put(table, key, Bytes::new()))).await?;
    stepper.set_forgets(true);
    Ok(())
}

fn forgotten_row(saga: &str) -> (LoggedTable, Bytes) {
    InstanceId::saga_row(saga, "forgotten")
}

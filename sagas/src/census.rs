//! How many instances are under way.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use annals_core::{LoggedTable, ReadError, Scan};
use bytes::Bytes;
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::{
    InstanceId, InstanceStatus,
    stepper::Stepper,
    stored::{self, InstanceRow},
};

/// So many instances are counted at once: steps wait meanwhile.
const COUNTED_AT_ONCE: usize = 1024;

/// How many instances are under way: counted once, beside the work, and followed from then on.
///
/// Invariant: while something is still to be counted, no step is stored while a page is read, so that each instance is either
/// counted with its page or followed behind it.
#[derive(Default)]
pub(crate) struct Census {
    /// The last key that is counted.
    counted_to: RwLock<Option<Bytes>>,
    is_complete: AtomicBool,
    under_way: AtomicI64,
}

/// Held while a step is stored.
pub(crate) struct Counting<'a>(Option<RwLockReadGuard<'a, Option<Bytes>>>);

impl Census {
    /// How many, when they are counted.
    pub(crate) fn under_way(&self) -> Option<u64> {
        let counted = self.is_complete.load(Ordering::Acquire).then(|| self.under_way.load(Ordering::Acquire));
        counted.map(|count| u64::try_from(count).unwrap_or(0))
    }

    /// Begins a step.
    pub(crate) async fn counting(&self) -> Counting<'_> {
        if self.is_complete.load(Ordering::Acquire) {
            return Counting(None);
        }
        let counted_to = self.counted_to.read().await;
        // The last page may have been read meanwhile: whatever is behind it counts too.
        Counting((!self.is_complete.load(Ordering::Acquire)).then_some(counted_to))
    }

    /// Counts them.
    pub(crate) async fn run(&self, stepper: &Stepper) -> Result<(), ReadError> {
        {
            let mut counted_to = self.counted_to.write().await;
            *counted_to = None;
            self.is_complete.store(false, Ordering::Release);
            self.under_way.store(0, Ordering::Release);
        }
        let mut scan = Some(Scan::prefix(LoggedTable::SAGAS, InstanceId::prefix(stepper.saga())));
        while let Some(next) = scan {
            let mut counted_to = self.counted_to.write().await;
            let page = stepper.annals.store().scan(next.limit(COUNTED_AT_ONCE)).await?;
            // One that this code cannot read is not counted.
            let instances = page.rows.iter().filter_map(|(_, row)| stored::decode::<InstanceRow>(row).ok());
            let under_way = instances.filter(|instance| !instance.status.has_ended()).count();
            self.under_way.fetch_add(i64::try_from(under_way).unwrap_or(i64::MAX), Ordering::AcqRel);
            if let Some((last, _)) = page.rows.last() {
                *counted_to = Some(last.clone());
            }
            scan = page.next;
            self.is_complete.store(scan.is_none(), Ordering::Release);
        }
        Ok(())
    }
}

impl Counting<'_> {
    /// A step of `id` was stored, with which it begins or is doing otherwise.
    pub(crate) fn follow(&self, census: &Census, id: &InstanceId, begins: bool, becomes: Option<InstanceStatus>) {
        let ends = becomes.is_some_and(InstanceStatus::has_ended);
        let change = i64::from(begins) - i64::from(ends);
        let is_counted = self.0.as_ref().is_none_or(|to| to.as_ref().is_some_and(|to| id.row().1 <= *to));
        if change != 0 && is_counted {
            census.under_way.fetch_add(change, Ordering::AcqRel);
        }
    }
}

//! Instances as their latest steps left them, so that the next one need not read them.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use crate::{InstanceId, stored::InstanceRow};

/// So many instances are kept, and up to twice as many, each of which takes no more room than this.
const KEPT: usize = 2048;
const KEPT_BYTES_MAX: usize = 4096;

/// Instances that run, as their latest steps left them. What is stored may be another by now: a step is stored on condition that
/// it is not.
#[derive(Default)]
pub(super) struct Kept {
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<InstanceId, KeptInstance>,
    /// Those that were kept before the young ones were too many.
    old: HashMap<InstanceId, KeptInstance>,
}

/// An instance and its row.
pub(super) type KeptInstance = (Bytes, InstanceRow);

impl Kept {
    /// Keeps an instance, unless it has ended.
    pub(super) fn put(&self, row: Bytes, instance: InstanceRow) {
        if instance.status.has_ended() || row.len() > KEPT_BYTES_MAX {
            return drop(self.take(&instance.id));
        }
        let mut generations = self.generations();
        let dropped = if generations.young.len() >= KEPT {
            let full = mem::take(&mut generations.young);
            mem::replace(&mut generations.old, full)
        } else {
            HashMap::new()
        };
        generations.young.insert(instance.id.clone(), (row, instance));
        drop(generations);
        drop(dropped);
    }

    /// The instance, which is not kept any more: it is about to change.
    pub(super) fn take(&self, id: &InstanceId) -> Option<KeptInstance> {
        let mut generations = self.generations();
        generations.young.remove(id).or_else(|| generations.old.remove(id))
    }

    /// Keeps nothing any more.
    pub(super) fn clear(&self) {
        let all = mem::take(&mut *self.generations());
        drop(all);
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

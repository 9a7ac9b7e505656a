//! Instances as their latest steps left them, so that the next one need not read them.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use hashbrown::HashMap;

use crate::stored::InstanceRow;

/// So many instances are kept, and up to twice as many, each of which takes no more room than this.
const KEPT: usize = 2048;
const KEPT_BYTES_MAX: usize = 4096;

/// Instances that run, by the keys of their rows, as their latest steps left them. What is stored may be another by now: whoever
/// was told last of a step is not always who took the latest. So a step is stored on condition that it is not, and what leads to
/// none is decided about again, by what is stored.
#[derive(Default)]
pub(super) struct Kept {
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Bytes, KeptInstance>,
    /// Those that were kept before the young ones were too many.
    old: HashMap<Bytes, KeptInstance>,
}

/// An instance and its row.
pub(super) type KeptInstance = (Bytes, InstanceRow);

impl Kept {
    /// Keeps an instance, unless it has ended.
    pub(super) fn put(&self, key: Bytes, row: Bytes, instance: InstanceRow) {
        if instance.status.has_ended() || row.len() > KEPT_BYTES_MAX {
            return drop(self.take(&key));
        }
        let mut generations = self.generations();
        let dropped = if generations.young.len() >= KEPT {
            let full = mem::take(&mut generations.young);
            mem::replace(&mut generations.old, full)
        } else {
            HashMap::new()
        };
        generations.young.insert(key, (row, instance));
        drop(generations);
        drop(dropped);
    }

    /// The instance, which is not kept any more: it is about to change.
    pub(super) fn take(&self, key: &[u8]) -> Option<KeptInstance> {
        let mut generations = self.generations();
        generations.young.remove(key).or_else(|| generations.old.remove(key))
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

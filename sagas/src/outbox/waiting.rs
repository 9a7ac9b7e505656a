//! What waits of one instance.

use std::{collections::BTreeMap, sync::Arc};

use crate::{stepper::Consumed, stored::PendingRow};

/// Commands are kept that take no more room than this; larger ones are read when they are sent.
const KEPT_BYTES_MAX: usize = 4096;

/// A command that waits, as it is stored.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) pending: PendingRow,
    /// Its row: whoever deletes it has sent it.
    pub(crate) row: Consumed,
}

#[derive(Default)]
pub(super) struct Queue {
    pub(super) waiting: usize,
    /// Those of them that are known, by step and ordinal.
    known: BTreeMap<(u64, u32), Arc<Waiting>>,
    /// So many steps are being stored.
    pub(super) storing: usize,
    pub(super) state: QueueState,
    /// The first of it is to be looked at again, although a pause is made before it is tried again.
    pub(super) is_woken: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum QueueState {
    /// Nothing waits.
    #[default]
    Idle,
    /// It is among those that are ready.
    Ready,
    /// Somebody sends for it.
    Taken,
    /// The first of it waits for an operator.
    Blocked,
}

impl Waiting {
    fn key(&self) -> (u64, u32) {
        (self.pending.step, self.pending.ordinal)
    }
}

impl Queue {
    /// So many more wait, and these are known.
    pub(super) fn add(&mut self, count: usize, known: Vec<Waiting>) {
        self.waiting += count;
        // Behind one that waits for an operator, much may come to wait.
        if self.state != QueueState::Blocked {
            let kept = known.into_iter().filter(|waiting| waiting.row.value.len() <= KEPT_BYTES_MAX);
            self.known.extend(kept.map(|waiting| (waiting.key(), Arc::new(waiting))));
        }
    }

    /// The first that waits. Only where all are known can that be said: one that is not may be before the others.
    pub(super) fn first(&self) -> Option<Arc<Waiting>> {
        let all_are_known = self.storing == 0 && self.known.len() == self.waiting;
        self.known.first_key_value().filter(|_| all_are_known).map(|(_, first)| Arc::clone(first))
    }

    /// One that waited does no more; returned is how many are fewer.
    pub(super) fn done(&mut self, which: Option<(u64, u32)>) -> usize {
        match which {
            Some(which) => drop(self.known.remove(&which)),
            None => self.forget(),
        }
        let before = self.waiting;
        self.waiting = before.saturating_sub(1);
        before - self.waiting
    }

    /// What waits has changed: it is to be read.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    pub(super) fn is_idle(&self) -> bool {
        self.state == QueueState::Blocked || self.is_gone()
    }

    /// Whether there is nothing to remember of it.
    pub(super) fn is_gone(&self) -> bool {
        self.waiting == 0 && self.storing == 0 && matches!(self.state, QueueState::Idle | QueueState::Blocked)
    }
}

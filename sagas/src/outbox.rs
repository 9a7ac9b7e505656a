//! Which instances have commands that wait to be sent.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, watch};

use crate::InstanceId;

/// So many commands may wait before no more inputs are taken.
const WAITING_MAX: usize = 10_000;

/// How many commands of each instance wait. What counts, and their order, is what is stored; this says where to look.
#[derive(Default)]
pub(crate) struct Outbox {
    queues: Mutex<Queues>,
    ready: Notify,
    /// Counts changes.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct Queues {
    all: HashMap<InstanceId, Queue>,
    /// Instances that nobody sends for.
    ready: VecDeque<InstanceId>,
}

#[derive(Default)]
struct Queue {
    waiting: usize,
    state: QueueState,
    /// The first of it is to be looked at again, although a pause is made before it is tried again.
    is_woken: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum QueueState {
    /// It is among those that are ready.
    #[default]
    Ready,
    /// Somebody sends for it.
    Taken,
    /// The first of it waits for an operator.
    Blocked,
}

impl Outbox {
    /// So many commands more wait.
    pub(crate) fn add(&self, id: &InstanceId, count: usize) {
        if count == 0 {
            return;
        }
        let mut queues = self.queues();
        let Queues { all, ready } = &mut *queues;
        let queue = all.entry(id.clone()).or_insert_with(|| {
            ready.push_back(id.clone());
            Queue::default()
        });
        queue.waiting += count;
        drop(queues);
        self.ready.notify_one();
        self.changed();
    }

    /// Forgets everything: it is read again.
    pub(crate) fn clear(&self) {
        *self.queues() = Queues::default();
        self.changed();
    }

    /// The next instance to send for, as soon as there is one. It is to be [given back](Self::give_back).
    pub(crate) async fn take(&self) -> InstanceId {
        loop {
            let notified = self.ready.notified();
            if let Some(id) = self.try_take() {
                return id;
            }
            notified.await;
        }
    }

    fn try_take(&self) -> Option<InstanceId> {
        let mut queues = self.queues();
        let id = queues.ready.pop_front()?;
        if let Some(queue) = queues.all.get_mut(&id) {
            queue.state = QueueState::Taken;
        }
        if !queues.ready.is_empty() {
            self.ready.notify_one();
        }
        Some(id)
    }

    /// The first command of an instance is done, or there was none.
    pub(crate) fn done(&self, id: &InstanceId) {
        if let Some(queue) = self.queues().all.get_mut(id) {
            queue.waiting = queue.waiting.saturating_sub(1);
        }
    }

    /// Ends sending for an instance; true when there is more to send by now, and it is still the caller's.
    pub(crate) fn give_back(&self, id: &InstanceId) -> bool {
        let mut queues = self.queues();
        let is_empty = queues.all.get(id).is_none_or(|queue| queue.waiting == 0);
        if is_empty {
            queues.all.remove(id);
        }
        drop(queues);
        self.changed();
        !is_empty
    }

    /// The first command of an instance waits for an operator, and those behind it for that; false when something was decided
    /// meanwhile, so that it is to be looked at again, and still is the caller's.
    pub(crate) fn block(&self, id: &InstanceId) -> bool {
        let mut queues = self.queues();
        let is_woken = queues.all.get_mut(id).is_some_and(|queue| {
            let is_woken = std::mem::take(&mut queue.is_woken);
            queue.state = if is_woken { queue.state } else { QueueState::Blocked };
            is_woken
        });
        drop(queues);
        self.changed();
        !is_woken
    }

    /// Something was decided about the commands of an instance: it goes on.
    pub(crate) fn release(&self, id: &InstanceId) {
        let mut queues = self.queues();
        let Queues { all, ready } = &mut *queues;
        let Some(queue) = all.get_mut(id) else { return };
        queue.is_woken = true;
        if queue.state == QueueState::Blocked {
            queue.state = QueueState::Ready;
            ready.push_back(id.clone());
        }
        drop(queues);
        self.ready.notify_one();
        self.changed();
    }

    /// Makes a pause before the first command of an instance is tried again, unless something is decided about it.
    pub(crate) async fn rest(&self, id: &InstanceId, pause: Duration) {
        let is_woken = || self.queues().all.get_mut(id).is_none_or(|queue| std::mem::take(&mut queue.is_woken));
        let mut changes = self.changes.subscribe();
        // The outbox is here too, so waiting does not fail.
        drop(tokio::time::timeout(pause, changes.wait_for(|_| is_woken())).await);
    }

    /// Whether nothing waits but what waits for an operator.
    pub(crate) fn is_idle(&self) -> bool {
        self.queues().all.values().all(|queue| queue.state == QueueState::Blocked)
    }

    /// Waits until not too many commands wait to be sent.
    pub(crate) async fn has_room(&self) {
        let mut changes = self.changes.subscribe();
        // The outbox is here too, so waiting does not fail.
        drop(changes.wait_for(|_| self.waiting() < WAITING_MAX).await);
    }

    /// Changes whenever something is added, done or blocked.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn waiting(&self) -> usize {
        let queues = self.queues();
        queues.all.values().filter(|queue| queue.state != QueueState::Blocked).map(|queue| queue.waiting).sum()
    }

    fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_decided_before_a_queue_is_blocked_is_not_missed() {
        let (outbox, id) = (Outbox::default(), InstanceId { saga: "s".into(), tenant: None, key: "k".into() });
        outbox.add(&id, 1);
        assert_eq!(outbox.try_take().as_ref(), Some(&id));
        outbox.release(&id);
        assert!(!outbox.block(&id) && !outbox.is_idle());
        assert!(outbox.block(&id) && outbox.is_idle());
        outbox.release(&id);
        assert_eq!(outbox.try_take(), Some(id));
    }
}

//! Which instances have commands that wait to be sent.

mod waiting;

use std::{
    borrow::Borrow,
    collections::VecDeque,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hashbrown::{HashMap, hash_map::EntryRef};
use tokio::sync::{Notify, watch};

use crate::InstanceId;

pub(crate) use waiting::Waiting;
use waiting::{Queue, QueueState};

/// So many commands may wait before no more inputs are taken.
const WAITING_MAX: usize = 10_000;

/// How many commands of each instance wait, and which these are as far as that is known. What counts, and their order, is what
/// is stored; this says where to look, and saves looking.
#[derive(Default)]
pub(crate) struct Outbox {
    queues: Mutex<Queues>,
    ready: Notify,
    /// Counts changes.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct Queues {
    all: HashMap<Shared, Queue>,
    /// Instances that nobody sends for.
    ready: VecDeque<Shared>,
    /// How many commands wait that wait for no operator.
    sendable: usize,
}

/// An instance's id, in several places.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Shared(Arc<InstanceId>);

/// A step that is being stored: what it sends may wait before that is known here. Dropped before it is said what became of it,
/// nobody knows whether anything waits, and what is stored is looked at.
pub(crate) struct Storing<'a> {
    outbox: &'a Outbox,
    id: Option<Shared>,
}

impl Outbox {
    /// A step of an instance is about to be stored.
    pub(crate) fn storing(&self, id: &InstanceId) -> Storing<'_> {
        Storing { outbox: self, id: Some(self.queues().storing(id)) }
    }

    /// One command more waits, of which no more is known.
    pub(crate) fn add(&self, id: &InstanceId) {
        // What is dropped before it is said what it sends sends one.
        drop(self.storing(id));
    }

    /// Forgets everything: it is read again.
    pub(crate) fn clear(&self) {
        *self.queues() = Queues::default();
        self.changed();
    }

    /// The next instance to send for, as soon as there is one. It is the caller's until it is [done](Self::done)
    /// or [blocked](Self::block).
    pub(crate) async fn take(&self) -> Shared {
        loop {
            let notified = self.ready.notified();
            if let Some(id) = self.try_take() {
                return id;
            }
            notified.await;
        }
    }

    fn try_take(&self) -> Option<Shared> {
        let mut queues = self.queues();
        let id = queues.ready.pop_front()?;
        if let Some(queue) = queues.all.get_mut(&*id) {
            queue.state = QueueState::Taken;
        }
        if !queues.ready.is_empty() {
            self.ready.notify_one();
        }
        Some(id)
    }

    /// The first command of an instance that waits, if it is known which one that is.
    pub(crate) fn first(&self, id: &InstanceId) -> Option<Arc<Waiting>> {
        self.queues().all.get(id)?.first()
    }

    /// A command of an instance is done, the one of this step and ordinal; or there was none. True when there is more to send, and
    /// the instance is still the caller's.
    pub(crate) fn done(&self, id: &InstanceId, which: Option<(u64, u32)>) -> bool {
        let has_more = self.queues().done(id, which);
        self.changed();
        has_more
    }

    /// The first command of an instance waits for an operator, and those behind it for that; false when something was decided
    /// meanwhile, so that it is to be looked at again, and still is the caller's.
    pub(crate) fn block(&self, id: &InstanceId) -> bool {
        let is_blocked = self.queues().block(id);
        self.changed();
        is_blocked
    }

    /// Something was decided about the commands of an instance: it goes on, with what is stored.
    pub(crate) fn release(&self, id: &InstanceId) {
        self.queues().release(id);
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
        self.queues().all.values().all(Queue::is_idle)
    }

    /// Waits until not too many commands wait to be sent.
    pub(crate) async fn has_room(&self) {
        let has_room = || self.queues().sendable < WAITING_MAX;
        if has_room() {
            return;
        }
        let mut changes = self.changes.subscribe();
        // The outbox is here too, so waiting does not fail.
        drop(changes.wait_for(|_| has_room()).await);
    }

    /// Changes whenever something is added, done or blocked.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queues {
    fn storing(&mut self, id: &InstanceId) -> Shared {
        match self.all.entry_ref(id) {
            EntryRef::Occupied(mut known) => {
                known.get_mut().storing += 1;
                known.key().clone()
            }
            EntryRef::Vacant(new) => {
                let mut new = new.insert_entry(Queue::default());
                new.get_mut().storing += 1;
                new.key().clone()
            }
        }
    }

    /// A step was stored, or not; so many more wait behind it.
    fn stored(&mut self, id: &Shared, count: usize, known: Vec<Waiting>) {
        // It is gone when everything was forgotten meanwhile.
        let queue = self.all.entry(id.clone()).or_default();
        queue.storing = queue.storing.saturating_sub(1);
        if queue.state != QueueState::Blocked {
            self.sendable += count;
        }
        queue.add(count, known);
        if queue.state == QueueState::Idle && queue.waiting > 0 {
            queue.state = QueueState::Ready;
            self.ready.push_back(id.clone());
        } else if queue.is_gone() {
            self.all.remove(id);
        }
    }

    fn done(&mut self, id: &InstanceId, which: Option<(u64, u32)>) -> bool {
        let Some(queue) = self.all.get_mut(id) else { return false };
        self.sendable = self.sendable.saturating_sub(queue.done(which));
        if queue.waiting > 0 {
            return true;
        }
        queue.state = QueueState::Idle;
        if queue.is_gone() {
            self.all.remove(id);
        }
        false
    }

    fn block(&mut self, id: &InstanceId) -> bool {
        let Some(queue) = self.all.get_mut(id) else { return true };
        queue.forget();
        if std::mem::take(&mut queue.is_woken) {
            return false;
        }
        if queue.state != QueueState::Blocked {
            queue.state = QueueState::Blocked;
            self.sendable = self.sendable.saturating_sub(queue.waiting);
        }
        true
    }

    fn release(&mut self, id: &InstanceId) {
        let Some(queue) = self.all.get_mut(id) else { return };
        queue.forget();
        queue.is_woken = true;
        if queue.state == QueueState::Blocked {
            queue.state = QueueState::Ready;
            self.sendable += queue.waiting;
            let ready = self.all.get_key_value(id).map(|(id, _)| id.clone());
            self.ready.extend(ready);
        }
    }
}

impl Storing<'_> {
    /// It is stored, and sends this.
    pub(crate) fn sends(mut self, sent: Vec<Waiting>) {
        self.end(sent.len(), sent);
    }

    /// It was not stored.
    pub(crate) fn nothing(mut self) {
        self.end(0, Vec::new());
    }

    fn end(&mut self, count: usize, sent: Vec<Waiting>) {
        let Some(id) = self.id.take() else { return };
        self.outbox.queues().stored(&id, count, sent);
        if count > 0 {
            self.outbox.ready.notify_one();
        }
        self.outbox.changed();
    }
}

impl Drop for Storing<'_> {
    fn drop(&mut self) {
        // One that may not be there: then none is found.
        self.end(1, Vec::new());
    }
}

impl Deref for Shared {
    type Target = InstanceId;

    fn deref(&self) -> &InstanceId {
        &self.0
    }
}

impl Borrow<InstanceId> for Shared {
    fn borrow(&self) -> &InstanceId {
        self
    }
}

impl From<&InstanceId> for Shared {
    fn from(id: &InstanceId) -> Self {
        Self(Arc::new(id.clone()))
    }
}

#[cfg(test)]
mod tests;

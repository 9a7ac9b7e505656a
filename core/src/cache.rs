//! Folded states kept in memory, so that their old events are not read again.
//!
//! Invariant: what is kept is only a baseline. Whoever takes it reads what came behind it, or decides on it and lets the commit
//! see whether anything did, so an outdated or lost entry costs time and nothing else.

use std::{
    any::{Any, TypeId},
    mem,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;

use crate::{EventQuery, StreamId};

/// The least recently used states give way.
pub(crate) struct Cache {
    entries: Option<Mutex<LruCache<(Place, TypeId), Entry>>>,
}

/// What a state is folded from. The tenant is part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// A stream.
    Stream(StreamId),
    /// The events that a query matches, each alternative of it folded as the plan says.
    Boundary { query: EventQuery, plan: Vec<usize> },
}

struct Entry {
    /// How far it is folded: the larger of two is the newer.
    folded: u64,
    state: Arc<dyn Any + Send + Sync>,
}

impl Cache {
    /// A cache of at most `entries`; of none it keeps nothing.
    pub(crate) fn new(entries: usize) -> Self {
        Self { entries: NonZeroUsize::new(entries).map(|entries| Mutex::new(LruCache::new(entries))) }
    }

    pub(crate) fn get<S: Send + Sync + 'static>(&self, place: Place) -> Option<Arc<S>> {
        // A panic in another holder leaves the map whole: nothing of the user's runs under the lock.
        let mut entries = self.entries.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&entries.get(&(place, TypeId::of::<S>()))?.state).downcast().ok()
    }

    /// Keeps `state`, which is `folded` so far, unless a newer one is there.
    pub(crate) fn put<S: Send + Sync + 'static>(&self, place: Place, folded: u64, state: &Arc<S>) {
        let Some(entries) = &self.entries else { return };
        let key = (place, TypeId::of::<S>());
        let replaced = {
            let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
            let entry = Entry { folded, state: Arc::<S>::clone(state) };
            match entries.get_mut(&key) {
                Some(kept) if kept.folded > folded => return,
                Some(kept) => Some(mem::replace(kept, entry)),
                None => entries.push(key, entry).map(|(_, replaced)| replaced),
            }
        };
        // Dropped behind the lock, because a state's drop is the user's code.
        drop(replaced);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use crate::{
        account::{AccountEvent, Deposit},
        *,
    };

    use super::*;

    /// Counts how often it was cloned.
    #[derive(Default)]
    struct Watched {
        clones: Arc<AtomicU32>,
    }

    impl Clone for Watched {
        fn clone(&self) -> Self {
            self.clones.fetch_add(1, Ordering::Relaxed);
            Self { clones: Arc::clone(&self.clones) }
        }
    }

    impl Aggregate for Watched {
        const NAME: &'static str = "watched";
        type Id = String;
        type Event = AccountEvent;
    }

    impl Evolve<AccountEvent> for Watched {
        fn evolve(&mut self, _: &AccountEvent) {}
    }

    impl Handle<Deposit> for Watched {
        type Reply = Arc<AtomicU32>;
        type Error = String;
        fn handle(watched: &mut Decision<Self>, command: Deposit) -> Result<Arc<AtomicU32>, String> {
            watched.emit(AccountEvent::Deposited { amount: command.amount });
            if command.amount > 1 { Err("too much".into()) } else { Ok(Arc::clone(&watched.clones)) }
        }
    }

    #[tokio::test]
    async fn a_kept_state_is_cloned_once_a_command() {
        let annals = Annals::over(MemoryStore::new()).open().await.unwrap();
        let send = async |amount| annals.on::<Watched>("a").send(Deposit { amount }).await;
        let clones = send(1).await.unwrap().reply;
        for amount in [1, 2, 1] {
            let before = clones.load(Ordering::Relaxed);
            assert_eq!(send(amount).await.is_ok(), amount == 1);
            assert_eq!(clones.load(Ordering::Relaxed) - before, 1, "for the decision, which may be refused");
        }
    }
}

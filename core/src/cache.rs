//! Aggregates kept in memory, so that their old events are not read again.
//!
//! Invariant: what is kept is only a baseline. Whoever takes it reads the stream's tail behind it, so an outdated or
//! lost entry costs time and nothing else.

use std::{
    any::{Any, TypeId},
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;

use crate::{Aggregate, StreamId, Version, load::Held};

/// The least recently used aggregates give way.
pub(crate) struct Cache {
    entries: Option<Mutex<LruCache<(StreamId, TypeId), Entry>>>,
}

struct Entry {
    version: Version,
    held: Arc<dyn Any + Send + Sync>,
}

impl Cache {
    /// A cache of at most `entries`; of none it keeps nothing.
    pub(crate) fn new(entries: usize) -> Self {
        Self { entries: NonZeroUsize::new(entries).map(|entries| Mutex::new(LruCache::new(entries))) }
    }

    pub(crate) fn get<A: Aggregate>(&self, stream: &StreamId) -> Option<Arc<Held<A>>> {
        let key = (stream.clone(), TypeId::of::<A>());
        // A panic in another holder leaves the map whole: nothing of the user's runs under the lock.
        let mut entries = self.entries.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&entries.get(&key)?.held).downcast().ok()
    }

    /// Keeps `held` unless a newer state is there.
    pub(crate) fn put<A: Aggregate>(&self, held: &Arc<Held<A>>) {
        let Some(entries) = &self.entries else { return };
        let key = (held.stream.clone(), TypeId::of::<A>());
        let replaced = {
            let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
            if entries.peek(&key).is_some_and(|entry| entry.version > held.version) {
                return;
            }
            entries.push(key, Entry { version: held.version, held: Arc::<Held<A>>::clone(held) })
        };
        // Dropped behind the lock, because a state's drop is the user's code.
        drop(replaced);
    }
}

//! Where a store lies and how it behaves.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use annals_core::{Clock, Limits, SystemClock};

use crate::log::disk::Disk;

/// Where a store lies and how it behaves.
#[derive(Clone)]
#[non_exhaustive]
pub struct SledOptions {
    /// The store's folder.
    pub path: PathBuf,
    /// Whether a store is begun where there is none; true by default.
    pub create: bool,
    /// How much one commit or batch may carry.
    pub limits: Limits,
    /// Where recorded times come from.
    pub clock: Arc<dyn Clock>,
    /// How many entries the unindexed tail in memory has when it is written to the index; 57,000 by default, an event
    /// making one and one for each of its tags, a row one. More makes loading faster, less makes the tail smaller.
    /// Batches of derived rows wait at as many, the committer at twice as many. A tail that is older than two seconds is
    /// written in any case.
    pub index_batch_entries: usize,
    /// How many bytes of events are kept in memory that were read lately from a stream, or by a stream or tag; 16 MiB by
    /// default, everything counted that keeping them takes, 0 keeps none. Reading such an event again costs no call to
    /// the system. Once they are full, an event is kept when it is read for the second time. A long read of a stream keeps
    /// what it gives out together as one. No read has more than half of the bytes for itself. Scans neither use them nor
    /// take their place.
    pub event_cache_bytes: usize,
    disk: Disk,
}

impl SledOptions {
    /// The store in the folder `path`, which is begun if it is not there.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            create: true,
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            index_batch_entries: 57_000,
            event_cache_bytes: 16 << 20,
            disk: Disk::default(),
        }
    }

    /// The same, only if there is a store already.
    #[must_use]
    pub fn existing(mut self) -> Self {
        self.create = false;
        self
    }

    /// The same with other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same for what a store took once, under whatever limits.
    pub(crate) fn unlimited(self) -> Self {
        self.limits(Limits {
            event_bytes: usize::MAX,
            metadata_bytes: usize::MAX,
            tags: usize::MAX,
            row_bytes: usize::MAX,
            // A frame of the log says its length in four bytes.
            commit_bytes: 1 << 30,
            commit_events: usize::MAX,
            commit_rows: usize::MAX,
            commit_conditions: usize::MAX,
            batch_rows: usize::MAX,
            batch_bytes: usize::MAX,
        })
    }

    /// The same with another size of the batches in which the index is written.
    #[must_use]
    pub fn index_batch_entries(mut self, entries: usize) -> Self {
        self.index_batch_entries = entries;
        self
    }

    /// The same with so many bytes of events kept in memory; 0 keeps none.
    #[must_use]
    pub fn event_cache_bytes(mut self, bytes: usize) -> Self {
        self.event_cache_bytes = bytes;
        self
    }

    /// The same with another clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same with an observer of every call to the disk and to sled. For tests of the store itself; not stable.
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn crate::faults::Observer>) -> Self {
        self.disk.observer = Some(observer);
        self
    }

    /// The same with segments of this length, so that small logs have several, and none prepared by a thread of its own,
    /// so that the order of the calls is the same each time. For tests of the store itself; not stable.
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.disk.segment_bytes = Some(bytes);
        self.disk.prepares = false;
        self
    }

    /// The same with segments that are prepared ahead. For tests of the store itself; not stable.
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn prepared_segments(mut self) -> Self {
        self.disk.prepares = true;
        self
    }

    /// The same written through the page cache, as where the system has no other way. For tests of the store itself; not
    /// stable.
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn through_page_cache(mut self) -> Self {
        self.disk.is_direct = false;
        self
    }

    pub(crate) fn disk(&self) -> Disk {
        self.disk.clone()
    }
}

impl std::fmt::Debug for SledOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, create, limits, clock: _, index_batch_entries, event_cache_bytes, disk: _ } = self;
        f.debug_struct("SledOptions")
            .field("path", path)
            .field("create", create)
            .field("limits", limits)
            .field("index_batch_entries", index_batch_entries)
            .field("event_cache_bytes", event_cache_bytes)
            .finish_non_exhaustive()
    }
}

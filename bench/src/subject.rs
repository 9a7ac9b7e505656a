//! What is measured.

use std::{path::Path, sync::Arc};

use annals_core::{Commit, Condition, EventType, Expected, MemoryStore, NewEvent, Store, StreamId, Version};
use async_trait::async_trait;
use bytes::Bytes;
use clap::ValueEnum;

use crate::{Failure, segment::Space, yardstick::Yardstick};

/// One event, for a stream that is at version `expected`.
pub(crate) struct Append {
    pub(crate) stream: StreamId,
    pub(crate) expected: Version,
    pub(crate) payload: Bytes,
}

/// Something that events are appended to.
#[async_trait]
pub(crate) trait Subject: Send + Sync {
    /// Appends one event; it is durable when this returns.
    async fn append(&self, append: Append) -> Result<(), Failure>;

    /// Finishes everything that goes on behind the answers.
    async fn finish(&self);
}

/// The name of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A log file that grows with each group.
    Growing,
    /// A log in segments that were filled with zeros before.
    Preallocated,
    /// annals' store in memory: what all but the disk costs.
    Memory,
}

impl Kind {
    /// What is measured when nothing is said, the growing log first: ratios are taken to it.
    pub(crate) const USUAL: [Self; 2] = [Self::Growing, Self::Preallocated];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Growing => "log, growing",
            Self::Preallocated => "log, preallocated",
            Self::Memory => "MemoryStore (not durable)",
        }
    }

    /// Opens a new, empty one in `folder`. Blocks.
    pub(crate) fn open(self, folder: &Path) -> Result<Box<dyn Subject>, Failure> {
        Ok(match self {
            Self::Growing => Box::new(Yardstick::open(folder, Space::Growing)?),
            Self::Preallocated => Box::new(Yardstick::open(folder, Space::Preallocated)?),
            Self::Memory => Box::new(OfStore::new(MemoryStore::new())?),
        })
    }
}

/// A store of annals. It does what a command does: it checks the version of the stream.
struct OfStore {
    store: Arc<dyn Store>,
    event_type: EventType,
}

impl OfStore {
    fn new(store: impl Store) -> Result<Self, Failure> {
        Ok(Self { store: Arc::new(store), event_type: EventType::new("bench.appended")? })
    }
}

#[async_trait]
impl Subject for OfStore {
    async fn append(&self, append: Append) -> Result<(), Failure> {
        let Append { stream, expected, payload } = append;
        let event = NewEvent::new(stream.clone(), self.event_type.clone(), payload);
        let condition = Condition::stream(stream, Expected::At(expected));
        self.store.commit(Commit::of([event]).when(condition)).await?;
        Ok(())
    }

    async fn finish(&self) {
        self.store.shut_down().await;
    }
}

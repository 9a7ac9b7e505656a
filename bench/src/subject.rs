//! What is measured: whatever events can be appended to.

mod fjall;
mod group;
mod log;
mod redb;
mod segment;
mod sled;
mod sqlite;
mod store;

use std::{path::Path, sync::Arc};

use annals_core::MemoryStore;
use annals_store_sled::{SledOptions, SledStore};
use async_trait::async_trait;
use clap::ValueEnum;

use crate::{Failure, load::Append};

use group::Group;
use log::Log;
use segment::Space;
pub(crate) use store::OfStore;

/// Something that events are appended to.
#[async_trait]
pub(crate) trait Subject: Send + Sync {
    /// Appends all events or none; they are durable when this returns.
    async fn append(&self, batch: Vec<Append>) -> Result<(), Failure>;

    /// Finishes everything that goes on behind the answers, and closes.
    async fn finish(&self);
}

/// The name of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A log file that grows with each group.
    Growing,
    /// A log in segments that were filled with zeros before.
    Preallocated,
    /// The same, written past the page cache.
    Direct,
    /// annals' store on disk.
    Store,
    /// SQLite, WAL, synchronous=FULL.
    Sqlite,
    /// redb, a durable transaction a group.
    Redb,
    /// fjall, a batch with SyncData a group.
    Fjall,
    /// sled alone, a batch, a flush and an fsync of its file a group.
    Sled,
    /// annals' store in memory: what all but the disk costs.
    Memory,
}

impl Kind {
    /// What is measured when nothing is said.
    pub(crate) const USUAL: [Self; 8] = [
        Self::Growing,
        Self::Preallocated,
        Self::Direct,
        Self::Store,
        Self::Sqlite,
        Self::Redb,
        Self::Fjall,
        Self::Sled,
    ];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Growing => "log, growing",
            Self::Preallocated => "log, preallocated",
            Self::Direct => "log, preallocated, direct",
            Self::Store => "store-sled",
            Self::Sqlite => "SQLite, WAL, FULL",
            Self::Redb => "redb",
            Self::Fjall => "fjall, SyncData",
            Self::Sled => "sled alone, fsync",
            Self::Memory => "MemoryStore (not durable)",
        }
    }

    /// Opens a new, empty one in `folder`.
    pub(crate) async fn open(self, folder: &Path) -> Result<Arc<dyn Subject>, Failure> {
        let folder = folder.to_owned();
        tokio::task::spawn_blocking(move || self.open_blocking(&folder)).await?
    }

    fn open_blocking(self, folder: &Path) -> Result<Arc<dyn Subject>, Failure> {
        Ok(match self {
            Self::Growing => Arc::new(Group::start(Log::open(folder, Space::Growing)?)?),
            Self::Preallocated => Arc::new(Group::start(Log::open(folder, Space::Preallocated)?)?),
            Self::Direct => Arc::new(Group::start(Log::open(folder, Space::Direct)?)?),
            Self::Store => Arc::new(OfStore::new(Arc::new(SledStore::open(SledOptions::new(folder.join("store")))?))?),
            Self::Sqlite => Arc::new(Group::start(sqlite::Sqlite::open(folder)?)?),
            Self::Redb => Arc::new(Group::start(redb::Redb::open(folder)?)?),
            Self::Fjall => Arc::new(Group::start(fjall::Fjall::open(folder)?)?),
            Self::Sled => Arc::new(Group::start(sled::Sled::open(folder)?)?),
            Self::Memory => Arc::new(OfStore::new(Arc::new(MemoryStore::new()))?),
        })
    }
}

#[cfg(test)]
mod tests {
    use annals_core::{StreamId, Version};
    use bytes::Bytes;

    use super::*;

    fn append(version: u64) -> Append {
        Append {
            stream: StreamId::new("bench", "1").unwrap(),
            expected: Version::new(version).unwrap(),
            payload: Bytes::from_static(b"payload"),
        }
    }

    #[tokio::test]
    async fn every_subject_takes_appends_until_it_is_finished() {
        for kind in Kind::value_variants() {
            let folder = tempfile::tempdir().unwrap();
            let subject = kind.open(folder.path()).await.unwrap();
            subject.append(vec![append(0)]).await.unwrap();
            subject.append(vec![append(1), append(2)]).await.unwrap();
            subject.finish().await;
            assert!(subject.append(vec![append(3)]).await.is_err(), "{}", kind.label());
        }
    }

    #[tokio::test]
    async fn who_checks_versions_refuses_a_stale_one() {
        for kind in [Kind::Store, Kind::Memory, Kind::Sqlite, Kind::Redb] {
            let folder = tempfile::tempdir().unwrap();
            let subject = kind.open(folder.path()).await.unwrap();
            subject.append(vec![append(0)]).await.unwrap();
            assert!(subject.append(vec![append(0)]).await.is_err(), "{}", kind.label());
        }
    }
}

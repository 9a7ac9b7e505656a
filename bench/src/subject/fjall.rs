//! fjall: a batch a group, synced with `SyncData`.

use std::path::Path;

use ::fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{
    group::Medium,
    log::{put_content, put_stream_key},
};
use crate::{Failure, load::Append};

pub(super) struct Fjall {
    database: Database,
    events: Keyspace,
    streams: Keyspace,
    position: u64,
}

impl Fjall {
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        let database = Database::builder(folder.join("fjall")).open()?;
        let events = database.keyspace("events", KeyspaceCreateOptions::default)?;
        let streams = database.keyspace("streams", KeyspaceCreateOptions::default)?;
        Ok(Self { database, events, streams, position: 0 })
    }
}

impl Medium for Fjall {
    fn write(&mut self, group: &[Append]) -> Result<(), Failure> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        for append in group {
            self.position += 1;
            let (mut content, mut key) = (Vec::with_capacity(512), Vec::with_capacity(64));
            put_content(append, &mut content);
            put_stream_key(append, &mut key);
            batch.insert(&self.events, self.position.to_be_bytes(), content);
            batch.insert(&self.streams, key, self.position.to_be_bytes());
        }
        Ok(batch.commit()?)
    }
}

//! sled alone: a batch a group. Its `flush` does not sync, so that its file is synced after it.

use std::{fs::File, path::Path};

use ::sled::{Batch, Db};

use super::{
    group::Medium,
    log::{put_content, put_stream_key},
};
use crate::{Failure, load::Append};

pub(super) struct Sled {
    database: Db,
    file: File,
    position: u64,
}

impl Sled {
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        let folder = folder.join("sled");
        let config = ::sled::Config::new().path(&folder).cache_capacity(128 << 20).flush_every_ms(None);
        let database = config.open()?;
        let file = File::open(folder.join("db"))?;
        Ok(Self { database, file, position: 0 })
    }
}

impl Medium for Sled {
    /// One tree: a transaction over several costs more than a batch on one.
    fn write(&mut self, group: &[Append]) -> Result<(), Failure> {
        let mut batch = Batch::default();
        for append in group {
            self.position += 1;
            let position = self.position.to_be_bytes();
            let mut content = Vec::with_capacity(512);
            put_content(append, &mut content);
            batch.insert([&b"e"[..], &position].concat(), content);
            let mut key = vec![b's'];
            put_stream_key(append, &mut key);
            batch.insert(key, &position);
        }
        self.database.apply_batch(batch)?;
        self.database.flush()?;
        Ok(self.file.sync_data()?)
    }
}

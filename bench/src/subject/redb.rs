//! redb: a transaction a group, with its default durability, which syncs.

use std::path::Path;

use ::redb::{Database, TableDefinition};

use super::{
    group::Medium,
    log::{put_content, put_stream_key},
};
use crate::{Failure, load::Append};

const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
const STREAMS: TableDefinition<'_, &[u8], u64> = TableDefinition::new("streams");

pub(super) struct Redb {
    database: Database,
    position: u64,
}

impl Redb {
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        Ok(Self { database: Database::create(folder.join("events.redb"))?, position: 0 })
    }
}

impl Medium for Redb {
    fn write(&mut self, group: &[Append]) -> Result<(), Failure> {
        let transaction = self.database.begin_write()?;
        {
            let (mut events, mut streams) = (transaction.open_table(EVENTS)?, transaction.open_table(STREAMS)?);
            let (mut content, mut key) = (Vec::new(), Vec::new());
            for append in group {
                self.position += 1;
                content.clear();
                put_content(append, &mut content);
                events.insert(self.position, content.as_slice())?;
                key.clear();
                put_stream_key(append, &mut key);
                if streams.insert(key.as_slice(), self.position)?.is_some() {
                    return Err("the version is taken".into());
                }
            }
        }
        Ok(transaction.commit()?)
    }
}

//! SQLite in WAL mode with `synchronous=FULL`: a transaction a group, synced by its commit.

use std::path::Path;

use rusqlite::{Connection, params};

use super::group::Medium;
use crate::{Failure, load::Append};

/// A table of events by position, and a unique index by stream and version, which checks the version that is expected.
///
/// The pages in memory and the size of the WAL at which it is written back are raised above the defaults, so that
/// neither holds it back.
const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -131072;
    PRAGMA wal_autocheckpoint = 10000;
    PRAGMA temp_store = MEMORY;
    CREATE TABLE events (position INTEGER PRIMARY KEY, stream TEXT NOT NULL, version INTEGER NOT NULL,
                         payload BLOB NOT NULL) STRICT;
    CREATE UNIQUE INDEX streams ON events (stream, version);
";

pub(super) struct Sqlite {
    connection: Connection,
    position: i64,
}

impl Sqlite {
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        let connection = Connection::open(folder.join("events.sqlite"))?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection, position: 0 })
    }
}

impl Medium for Sqlite {
    fn write(&mut self, group: &[Append]) -> Result<(), Failure> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4)")?;
            for append in group {
                self.position += 1;
                let version = i64::try_from(append.expected.next().get())?;
                insert.execute(params![self.position, append.stream.as_str(), version, &*append.payload])?;
            }
        }
        Ok(transaction.commit()?)
    }
}

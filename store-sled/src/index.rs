//! The index: what is faster to look up than to scan for, in sled. Everything in it follows from the log, or from the
//! log and its consumers, so it can be lost.

pub(crate) mod keys;
pub(crate) mod places;
pub(crate) mod rows;

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use annals_core::{DerivedTable, Generation, ReadError, Table, Version};
use sled::{Db, Tree};
use uuid::Uuid;

use self::keys::Term;
use crate::{
    faults::{Call, Effect},
    log::{disk::Disk, frame::Standing, wire::Cursor},
    overlay::{Part, Progress},
};

/// What sled may keep in memory. More costs much and gains nothing.
const CACHE_BYTES: u64 = 64 << 20;

/// The index of one log, and the derived tables, which share sled's files and their fate.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    disk: Disk,
    db: Db,
    /// Places, logged rows and the progress.
    pub(crate) entries: Tree,
    /// Derived rows: in one tree, because sled's batches are atomic within one tree only.
    pub(crate) derived: Tree,
}

impl Index {
    /// Opens the index in `folder`, or begins an empty one.
    pub(crate) fn open(disk: &Disk, folder: &Path) -> Result<Self, ReadError> {
        guard(disk, "open", || {
            let db = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).open()?;
            let (entries, derived) = (db.open_tree("entries")?, db.open_tree("derived")?);
            let index = Self { disk: disk.clone(), entries, derived, db };
            let generation: Table = DerivedTable::GENERATION.into();
            if rows::get(&index.derived, &generation, b"")?.is_none() {
                let row = Generation::random().to_row();
                rows::put(&index.derived, &mut &index.derived, &generation, b"", Some(&row))?;
            }
            Ok(index)
        })
    }

    /// Up to where the log was taken in, or `None` when the index belongs to another log or says nothing sensible.
    pub(crate) fn progress(&self, log: Uuid) -> Result<Option<Progress>, ReadError> {
        let Some(row) = self.guard("progress", || self.entries.get(keys::PROGRESS))? else {
            return Ok(Some(Progress::START));
        };
        let mut cursor = Cursor::new(&row);
        let mut take = || {
            let checksum = cursor.u32()?;
            let rest = cursor.take_rest();
            let mut rest_cursor = Cursor::new(rest);
            let id = Uuid::from_bytes(rest_cursor.array()?);
            let standing = Standing::take(&mut rest_cursor)?;
            let frame = rest_cursor.u64()?;
            (crc32c::crc32c(rest) == checksum && id == log).then_some(Progress { standing, frame })
        };
        Ok(take())
    }

    /// Takes `part` in. Repeating it changes nothing, so it may be cut short anywhere: the progress is written last,
    /// and what survives of sled's writes is always the first of them.
    pub(crate) fn take_in(&self, part: &Part, log: Uuid) -> Result<(), ReadError> {
        self.guard("take_in", || {
            let mut writes = Vec::new();
            for (stream, (first, places)) in &part.streams {
                let version = |index: usize, _: &_| first.get() + index as u64;
                places::extend(&self.entries, Term::Stream(stream.as_str()), version, places, &mut writes)?;
            }
            for (term, places) in &part.tags {
                places::extend(&self.entries, Term::Tag(term), |_, place| place.position.get(), places, &mut writes)?;
            }
            writes.sort_unstable();
            for (key, value) in writes {
                self.entries.insert(key, value)?;
            }
            for (table, rows) in &part.rows {
                let table = Table::Logged(table.clone());
                for (key, value) in rows {
                    rows::put(&self.entries, &mut &self.entries, &table, key, value.as_deref())?;
                }
            }
            self.entries.insert(keys::PROGRESS, progress_row(log, &part.through))?;
            Ok(())
        })
    }

    /// The version of `stream` as far as the log was taken in.
    pub(crate) fn version(&self, stream: &str) -> Result<Version, ReadError> {
        match self.guard("version", || places::chunk_before(&self.entries, Term::Stream(stream), u64::MAX - 1))? {
            None => Ok(Version::ZERO),
            Some(Ok(chunk)) => {
                let version = (chunk.first + chunk.places.len() as u64).saturating_sub(1);
                Version::new(version).map_err(|error| malformed(&error.to_string()))
            }
            Some(Err(places::Malformed)) => Err(malformed("a list of places cannot be decoded")),
        }
    }

    /// Writes everything out and waits until it is on disk; sled itself does not wait.
    pub(crate) fn close(self, folder: &Path) -> io::Result<()> {
        self.guard("flush", || self.db.flush().map(drop)).map_err(|error| io::Error::other(error.to_string()))?;
        let disk = self.disk.clone();
        drop(self);
        for path in disk.list("index", folder)? {
            if path.is_file() {
                disk.open("index", &path)?.sync_all()?;
            }
        }
        disk.sync_folder("index", folder)
    }

    /// Runs `work`, which is called `what`, on sled. Neither its errors nor its panics get past here.
    pub(crate) fn guard<T>(&self, what: &'static str, work: impl FnOnce() -> sled::Result<T>) -> Result<T, ReadError> {
        guard(&self.disk, what, work)
    }
}

fn progress_row(log: Uuid, progress: &Progress) -> Vec<u8> {
    let mut rest = log.as_bytes().to_vec();
    progress.standing.encode(&mut rest);
    rest.extend_from_slice(&progress.frame.to_le_bytes());
    [&crc32c::crc32c(&rest).to_le_bytes()[..], &rest].concat()
}

/// The index holds something that was never written to it.
pub(crate) fn malformed(what: &str) -> ReadError {
    ReadError::Index { reason: what.to_owned() }
}

fn guard<T>(disk: &Disk, what: &'static str, work: impl FnOnce() -> sled::Result<T>) -> Result<T, ReadError> {
    let caught = || match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(io::Error::other(error)),
        Err(panic) => Err(io::Error::other(format!("sled panicked: {}", panic_text(&*panic)))),
    };
    let call = Call { on: "sled", path: Path::new("index"), effect: Effect::Sled(what) };
    disk.value(&call, caught).map_err(|error| ReadError::Index { reason: error.to_string() })
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}

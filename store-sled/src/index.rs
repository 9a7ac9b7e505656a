//! The index: what is faster to look up than to scan for, in sled. Everything in it follows from the log, or from the
//! log and its consumers, so it can be lost.

mod derived;
pub(crate) mod keys;
pub(crate) mod places;
pub(crate) mod rows;

use std::{
    fs::{self, OpenOptions},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

use annals_core::{DerivedTable, Generation, ReadError, Table, Version};
use sled::{Db, Tree};
use uuid::Uuid;

use self::keys::Term;
use crate::{
    log::{frame::Standing, segment::sync_folder, wire::Cursor},
    overlay::{Part, Progress},
};

/// How long an opening waits for sled's lock.
const LOCK_TIME: Duration = Duration::from_secs(10);

/// What sled may keep in memory. More costs much and gains nothing.
const CACHE_BYTES: u64 = 64 << 20;

/// The index of one log, and the derived tables, which share sled's files and their fate.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    db: Db,
    /// Places, logged rows and the progress.
    pub(crate) entries: Tree,
    /// Derived rows, and the journal that makes their batches atomic.
    pub(crate) derived: Tree,
    /// The life of the derived rows: it changes only with the whole index.
    pub(crate) generation: Generation,
}

impl Index {
    /// Opens the index in `folder`, or begins an empty one.
    pub(crate) fn open(folder: &Path) -> Result<Self, ReadError> {
        guard(|| {
            let db = open_sled(folder)?;
            let (entries, derived) = (db.open_tree("entries")?, db.open_tree("derived")?);
            derived::recover(&derived)?;
            let generation = generation(&derived)?;
            Ok(Self { db, entries, derived, generation })
        })
    }

    /// Up to where the log was taken in, or `None` when the index belongs to another log or says nothing sensible.
    pub(crate) fn progress(&self, log: Uuid) -> Result<Option<Progress>, ReadError> {
        let Some(row) = guard(|| self.entries.get(keys::PROGRESS))? else { return Ok(Some(Progress::START)) };
        let mut cursor = Cursor::new(row.to_vec().into());
        let mut take = || {
            let checksum = cursor.u32()?;
            let rest = cursor.take(cursor.rest())?;
            let mut rest_cursor = Cursor::new(rest.clone());
            let id = Uuid::from_bytes(rest_cursor.array()?);
            let standing = Standing::take(&mut rest_cursor)?;
            let frame = rest_cursor.u64()?;
            (crc32c::crc32c(&rest) == checksum && id == log).then_some(Progress { standing, frame })
        };
        Ok(take())
    }

    /// Takes `part` in. Repeating it changes nothing, so it may be cut short anywhere: the progress is written last,
    /// and what survives of sled's writes is always the first of them.
    pub(crate) fn take_in(&self, part: &Part, log: Uuid) -> Result<(), ReadError> {
        guard(|| {
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
            for (table, rows) in &part.rows.logged {
                rows::merge(&self.entries, &Table::Logged(table.clone()), rows)?;
            }
            self.entries.insert(keys::PROGRESS, progress_row(log, &part.through))?;
            derived::take_in(&self.derived, &part.rows.derived)
        })
    }

    /// The version of `stream` as far as the log was taken in.
    pub(crate) fn version(&self, stream: &str) -> Result<Version, ReadError> {
        match guard(|| places::chunk_before(&self.entries, Term::Stream(stream), u64::MAX - 1))? {
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
        guard(|| self.db.flush().map(drop)).map_err(|error| io::Error::other(error.to_string()))?;
        drop(self);
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_file() {
                OpenOptions::new().write(true).open(&path)?.sync_all()?;
            }
        }
        sync_folder(folder)
    }
}

/// Opens sled. Its threads may hold its lock for a moment after it was closed in the same process. That is no damage, and
/// nobody else can hold it, because the store's own lock is taken: so it is waited for.
fn open_sled(folder: &Path) -> sled::Result<Db> {
    let begun = Instant::now();
    loop {
        match sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).open() {
            Err(sled::Error::Io(error)) if is_locked(&error) && begun.elapsed() < LOCK_TIME => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened,
        }
    }
}

/// sled says it in words only.
fn is_locked(error: &io::Error) -> bool {
    error.to_string().contains("could not acquire lock")
}

/// The generation of the derived rows, which begins with their tree.
fn generation(derived: &Tree) -> sled::Result<Generation> {
    let table: Table = DerivedTable::GENERATION.into();
    match rows::get(derived, &table, b"")? {
        Some(row) => row
            .ok()
            .and_then(|row| Generation::from_row(&row))
            .ok_or_else(|| sled::Error::Unsupported("the generation of the derived rows cannot be decoded".into())),
        None => {
            let generation = Generation::random();
            rows::put(derived, &table, b"", Some(&generation.to_row()))?;
            Ok(generation)
        }
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

/// Runs `work` on sled. Neither its errors nor its panics get past here.
pub(crate) fn guard<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, ReadError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(ReadError::Index { reason: error.to_string() }),
        Err(panic) => Err(ReadError::Index { reason: format!("sled panicked: {}", panic_text(&*panic)) }),
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// F16: sled's lock, held for a moment by an index that was just closed, is no damage: the index is not given up.
    #[test]
    fn opening_waits_for_the_lock_of_sled() {
        let folder = tempfile::tempdir().unwrap();
        let closing = Index::open(folder.path()).unwrap();
        let generation = closing.generation;
        let (sender, opened) = mpsc::channel();
        let path = folder.path().to_owned();
        std::thread::spawn(move || sender.send(Index::open(&path)));
        let waits = opened.recv_timeout(Duration::from_millis(300));
        assert!(waits.is_err(), "{waits:?}");
        drop(closing);
        let index = opened.recv_timeout(Duration::from_secs(30)).unwrap().unwrap();
        assert_eq!(index.generation, generation);
    }
}

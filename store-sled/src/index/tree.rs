//! The way to sled. Every call to it takes this way, so that tests can watch the calls and make each of them fail.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sled::{Db, IVec};

use crate::{
    faults::{Call, Effect},
    log::disk::Disk,
};

/// How long an opening waits for sled's lock.
const LOCK_TIME: Duration = Duration::from_secs(10);

/// sled notes where its pages are when it is opened, and at no other time: opening reads all that was written since. So much
/// takes it about 0.1 s.
const LONG_BYTES: u64 = if cfg!(test) { 1 << 20 } else { 256 << 20 };

/// What sled may keep in memory. Twice as much gained nothing that could be measured: pages are small.
const CACHE_BYTES: u64 = 32 << 20;

/// All that sled has in one folder.
#[derive(Debug)]
pub(crate) struct Database {
    way: Way,
    db: Db,
}

/// A tree of sled: ordered keys with a value each.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    way: Way,
    tree: sled::Tree,
}

/// What calls are made through, what they are on, and how many bytes of values were written by it since sled was opened.
#[derive(Debug, Clone)]
struct Way {
    disk: Disk,
    on: &'static str,
    written: Arc<AtomicU64>,
}

impl Way {
    #[inline]
    fn call<T>(&self, what: &'static str, make: impl FnOnce() -> sled::Result<T>) -> sled::Result<T> {
        let call = Call { on: self.on, path: Path::new("index"), effect: Effect::Sled(what) };
        self.disk.value(&call, || make().map_err(io::Error::other)).map_err(error_of_sled)
    }
}

/// What sled itself said, where it said something.
fn error_of_sled(error: io::Error) -> sled::Error {
    error.downcast().unwrap_or_else(sled::Error::Io)
}

impl Database {
    /// Opens sled's files in `folder`, or begins them.
    pub(crate) fn open(disk: &Disk, folder: &Path) -> sled::Result<Self> {
        let way = Way { disk: disk.clone(), on: "database", written: Arc::default() };
        let db = way.call("open", || open_sled(folder))?;
        Ok(Self { way, db })
    }

    /// Opens the tree of this name, or begins it.
    pub(crate) fn tree(&self, name: &'static str) -> sled::Result<Tree> {
        let tree = self.way.call("open_tree", || self.db.open_tree(name))?;
        Ok(Tree { way: Way { on: name, ..self.way.clone() }, tree })
    }

    /// Writes everything out; sled itself does not wait until it is on disk.
    pub(crate) fn flush(&self) -> sled::Result<()> {
        self.way.call("flush", || self.db.flush().map(drop))
    }

    /// Whether so much was written since it was opened that the next opening takes its time, unless there is one more before.
    pub(crate) fn opens_slowly(&self) -> bool {
        self.way.written.load(Ordering::Relaxed) >= LONG_BYTES
    }
}

impl Tree {
    pub(crate) fn get(&self, key: impl AsRef<[u8]>) -> sled::Result<Option<IVec>> {
        self.way.call("get", || self.tree.get(key))
    }

    /// The last key before `key`, and its value.
    pub(crate) fn get_lt(&self, key: impl AsRef<[u8]>) -> sled::Result<Option<(IVec, IVec)>> {
        self.way.call("get_lt", || self.tree.get_lt(key))
    }

    /// The first key behind `key`, and its value.
    pub(crate) fn get_gt(&self, key: impl AsRef<[u8]>) -> sled::Result<Option<(IVec, IVec)>> {
        self.way.call("get_gt", || self.tree.get_gt(key))
    }

    pub(crate) fn is_empty(&self) -> sled::Result<bool> {
        self.way.call("is_empty", || Ok(self.tree.is_empty()))
    }

    /// The keys that begin with `prefix`, in order, and their values.
    pub(crate) fn scan_prefix(&self, prefix: &[u8]) -> impl Iterator<Item = sled::Result<(IVec, IVec)>> {
        let mut entries = self.tree.scan_prefix(prefix);
        std::iter::from_fn(move || self.way.call("next", || entries.next().transpose()).transpose())
    }

    /// Sets the value of `key`.
    pub(crate) fn insert(&self, key: impl AsRef<[u8]>, value: impl Into<IVec>) -> sled::Result<()> {
        let value = value.into();
        self.way.written.fetch_add(value.len() as u64, Ordering::Relaxed);
        self.way.call("insert", || self.tree.insert(key, value).map(drop))
    }

    /// Removes `key` and its value, if it is there.
    pub(crate) fn remove(&self, key: impl AsRef<[u8]>) -> sled::Result<()> {
        self.way.call("remove", || self.tree.remove(key).map(drop))
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

#[cfg(test)]
impl Database {
    /// One that is gone with its last tree; its calls go through `disk`.
    pub(crate) fn temporary(disk: Disk) -> Self {
        let db = sled::Config::new().temporary(true).open().unwrap();
        Self { way: Way { disk, on: "database", written: Arc::default() }, db }
    }
}

#[cfg(test)]
impl Tree {
    /// One of a database of its own.
    pub(crate) fn temporary() -> Self {
        Database::temporary(Disk::default()).tree("entries").unwrap()
    }

    /// What tests look into without being watched.
    pub(crate) fn inner(&self) -> &sled::Tree {
        &self.tree
    }
}

//! The index: what is faster to look up than to scan for, in sled, and in files beside it what is new with nearly each commit and
//! at a random place. Everything in it follows from the log, or from the log and its consumers, so it can be lost.

pub(crate) mod compare;
mod derived;
mod filter;
pub(crate) mod gathered;
pub(crate) mod keys;
pub(crate) mod kinds;
pub(crate) mod once;
mod order;
mod pages;
pub(crate) mod places;
mod rows;
mod runs;
#[cfg(test)]
mod spend;
mod streams;
mod tree;

use std::{
    io,
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use annals_core::{
    CommitNumber, DerivedTable, Direction, EventQuery, Generation, LoggedTable, Position, ReadError, Table, Version,
};
use bytes::Bytes;
use sled::IVec;
use uuid::Uuid;

use self::{
    filter::{Changed, Filter},
    gathered::Gathered,
    keys::Term,
    kinds::{Kinds, LastMatch},
    once::OnceKey,
    order::Order,
    places::{Chunk, PlaceTrees},
    runs::Runs,
    tree::{Database, Tree},
};
use crate::{
    faults::{Call, Effect},
    log::{disk::Disk, frame::Standing, wire::Cursor},
    overlay::{Part, Progress},
};

/// The index of one log, and the derived tables, which share sled's files and their fate.
#[derive(Debug)]
pub(crate) struct Index {
    disk: Disk,
    database: Database,
    /// Places, logged rows and the progress.
    entries: Tree,
    /// Older places, in chunks that do not change any more.
    older: Tree,
    /// The idempotency keys.
    once: Runs,
    /// Derived rows, and the journal that makes their batches atomic.
    derived: Tree,
    /// The streams that exist or are closed, and the tags, idempotency keys and names that exist.
    filter: Filter,
    /// Room for taking parts in.
    order: Mutex<Order>,
    /// Where the last event of each kind is.
    kinds: RwLock<Kinds>,
    /// Every place behind this position is in the tail.
    through: AtomicU64,
    /// Whether any stream was ever closed.
    has_closed: AtomicBool,
    /// The life of the derived rows: it changes only with the whole index.
    pub(crate) generation: Generation,
}

impl Index {
    /// Opens the index in `folder`, or begins an empty one.
    pub(crate) fn open(disk: &Disk, folder: &Path) -> Result<Self, ReadError> {
        guard(disk, "open", || {
            let database = Database::open(disk, folder)?;
            let (entries, older) = (database.tree("entries")?, database.tree("older")?);
            let derived = database.tree("derived")?;
            check_layout(&entries)?;
            let (once, filter) = (Runs::open(disk, folder)?, Filter::open(disk, folder)?);
            derived::recover(&derived)?;
            let generation = generation(&derived)?;
            let (disk, has_closed) = (disk.clone(), AtomicBool::new(false));
            // Until the progress was looked at, nothing is known.
            let through = AtomicU64::new(u64::MAX);
            let (order, kinds) = (Mutex::default(), RwLock::new(Kinds::read(&entries)?));
            Ok(Self {
                disk,
                database,
                entries,
                older,
                once,
                derived,
                filter,
                order,
                kinds,
                through,
                has_closed,
                generation,
            })
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
            self.has_closed.store(rest_cursor.byte()? != 0, Ordering::Relaxed);
            // More may be there: what a part adds is written before the progress is.
            let is_all_there = self.once.through() >= rest_cursor.u64()? && self.filter.pages() >= rest_cursor.u64()?;
            (crc32c::crc32c(rest) == checksum && id == log && is_all_there).then_some(Progress { standing, frame })
        };
        let progress = take();
        if let Some(progress) = &progress {
            self.through.store(progress.standing.position.get(), Ordering::Release);
        }
        Ok(progress)
    }

    /// The last commit that it has seen: idempotency keys may be further than the progress, which sled may lose.
    pub(crate) fn seen(&self, progress: &Progress) -> CommitNumber {
        progress.standing.commit.max(CommitNumber::new(self.once.through()).unwrap_or(CommitNumber::MAX))
    }

    /// Takes `part` in. Repeating it changes nothing, so it may be cut short anywhere: the progress is written last,
    /// and what survives of sled's writes is always the first of them.
    pub(crate) fn take_in(&self, part: &Part, log: Uuid) -> Result<(), ReadError> {
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        self.take(part, &mut order, None)?;
        drop(order);
        self.note_progress(&part.through, log)?;
        self.guard("take_derived", || derived::take_in(&self.derived, &part.rows.derived))
    }

    /// The same of a part of the log that is followed by others before anybody reads: of streams and tags that are there
    /// already, the places are only gathered, and the progress is noted once they are written.
    pub(crate) fn gather(&self, part: &Part, gathered: &mut Gathered, log: Uuid) -> Result<(), ReadError> {
        let mut order = std::mem::take(&mut gathered.order);
        self.take(part, &mut order, Some(gathered))?;
        gathered.order = order;
        gathered.through = Some(part.through);
        if gathered.is_empty() || gathered.is_full() { self.settle(gathered, log) } else { Ok(()) }
    }

    /// Writes what was gathered.
    pub(crate) fn settle(&self, gathered: &mut Gathered, log: Uuid) -> Result<(), ReadError> {
        if let Some(through) = gathered.through {
            self.guard("take_places", || places::settle(self.places(), gathered))?;
            self.note_progress(&through, log)?;
        }
        gathered.clear();
        Ok(())
    }

    /// Takes in what logged events, rows and keys come to.
    fn take(&self, part: &Part, order: &mut Order, gathered: Option<&mut Gathered>) -> Result<(), ReadError> {
        self.through.store(part.through.standing.position.get(), Ordering::Release);
        let mut changed = self.guard("take_places", || places::merge(self.places(), part, order, gathered))?;
        self.note_rows(part, &mut changed);
        let keys = once::sorted(&part.once, &self.filter, &mut changed);
        self.guard("take_once", || self.once.add(&keys, part.through.standing.commit.get()))?;
        for (table, rows) in &part.rows.logged {
            self.guard("take_rows", || rows::merge(&self.entries, &Table::Logged(table.clone()), rows))?;
        }
        self.guard("take_kinds", || part.kinds.merge(&self.entries))?;
        self.guard("take_filter", || self.filter.write(&changed))?;
        self.kinds.write().unwrap_or_else(PoisonError::into_inner).extend(&part.kinds);
        Ok(())
    }

    fn note_progress(&self, through: &Progress, log: Uuid) -> Result<(), ReadError> {
        let has_closed = self.has_closed.load(Ordering::Relaxed);
        let files = [self.once.through(), self.filter.pages()];
        let progress = progress_row(log, through, has_closed, files);
        self.guard("take_in", || self.entries.insert(keys::PROGRESS, progress))
    }

    /// Adds the part's closed streams and names to the filter.
    fn note_rows(&self, part: &Part, changed: &mut Changed) {
        for (table, rows) in &part.rows.logged {
            if table.name() == LoggedTable::CLOSED.name() {
                self.has_closed.store(true, Ordering::Relaxed);
                for row in rows.keys() {
                    self.filter.insert(&Term::Stream(&stream_text(table, row)).prefix(), changed);
                }
            } else if is_names(table) {
                for row in rows.keys() {
                    self.filter.insert(&keys::logged_row(table, row), changed);
                }
            }
        }
    }

    /// Whether places of `term` behind `after` may be in sled that were not in the tail when it was looked at before.
    pub(crate) fn may_have_behind(&self, term: Term<'_>, after: Position) -> bool {
        self.through.load(Ordering::Acquire) > after.get() && self.filter.contains(&term.prefix())
    }

    /// The version of `stream` as far as the log was taken in.
    pub(crate) fn version(&self, stream: &str) -> Result<Version, ReadError> {
        self.newest_chunk(stream)?.map_or(Ok(Version::ZERO), |(version, _)| Ok(version))
    }

    /// The version of `stream` as far as the log was taken in, and the chunk with its newest places.
    pub(crate) fn newest_chunk(&self, stream: &str) -> Result<Option<(Version, Chunk)>, ReadError> {
        if !self.filter.contains(&Term::Stream(stream).prefix()) {
            return Ok(None);
        }
        let found = self.guard("version", || {
            let chunk = places::newest_chunk(self.places(), Term::Stream(stream))?;
            chunk.map(|chunk| Ok((chunk.last()?, chunk))).transpose()
        })?;
        let Some((version, chunk)) = found else { return Ok(None) };
        let version = Version::new(version).map_err(|error| malformed(&error.to_string()))?;
        Ok(Some((version, chunk)))
    }

    /// Where the last record is that matches `query`, as far as the log was taken in and that can be said.
    pub(crate) fn last_match(&self, query: &EventQuery) -> Option<LastMatch> {
        self.kinds.read().unwrap_or_else(PoisonError::into_inner).last_match(query)
    }

    /// Where the commit is that used an idempotency key last, as [`once::value`] puts it.
    pub(crate) fn once(&self, key: &OnceKey) -> Result<Option<Bytes>, ReadError> {
        // Most are asked for before they are there.
        if !self.filter.contains_bits(key.bits) {
            return Ok(None);
        }
        self.guard("row", || Ok(self.once.get(key.as_bytes())?.map(once::value)))
    }

    /// A row as sled has it; of one of `$once`, where it is to be found.
    pub(crate) fn row(&self, table: &Table, row: &[u8]) -> Result<Option<Bytes>, ReadError> {
        match table {
            Table::Logged(table) if is_streams(table) => self.guard("row", || streams::get(&self.entries, table, row)),
            Table::Logged(table) if is_once(table) => self.once(&OnceKey::of_row(table, row)),
            Table::Logged(table) if !self.may_have(table, row) => Ok(None),
            _ => self.guard("row", || rows::get(self.tree(table), table, row)),
        }
    }

    /// Whether it is worth the look-up: a row of `$closed` is asked for with each new stream, and seldom there; those of
    /// names are asked for when they are new.
    fn may_have(&self, table: &LoggedTable, row: &[u8]) -> bool {
        if table.name() == LoggedTable::CLOSED.name() {
            return self.has_closed.load(Ordering::Relaxed)
                && self.filter.contains(&Term::Stream(&stream_text(table, row)).prefix());
        }
        !is_names(table) || self.filter.contains(&keys::logged_row(table, row))
    }

    /// The rows in the range, in the order of `direction`: the key of each, and what [`value`](Self::value) makes its
    /// value from. A row that is being written may be looked at, but not its value.
    pub(crate) fn scan(
        &self,
        table: &Table,
        range: &(Bound<Bytes>, Bound<Bytes>),
        direction: Direction,
    ) -> Box<dyn Iterator<Item = sled::Result<(Bytes, IVec)>> + '_> {
        match table {
            Table::Logged(table) if is_streams(table) => {
                Box::new(streams::scan(&self.entries, table, range, direction))
            }
            Table::Logged(logged) if is_once(logged) => {
                let (prefix, from, to) = rows::bounds(table, range);
                let stored = |(key, frame)| (key, IVec::from(&*once::value(frame)));
                let rows = self.once.range(&from, &to, direction);
                Box::new(rows.map(move |entry| rows::row_of(entry.map(stored), prefix)))
            }
            _ => Box::new(rows::scan(self.tree(table), table, range, direction)),
        }
    }

    /// The value of a row from what is stored under its key.
    pub(crate) fn value(&self, table: &Table, row: &[u8], stored: &IVec) -> sled::Result<Bytes> {
        match table {
            Table::Logged(table) if is_streams(table) => streams::value(stored),
            Table::Logged(table) if is_once(table) => Ok(Bytes::copy_from_slice(stored)),
            _ => rows::value(self.tree(table), table, row, stored),
        }
    }

    /// Where places are looked up.
    pub(crate) fn places(&self) -> PlaceTrees<'_> {
        PlaceTrees { entries: &self.entries, older: &self.older, filter: &self.filter }
    }

    fn tree(&self, table: &Table) -> &Tree {
        match table {
            Table::Logged(_) => &self.entries,
            Table::Derived(_) => &self.derived,
        }
    }

    /// Writes everything out and waits until it is on disk; sled itself does not wait.
    pub(crate) fn close(self: Arc<Self>, folder: &Path) -> io::Result<()> {
        let failed = |error: ReadError| io::Error::other(error.to_string());
        self.guard("flush", || self.database.flush()).map_err(failed)?;
        let (disk, opens_slowly) = (self.disk.clone(), self.database.opens_slowly());
        // Whoever still reads keeps it open.
        if Arc::into_inner(self).map(drop).is_some() && opens_slowly {
            guard(&disk, "open", || Database::open(&disk, folder).map(drop)).map_err(failed)?;
        }
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

/// The file in which sled has everything. Where it is gone, sled begins another and says nothing.
pub(crate) const FILE: &str = "db";

/// How the index is laid out. Another number is another layout; an index of another layout is built anew.
const LAYOUT: [u8; 4] = 8_u32.to_le_bytes();

/// Checks the layout, which is the first that is written.
fn check_layout(entries: &Tree) -> sled::Result<()> {
    match entries.get(keys::LAYOUT)? {
        Some(found) if *found == LAYOUT => Ok(()),
        None if entries.is_empty()? => entries.insert(keys::LAYOUT, &LAYOUT),
        _ => Err(sled::Error::Unsupported("it is laid out as another version of annals does".into())),
    }
}

/// The generation of the derived rows, which begins with their tree.
fn generation(derived: &Tree) -> sled::Result<Generation> {
    let table: Table = DerivedTable::GENERATION.into();
    match rows::get(derived, &table, b"")? {
        Some(row) => Generation::from_row(&row).ok_or_else(|| pages::malformed("the generation of the derived rows")),
        None => {
            let generation = Generation::random();
            rows::put(derived, &table, b"", Some(&generation.to_row()))?;
            Ok(generation)
        }
    }
}

/// Whether the table is `$streams` of some tenant, which is no rows but a view of the places of streams.
pub(crate) fn is_streams(table: &LoggedTable) -> bool {
    table.name() == LoggedTable::STREAMS.name()
}

/// Whether the table is `$once` of some tenant, whose rows are in the log: here is only where.
pub(crate) fn is_once(table: &LoggedTable) -> bool {
    table.name() == LoggedTable::ONCE.name()
}

/// Whether the table is `$names` of some tenant.
fn is_names(table: &LoggedTable) -> bool {
    table.name() == LoggedTable::NAMES.name()
}

/// The id of the stream that has the row `row` in a table with a row a stream.
pub(crate) fn stream_text(table: &LoggedTable, row: &[u8]) -> String {
    let row = String::from_utf8_lossy(row);
    table.tenant().map_or_else(|| row.to_string(), |tenant| format!("{tenant}/{row}"))
}

fn progress_row(log: Uuid, progress: &Progress, has_closed: bool, files: [u64; 2]) -> Vec<u8> {
    let mut rest = log.as_bytes().to_vec();
    progress.standing.encode(&mut rest);
    rest.extend_from_slice(&progress.frame.to_le_bytes());
    rest.push(u8::from(has_closed));
    for number in files {
        rest.extend_from_slice(&number.to_le_bytes());
    }
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

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use annals_core::NewEvent;

    use super::*;
    use crate::log::{Place, frame::Standing};

    /// A close behind which opening would take long opens sled once more: only then it notes where its pages are.
    #[test]
    fn a_close_behind_much_work_leaves_little_to_the_next_opening() {
        let folder = tempfile::tempdir().unwrap();
        let noted = || {
            let names = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name());
            names.filter(|name| name.to_string_lossy().starts_with("snap.")).collect::<Vec<_>>()
        };
        for (pages, is_noted) in [(10_u32, false), (400, true), (10, false)] {
            let index = Index::open(&Disk::default(), folder.path()).unwrap();
            let before = noted();
            for page in 0..pages {
                index.entries.insert(keys::journal(page), vec![7; 4096]).unwrap();
            }
            Arc::new(index).close(folder.path()).unwrap();
            assert_eq!(noted() != before, is_noted, "{pages} pages");
        }
    }

    /// P14: what is only gathered is not said to be there. A process that dies before it is written takes it in again.
    #[test]
    fn progress_waits_until_what_is_gathered_is_written() {
        let (folder, log) = (tempfile::tempdir().unwrap(), Uuid::from_u128(1));
        let part = |number: u32| {
            let event = NewEvent::new("order-1".parse().unwrap(), "order.paid".parse().unwrap(), Vec::new());
            let place = Place { position: number.into(), frame: u64::from(number) * 300, item: 56, length: 100 };
            let mut part = Part::new(Progress::START);
            part.add_events(&[event], number.into(), &[place]);
            let standing = Standing { position: place.position, ..Standing::START };
            part.covers(Progress { standing, frame: place.frame });
            part
        };
        let open = || Index::open(&Disk::default(), folder.path()).unwrap();
        let found = |index: &Index| {
            let progress = index.progress(log).unwrap().map(|progress| progress.standing.position);
            (progress, index.version("order-1").unwrap())
        };
        let both = |number: u32| (Some(Position::from(number)), Version::from(number));
        let (index, mut gathered) = (open(), Gathered::default());
        for number in [1, 2] {
            index.gather(&part(number), &mut gathered, log).unwrap();
            assert_eq!(found(&index), both(1), "a new stream is written at once, what comes of it later is gathered");
        }
        drop(index);
        let (index, mut gathered) = (open(), Gathered::default());
        assert_eq!(found(&index), both(1));
        index.gather(&part(2), &mut gathered, log).unwrap();
        index.settle(&mut gathered, log).unwrap();
        assert_eq!(found(&index), both(2));
    }

    /// F16: sled's lock, held for a moment by an index that was just closed, is no damage: the index is not given up.
    #[test]
    fn opening_waits_for_the_lock_of_sled() {
        let folder = tempfile::tempdir().unwrap();
        let closing = Index::open(&Disk::default(), folder.path()).unwrap();
        let generation = closing.generation;
        let (sender, opened) = mpsc::channel();
        let path = folder.path().to_owned();
        std::thread::spawn(move || sender.send(Index::open(&Disk::default(), &path)).is_ok());
        let waits = opened.recv_timeout(Duration::from_millis(300));
        assert!(waits.is_err(), "{waits:?}");
        drop(closing);
        let index = opened.recv_timeout(Duration::from_secs(30)).unwrap().unwrap();
        assert_eq!(index.generation, generation);
    }
}

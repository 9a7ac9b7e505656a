//! What meets the disk: the bytes of a log, and the keys of rows.

use std::{
    collections::BTreeMap,
    fs,
    ops::Bound,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use annals_core::{
    Commit, EventType, LoggedTable, NewEvent, ReadLog, ReadStream, Record, RowWrite, Scan, Store, StreamId, Tag, Tenant,
};
use annals_store_sled::{SledOptions, SledStore};
use bytes::Bytes;
use futures::TryStreamExt;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(super) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let build = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    RUNTIME.get_or_init(|| build().expect("a runtime"))
}

/// A folder in memory where there is one: what is fuzzed is not the disk.
pub(super) fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

/// A store that was closed, its log, and what it holds.
struct Written {
    folder: TempDir,
    name: std::ffi::OsString,
    segment: Vec<u8>,
    /// So long is what is written in the segment, and a little behind.
    used: usize,
    records: Vec<Record>,
}

const STREAMS: [&str; 2] = ["a-1", "t/b-1"];

fn segment_of(path: &Path) -> PathBuf {
    let mut segments = fs::read_dir(path.join("log")).expect("the log");
    segments.next().expect("a segment").expect("a segment").path()
}

async fn write() -> Written {
    let folder = folder();
    let store = SledStore::open(SledOptions::new(folder.path())).expect("it opens");
    for number in 0..6_usize {
        let event = |stream: &str| {
            let kind = EventType::new("x").expect("a type");
            NewEvent {
                tags: vec![Tag::of("n", number).expect("a tag")],
                ..NewEvent::new(stream.parse().expect("an id"), kind, vec![7; number * 9])
            }
        };
        let commit = Commit::of(STREAMS.map(event));
        let table = LoggedTable::new("names").expect("a table");
        store.commit(commit.row(RowWrite::put(table, "k", vec![number as u8; number]))).await.expect("it commits");
    }
    let records = store.read_log(ReadLog::all()).try_collect().await.expect("it reads");
    store.shut_down().await;
    drop(store);
    let path = segment_of(folder.path());
    let name = path.file_name().expect("a name").to_owned();
    let segment = fs::read(path).expect("the segment");
    let used = segment.iter().rposition(|byte| *byte != 0).unwrap_or_default() + 64;
    Written { folder, name, segment, used, records }
}

/// Copies the file `name` of a folder, and what is in it if it is one.
fn copy(from: &Path, to: &Path, name: &str) {
    let (from, to) = (from.join(name), to.join(name));
    if !from.is_dir() {
        fs::copy(from, to).expect("it is copied");
        return;
    }
    fs::create_dir(&to).expect("a folder");
    for entry in fs::read_dir(&from).expect("it is listed") {
        copy(&from, &to, &entry.expect("an entry").file_name().to_string_lossy());
    }
}

/// The bytes of a log, changed as `changes` say.
fn changed(written: &Written, changes: &[u8]) -> Vec<u8> {
    let mut segment = written.segment.clone();
    for change in changes.chunks_exact(4) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % written.used.min(segment.len()).max(1);
        match change[2] % 4 {
            0 => segment[place] ^= change[3].max(1),
            1 => segment.truncate(place.max(1)),
            2 => segment.extend_from_slice(&vec![change[3]; place % 600]),
            _ => {
                let from = usize::from(change[3]) * 8 % segment.len();
                let end = (from + 64).min(segment.len());
                let copied = segment[from..end].to_vec();
                segment.splice(place..(place + copied.len()).min(segment.len()), copied);
            }
        }
    }
    segment
}

/// Opens a log whose bytes were changed as `bytes` say, with or without the mark of a clean end: an error, or a
/// beginning of what was written, never anything else; and when it was closed, all of it or an error. The same of a
/// store that is open while they are changed, so that only reading finds it.
pub fn log(bytes: &[u8]) {
    static WRITTEN: OnceLock<Written> = OnceLock::new();
    let written = WRITTEN.get_or_init(|| runtime().block_on(write()));
    let Some((kind, changes)) = bytes.split_first() else { return };
    let (was_closed, is_open) = (kind % 2 == 0, kind % 8 == 6);
    let (folder, segment) = (folder(), changed(written, changes));
    let path = folder.path().join("log").join(&written.name);
    fs::create_dir(folder.path().join("log")).expect("a folder");
    fs::write(&path, if is_open { &written.segment } else { &segment }).expect("it is written");
    for (name, _) in [("clean", was_closed), ("lock", is_open), ("index", is_open)].iter().filter(|(_, is)| *is) {
        copy(written.folder.path(), folder.path(), name);
    }
    let opened = SledStore::open(SledOptions::new(folder.path()).existing());
    assert!(opened.is_ok() || !is_open, "nothing is changed yet: {:?}", opened.err());
    let Ok(store) = opened else { return };
    if is_open {
        fs::write(&path, &segment).expect("it is written");
    }
    let found = runtime().block_on(store.read_log(ReadLog::all()).try_collect::<Vec<_>>());
    if let Ok(found) = found {
        assert!(written.records.starts_with(&found), "something else was read: {found:?}");
        let whole = found.len() == written.records.len();
        assert!(whole || !was_closed, "a closed log of {} records reads as {}", written.records.len(), found.len());
    }
    for stream in STREAMS {
        let stream: StreamId = stream.parse().expect("an id");
        let found = runtime().block_on(store.read_stream(ReadStream::all(stream.clone())).try_collect::<Vec<_>>());
        let of_stream = written.records.iter().filter(|record| *record.stream() == stream);
        if let Ok(found) = found {
            assert!(of_stream.take(found.len()).eq(&found), "stream {stream} reads as something else: {found:?}");
        }
    }
    runtime().block_on(store.shut_down());
}

type Rows = BTreeMap<(LoggedTable, Bytes), Bytes>;

struct Tables {
    store: SledStore,
    rows: Rows,
    _folder: TempDir,
}

/// Rows under any tenant, table and key: each is found under its own name alone, and scans are in the order of keys.
pub fn rows(bytes: &[u8]) {
    static TABLES: OnceLock<Mutex<Tables>> = OnceLock::new();
    let tables = TABLES.get_or_init(|| {
        let folder = folder();
        // Every commit is written to the index at once.
        let options = SledOptions::new(folder.path()).index_batch_entries(1);
        let store = SledStore::open(options).expect("it opens");
        Mutex::new(Tables { store, rows: Rows::new(), _folder: folder })
    });
    let mut tables = tables.lock().unwrap_or_else(PoisonError::into_inner);
    let mut parts = bytes.split(|byte| *byte == b'|');
    let mut written = Vec::new();
    while let (Some(tenant), Some(table), Some(key)) = (parts.next(), parts.next(), parts.next()) {
        let tenant = Tenant::new(String::from_utf8_lossy(tenant)).ok();
        let Ok(table) = LoggedTable::new(&String::from_utf8_lossy(table)) else { continue };
        if key.len() <= annals_core::ROW_KEY_BYTES_MAX && written.len() < 50 {
            written.push((table.in_tenant(tenant), Bytes::copy_from_slice(key)));
        }
    }
    let number = tables.rows.len();
    let mut commit = Commit::new();
    for (index, (table, key)) in written.iter().enumerate() {
        let value = Bytes::from(format!("{number}/{index}").repeat(1 + key.len() % 3 * 900));
        commit = commit.row(RowWrite::put(table.clone(), key.clone(), value.clone()));
        tables.rows.insert((table.clone(), key.clone()), value);
    }
    runtime().block_on(async {
        tables.store.commit(commit).await.expect("it commits");
        for (table, key) in &written {
            let of_table: Vec<_> = of_table(&tables.rows, table);
            assert_eq!(scanned(&tables.store, Scan::all(table.clone())).await, of_table, "{table}");
            let behind: Vec<_> = of_table.into_iter().filter(|(other, _)| other > key).collect();
            assert_eq!(scanned(&tables.store, Scan::all(table.clone()).after(key.clone())).await, behind, "{table}");
        }
    });
}

fn of_table(rows: &Rows, table: &LoggedTable) -> Vec<(Bytes, Bytes)> {
    let from = (Bound::Included((table.clone(), Bytes::new())), Bound::Unbounded);
    let of_table = rows.range(from).take_while(|((other, _), _)| other == table);
    of_table.map(|((_, key), value)| (key.clone(), value.clone())).collect()
}

async fn scanned(store: &SledStore, scan: Scan) -> Vec<(Bytes, Bytes)> {
    let mut found = Vec::new();
    let mut next = Some(scan);
    while let Some(scan) = next {
        let page = store.scan(scan).await.expect("it reads");
        found.extend(page.rows);
        next = page.next;
    }
    found
}

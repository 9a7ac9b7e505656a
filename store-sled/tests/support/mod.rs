//! What the black-box tests share.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]
#![allow(clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

pub mod faults;
pub mod power_cut;
pub mod process;
pub mod workload;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use annals_core::{
    Commit, Digest, EventType, IdempotencyKey, LoggedTable, NewEvent, Once, ReadLog, ReadStream, Record, RowWrite,
    Store, StoredCommit, StreamId, Tag,
};
use annals_store_sled::{LogReader, SledOptions, SledStore};
use futures::TryStreamExt;

pub fn open(path: &Path) -> SledStore {
    SledStore::open(SledOptions::new(path)).unwrap()
}

pub fn event(stream: &str, payload: &str) -> NewEvent {
    let mut event =
        NewEvent::new(stream.parse().unwrap(), EventType::new("test.happened").unwrap(), payload.to_owned());
    event.tags = vec![Tag::of("about", payload).unwrap()];
    event
}

/// Appends `count` events, each its own commit, spread over seven streams.
pub async fn fill(store: &SledStore, count: usize) {
    for index in 0..count {
        store.commit(Commit::of([event(&format!("s-{}", index % 7), &index.to_string())])).await.unwrap();
    }
}

/// A commit of one or two events, some with a row, some with an idempotency key, some with nothing else.
pub fn mixed(number: usize) -> Commit {
    let text = number.to_string();
    let once = || {
        let (key, digest) = (IdempotencyKey::new(&text).unwrap(), Digest::of(&[text.as_bytes()]));
        Once { key, digest, answer: format!("answer {text}").into() }
    };
    let row = || RowWrite::put(LoggedTable::new("jobs").unwrap(), text.clone(), format!("row {text}"));
    let stream = |seed| format!("s-{}", seed % 7);
    let events = Commit::of([event(&stream(number), &text)]);
    match number % 5 {
        0 => events.once(once()),
        1 => events.row(row()),
        2 => Commit::new().row(row()),
        3 => Commit::of([event(&stream(number), &text), event(&stream(number * 3), "other")]).row(row()).once(once()),
        _ => events,
    }
}

/// Every commit of a store's log.
pub fn stored(path: &Path) -> Vec<StoredCommit> {
    LogReader::open(path).unwrap().collect::<Result<_, _>>().unwrap()
}

pub async fn log(store: &SledStore) -> Vec<Record> {
    store.read_log(ReadLog::all()).try_collect().await.unwrap()
}

pub async fn stream(store: &SledStore, id: &str) -> Vec<Record> {
    let id: StreamId = id.parse().unwrap();
    store.read_stream(ReadStream::all(id)).try_collect().await.unwrap()
}

/// Every stream read through the index holds exactly its records of the log.
pub async fn assert_index_agrees(store: &SledStore) {
    let log = log(store).await;
    for (index, record) in log.iter().enumerate() {
        assert_eq!(record.position().get(), index as u64 + 1, "positions are dense");
    }
    let mut streams: Vec<_> = log.iter().map(|record| record.stream().clone()).collect();
    streams.sort();
    streams.dedup();
    for id in streams {
        let expected: Vec<_> = log.iter().filter(|record| *record.stream() == id).cloned().collect();
        assert_eq!(stream(store, id.as_str()).await, expected, "stream {id}");
    }
}

/// Copies a folder. Where its store is in use, a file may be renamed or removed after it was listed: the copy then
/// begins again, so that it never lacks what was there all the time.
pub fn copy_folder(from: &Path, to: &Path) {
    for _ in 0..1000 {
        match copy_files(from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && from.exists() => fs::remove_dir_all(to).unwrap(),
            done => return done.unwrap(),
        }
    }
    panic!("the files of {} change faster than they can be copied", from.display());
}

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (path, target) = entry.map(|entry| (entry.path(), to.join(entry.file_name())))?;
        if path.is_dir() { copy_files(&path, &target)? } else { fs::copy(&path, target).map(drop)? }
    }
    Ok(())
}

/// Every file of a folder, with its bytes and the time of its last change.
pub fn files(path: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            let changed = path.metadata().unwrap().modified().unwrap();
            files.insert(path.clone(), (fs::read(path).unwrap(), changed));
        }
    }
    files
}

pub fn segments(path: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(path.join("log")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

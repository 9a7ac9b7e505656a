//! Every byte of a small store, damaged (T8, F8; P14): of the log, an error that names the file, or no effect, or behind
//! an end that was not clean a cut that is reported; of the index, every event back.
//!
//! Of each byte of the log one bit is flipped, or as many as `ANNALS_SOAK_LOG_BITS` says, each alone.
//!
//! The index has some hundred thousand bytes, so that a sample of `ANNALS_SOAK_INDEX_FLIPS` places is taken of it; every
//! place is looked at when that is more than there are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use annals_conformance::{random::Random, soak};
use annals_core::{
    Commit, DerivedTable, DerivedWrite, Digest, IdempotencyKey, LoggedTable, Once, ReadError, Record, RowBatch,
    RowWrite, Scan, Store, StreamId, Table,
};
use annals_store_sled::{OpenError, SledOptions, SledStore};
use bytes::Bytes;
use futures::TryStreamExt;
use tempfile::TempDir;

use crate::support::{copy_folder, event, log, segments};

/// A folder in memory where there is one: thousands of stores are opened.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn open(path: &Path) -> Result<SledStore, OpenError> {
    SledStore::open(SledOptions::new(path).existing())
}

fn view() -> DerivedTable {
    DerivedTable::new("view").unwrap()
}

/// A bit of everything.
async fn fill(path: &Path, commits: usize) -> SledStore {
    let store = SledStore::open(SledOptions::new(path).index_batch_entries(1)).unwrap();
    for number in 0..commits {
        let text = number.to_string();
        let key = IdempotencyKey::new(format!("request-{number}")).unwrap();
        let once = Once { key, digest: Digest::of(&[]), answer: text.clone().into() };
        let events = [event(&format!("s-{}", number % 3), &text), event("t/s-1", &text)];
        let names = LoggedTable::new("names").unwrap();
        store.commit(Commit::of(events).row(RowWrite::put(names, text.clone(), "v")).once(once)).await.unwrap();
        let rows = vec![DerivedWrite { table: view(), key: text.into(), value: Some(vec![7; number * 40].into()) }];
        store.apply(RowBatch { rows, ..RowBatch::default() }).await.unwrap();
    }
    store
}

type Rows = Vec<(Bytes, Bytes)>;

/// What a store holds.
#[derive(Debug, PartialEq, Clone)]
struct Held {
    log: Vec<Record>,
    streams: Vec<Vec<Record>>,
    logged: Vec<Rows>,
    generation: Rows,
    derived: Rows,
}

async fn scan(store: &SledStore, table: impl Into<Table>) -> Result<Rows, ReadError> {
    Ok(store.scan(Scan::all(table)).await?.rows)
}

async fn held(store: &SledStore) -> Result<Held, ReadError> {
    let all = annals_core::ReadLog::all();
    let log: Vec<Record> = store.read_log(all).try_collect().await?;
    let mut streams = Vec::new();
    for id in ["s-0", "s-1", "s-2", "t/s-1", "nobody-1"] {
        let id: StreamId = id.parse().unwrap();
        streams.push(store.read_stream(annals_core::ReadStream::all(id)).try_collect().await?);
    }
    let mut logged = Vec::new();
    for table in [LoggedTable::STREAMS, LoggedTable::ONCE, LoggedTable::CLOSED, LoggedTable::new("names").unwrap()] {
        logged.push(scan(store, table).await?);
    }
    let (generation, derived) = (scan(store, DerivedTable::GENERATION).await?, scan(store, view()).await?);
    Ok(Held { log, streams, logged, generation, derived })
}

/// Everything that follows from the log is as it was; derived rows are as after some earlier batch, or gone with their
/// generation. Whether they are as they were.
fn assert_all_back(found: &Held, wanted: &Held, what: &str) -> bool {
    assert!(found.log == wanted.log, "{what}: {} of {} events", found.log.len(), wanted.log.len());
    assert!(found.streams == wanted.streams, "{what}: the streams differ");
    assert!(found.logged == wanted.logged, "{what}: the logged rows differ");
    if found.generation == wanted.generation {
        let mut earlier = wanted.derived.clone();
        earlier.retain(|(key, _)| number(key) < found.derived.len());
        assert!(found.derived == earlier, "{what}: derived rows that never were: {:?}", found.derived);
    } else {
        assert!(found.derived.is_empty(), "{what}: derived rows of another generation");
    }
    found.derived == wanted.derived
}

/// Which batch wrote the row of this key.
fn number(key: &[u8]) -> usize {
    std::str::from_utf8(key).unwrap().parse().unwrap()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Ways to damage a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    /// This bit.
    Flipped(usize),
    Truncated,
    Zeroed,
    Deleted,
}

fn damage(path: &Path, how: Damage, place: usize) {
    let mut bytes = fs::read(path).unwrap();
    match how {
        Damage::Flipped(bit) => bytes[place] ^= 1 << (bit % 8),
        Damage::Truncated => bytes.truncate(place),
        Damage::Zeroed => {
            let end = (place + 512).min(bytes.len());
            bytes[place..end].fill(0);
        }
        Damage::Deleted => return fs::remove_file(path).unwrap(),
    }
    fs::write(path, bytes).unwrap();
}

/// Every place of every file of the index with every damage, or a sample of so many: mostly of bytes that are used.
fn places(index: &Path) -> Vec<(PathBuf, Damage, usize)> {
    let mut found = Vec::new();
    files(index, &mut found);
    let mut all = Vec::new();
    for path in found {
        let bytes = fs::read(&path).unwrap();
        let name = path.strip_prefix(index).unwrap().to_owned();
        all.push((name.clone(), Damage::Deleted, 0));
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| (last + 16).min(bytes.len()));
        for place in 0..used {
            all.push((name.clone(), Damage::Flipped(place), place));
            all.push((name.clone(), Damage::Truncated, place));
            if place % 64 == 0 {
                all.push((name.clone(), Damage::Zeroed, place));
            }
        }
    }
    let wanted = usize::try_from(soak::size("ANNALS_SOAK_INDEX_FLIPS", 150)).unwrap();
    if wanted < all.len() {
        let mut random = Random::new(soak::seed("the index"));
        let (mut deleted, mut others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(_, how, _)| matches!(how, Damage::Deleted));
        for _ in 0..wanted {
            deleted.push(others.swap_remove(random.below(others.len() as u64) as usize));
        }
        return deleted;
    }
    all
}

#[tokio::test]
async fn a_damaged_index_gives_every_event_back() {
    let original = folder();
    let store = fill(&original.path().join("store"), 12).await;
    let wanted = held(&store).await.unwrap();
    store.shut_down().await;
    drop(store);
    let places = places(&original.path().join("store/index"));
    let (mut rebuilt, mut late, mut earlier) = (0, 0, 0);
    for (name, how, place) in &places {
        let what = format!("{} {how:?} at {place}", name.display());
        let copy = folder();
        copy_folder(&original.path().join("store"), copy.path());
        damage(&copy.path().join("index").join(name), *how, *place);
        let mut store = open(copy.path()).unwrap_or_else(|error| panic!("{what}: {error}"));
        let found = match held(&store).await {
            Ok(found) => found,
            Err(ReadError::Index { .. }) => {
                // Damage that is met only when it is read: the next opening builds the index again.
                late += 1;
                store.shut_down().await;
                drop(store);
                store = open(copy.path()).unwrap_or_else(|error| panic!("{what}, opened again: {error}"));
                held(&store).await.unwrap_or_else(|error| panic!("{what}, opened again: {error}"))
            }
            Err(error) => panic!("{what}: {error}"),
        };
        rebuilt += u64::from(store.report().rebuilt.is_some());
        let as_before = assert_all_back(&found, &wanted, &what);
        earlier += u64::from(!as_before && store.report().rebuilt.is_none());
        store.shut_down().await;
    }
    let count = places.len();
    println!(
        "{count} places, {rebuilt} rebuilt at once, {late} met while reading, {earlier} as after an earlier batch"
    );
    soak::report(&format!("flips={} lost=0", places.len()));
}

/// What opening a damaged log came to: whether it holds everything. `undetectable` says that what is left is a log as it
/// was between two groups.
async fn read_damaged(path: &Path, what: &str, wanted: &[Record], was_closed: bool, undetectable: bool) -> bool {
    let segment = segments(path).first().map(|path| path.display().to_string()).unwrap_or_default();
    let store = match open(path) {
        Ok(store) => store,
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(&segment) || text.contains(&path.display().to_string()), "{what}: {text}");
            return false;
        }
    };
    let found = log(&store).await;
    assert!(wanted.starts_with(&found), "{what}: other events are read");
    if found.len() < wanted.len() {
        assert!(
            !was_closed && (undetectable || store.report().torn.is_some()),
            "{what}: {} events, silently",
            found.len()
        );
    }
    store.shut_down().await;
    found.len() == wanted.len()
}

/// Without the zeros at the end.
fn trimmed(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)]
}

/// Damages a copy of the log at every place in every way, and counts what was noticed.
async fn sweep_log(original: &Path, wanted: &[Record], was_closed: bool) -> (u64, u64) {
    let segment = segments(original)[0].clone();
    let bytes = fs::read(&segment).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let name = segment.file_name().unwrap();
    // Where groups begin, and so where those before them end.
    let groups: Vec<_> = (0..used).filter(|place| bytes[*place..].starts_with(b"aGRP")).collect();
    let copy = folder();
    let (mut flips, mut without_effect) = (0, 0);
    let bits = usize::try_from(soak::size("ANNALS_SOAK_LOG_BITS", 1)).unwrap();
    for place in 0..used {
        let flipped = (place..place + bits).map(Damage::Flipped);
        for how in flipped.chain([Damage::Truncated, Damage::Zeroed]) {
            if matches!(how, Damage::Zeroed) && place % 16 > 0 {
                continue;
            }
            let path = copy.path().join(flips.to_string());
            fs::create_dir_all(path.join("log")).unwrap();
            fs::write(path.join("log").join(name), &bytes).unwrap();
            if was_closed {
                fs::copy(original.join("clean"), path.join("clean")).unwrap();
            }
            damage(&path.join("log").join(name), how, place);
            let what = format!("{how:?} at {place} of {used}, closed: {was_closed}");
            let left = fs::read(path.join("log").join(name)).unwrap();
            let undetectable = groups.iter().any(|end| trimmed(&left) == trimmed(&bytes[..*end]));
            let whole = read_damaged(&path, &what, wanted, was_closed, undetectable).await;
            without_effect += u64::from(whole);
            fs::remove_dir_all(&path).unwrap();
            flips += 1;
        }
    }
    (flips, without_effect)
}

#[tokio::test]
async fn a_damaged_log_that_was_closed_is_an_error() {
    let original = folder();
    let store = fill(original.path(), 2).await;
    let wanted = log(&store).await;
    store.shut_down().await;
    let (flips, without_effect) = sweep_log(original.path(), &wanted, true).await;
    assert_eq!(without_effect, 0, "every byte of a closed log counts");
    soak::report(&format!("flips={flips}"));
}

#[tokio::test]
async fn a_damaged_log_that_was_not_closed_is_an_error_or_a_reported_cut() {
    let original = folder();
    let (live, copy) = (original.path().join("live"), original.path().join("copy"));
    let store = fill(&live, 2).await;
    let wanted = log(&store).await;
    copy_folder(&live, &copy);
    let (flips, _) = sweep_log(&copy, &wanted, false).await;
    soak::report(&format!("flips={flips}"));
}

#[tokio::test]
async fn a_deleted_file_is_noticed_or_not_needed() {
    let original = folder();
    let store = fill(original.path(), 3).await;
    let wanted = held(&store).await.unwrap();
    store.shut_down().await;
    for (name, needed) in [("clean", false), ("lock", false), ("index", false), ("log", true)] {
        let copy = folder();
        copy_folder(original.path(), copy.path());
        let path = copy.path().join(name);
        if path.is_dir() {
            fs::remove_dir_all(&path).unwrap()
        } else {
            fs::remove_file(&path).unwrap()
        }
        match open(copy.path()) {
            Ok(store) => {
                assert!(!needed, "{name} is needed");
                assert_all_back(&held(&store).await.unwrap(), &wanted, name);
            }
            Err(error) => assert!(needed, "{name}: {error}"),
        }
    }
}

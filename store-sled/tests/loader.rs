//! Putting whole commits into a store that is not in use yet.

use std::{fs, path::Path, time::Duration};

use annals_core::{
    Commit, CommitError, CommitNumber, Digest, InvalidCommit, Limits, LoggedTable, NameKey, Once, Receipt, RowWrite,
    Scan, Store, StoredCommit, Table, Timestamp,
};
use annals_store_sled::{Loader, LoaderError, LogReader, OpenError, SledOptions, SledStore};

use crate::support::{assert_index_agrees, copy_folder, event, files, mixed, open, segments, stored};

const COMMITS: usize = 60;

/// Small segments, so that a few commits have several.
fn small(path: &Path) -> SledOptions {
    SledOptions::new(path).segment_bytes(4096)
}

/// Loads them in small groups, the progress saved behind each.
fn load_in_steps(loader: &mut Loader, commits: &[StoredCommit], value: &str) {
    for step in commits.chunks(5) {
        load_all(loader, step);
        loader.save(value.to_owned()).unwrap();
    }
}

fn load_all(loader: &mut Loader, commits: &[StoredCommit]) {
    for commit in commits {
        loader.load(commit.recorded, commit.to_commit()).unwrap();
    }
}

/// A store made through the contract, and what its log holds.
async fn source(path: &Path) -> Vec<StoredCommit> {
    let store = SledStore::open(small(path)).unwrap();
    for number in 0..COMMITS {
        store.commit(mixed(number)).await.unwrap();
    }
    store.commit(Commit::new().row(RowWrite::close(&"s-3".parse().unwrap()))).await.unwrap();
    store.shut_down().await;
    stored(path)
}

async fn rows(store: &SledStore) -> Vec<(String, Vec<(bytes::Bytes, bytes::Bytes)>)> {
    let mut tables = Vec::new();
    for table in LoggedTable::SYSTEM.into_iter().chain([LoggedTable::new("jobs").unwrap()]) {
        let page = store.scan(Scan::all(Table::from(table.clone()))).await.unwrap();
        assert!(page.next.is_none());
        tables.push((table.to_string(), page.rows));
    }
    tables
}

/// What a repetition of each keyed commit is told.
async fn repetitions(store: &SledStore, commits: &[StoredCommit]) -> Vec<Receipt> {
    let mut receipts = Vec::new();
    for once in commits.iter().filter_map(|commit| commit.once.clone()) {
        receipts.push(store.commit(Commit::new().once(once)).await.unwrap());
    }
    assert!(receipts.len() > 10 && receipts.iter().all(|receipt| receipt.repeated));
    receipts
}

#[tokio::test]
async fn what_is_loaded_is_as_if_it_had_been_committed() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let commits = source(&from).await;
    let mut loader = Loader::open(small(&to)).unwrap();
    let key = NameKey::random().unwrap();
    loader.set_name_key(&key).unwrap();
    load_all(&mut loader, &commits);
    let holds = loader.finish().unwrap();
    let last = commits.last().unwrap();
    assert_eq!((holds.commit, holds.recorded, holds.streams), (last.number, last.recorded, 7));
    assert_eq!(stored(&to), commits);
    let [from, to] = [&from, &to].map(|path| open(path));
    assert!(to.report().was_closed && to.report().rebuilt.is_none());
    assert_eq!(rows(&to).await, rows(&from).await);
    assert_eq!(repetitions(&to, &commits).await, repetitions(&from, &commits).await);
    assert_eq!(to.name_key(false).await.unwrap(), Some(key));
    assert_index_agrees(&to).await;
    let refused = to.commit(Commit::of([event("s-3", "late")])).await;
    assert!(matches!(refused, Err(CommitError::Closed { .. })), "{refused:?}");
    to.commit(Commit::of([event("s-1", "goes on")])).await.unwrap();
}

/// Whatever was not saved is gone, whatever was is there, and the value is of the same moment.
#[tokio::test]
async fn a_load_goes_on_behind_what_was_saved() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let commits = source(&from).await;
    let mut next = 0;
    for (round, stop) in [0, 1, 7, 8, 30, 30, 61].into_iter().enumerate() {
        let mut loader = Loader::open(small(&to)).unwrap();
        let progress = loader.progress().clone();
        assert_eq!(progress.commit, CommitNumber::from(next as u32));
        assert_eq!(progress.value, if round == 0 { String::new() } else { format!("{next} in") });
        load_in_steps(&mut loader, &commits[next..stop], "on the way");
        loader.save(format!("{stop} in")).unwrap();
        // Handed over and on disk, but not saved.
        load_all(&mut loader, &commits[stop..commits.len().min(stop + 20)]);
        drop(loader);
        next = stop;
    }
    assert_eq!(Loader::open(small(&to)).unwrap().finish().unwrap().streams, 7);
    assert_eq!(stored(&to), commits);
    assert!(segments(&to).len() > 2, "several segments");
    assert_index_agrees(&open(&to)).await;
}

/// As after a kill: of each moment of a load, what is saved is there and the rest is loaded again.
#[tokio::test]
async fn a_load_that_was_cut_off_at_any_moment_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let commits = source(&from).await;
    let mut loader = Loader::open(small(&to)).unwrap();
    for (number, commit) in commits.iter().enumerate() {
        load_all(&mut loader, std::slice::from_ref(commit));
        if number % 7 == 3 {
            loader.save(number.to_string()).unwrap();
        }
        if number % 5 != 0 {
            continue;
        }
        let copy = folder.path().join(format!("copy-{number}"));
        copy_folder(&to, &copy);
        let mut resumed = Loader::open(small(&copy)).unwrap();
        let next = resumed.progress().commit.get() as usize;
        assert_eq!(resumed.progress().value, if next == 0 { String::new() } else { (next - 1).to_string() });
        assert_eq!(next, (number + 4) / 7 * 7 - if number < 3 { 0 } else { 3 });
        load_all(&mut resumed, &commits[next..]);
        resumed.finish().unwrap();
        assert_eq!(stored(&copy), commits);
    }
}

#[tokio::test]
async fn an_unfinished_store_is_opened_by_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut loader = Loader::open(small(path)).unwrap();
    assert!(matches!(Loader::open(small(path)), Err(LoaderError::Open(OpenError::InUse { .. }))));
    assert!(matches!(SledStore::open(small(path)), Err(OpenError::InUse { .. })));
    loader.load(Timestamp::EPOCH, mixed(0)).unwrap();
    loader.save("").unwrap();
    drop(loader);
    let before = files(path);
    let error = SledStore::open(small(path)).err().unwrap();
    assert!(matches!(error, OpenError::Unfinished { .. }), "{error}");
    assert!(error.to_string().contains("must be completed first"));
    assert!(matches!(LogReader::open(path), Err(OpenError::Unfinished { .. })));
    assert_eq!(files(path), before);
    Loader::open(small(path)).unwrap().finish().unwrap();
    assert_eq!(open(path).head().borrow().commit, CommitNumber::FIRST);
}

#[tokio::test]
async fn a_folder_that_is_not_empty_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    source(&path).await;
    let before = files(&path);
    let error = Loader::open(small(&path)).unwrap_err();
    assert!(matches!(error, LoaderError::Occupied { .. }), "{error}");
    assert_eq!(files(&path), before);
    let store = open(&path);
    assert!(matches!(Loader::open(small(&path)), Err(LoaderError::Occupied { .. })));
    drop(store);
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("letter.txt"), "dear bank").unwrap();
    for path in [&other, &other.join("letter.txt")] {
        let error = Loader::open(small(path)).unwrap_err();
        assert!(matches!(error, LoaderError::Open(OpenError::NotAStore { .. })), "{error}");
    }
    assert_eq!(files(&other).len(), 1);
}

#[tokio::test]
async fn what_the_store_would_refuse_is_refused_with_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let time = |seconds| Timestamp::EPOCH.saturating_add(Duration::from_secs(seconds));
    let mut case = 0;
    let mut refused = |commits: Vec<(Timestamp, Commit)>| {
        case += 1;
        let path = folder.path().join(case.to_string());
        let mut loader = Loader::open(small(&path).limits(Limits { event_bytes: 100, ..Limits::default() })).unwrap();
        loader.load(time(5), mixed(0)).unwrap();
        loader.save("one").unwrap();
        let loaded: Result<(), LoaderError> =
            commits.into_iter().try_for_each(|(recorded, commit)| loader.load(recorded, commit));
        let error = loaded.and_then(|()| loader.save("more")).unwrap_err();
        let (again, text) = (loader.load(time(9), mixed(4)).unwrap_err(), error.to_string());
        assert_eq!((again.to_string(), loader.save("").unwrap_err().to_string()), (text.clone(), text));
        assert!(loader.finish().is_err());
        assert_eq!(Loader::open(small(&path)).unwrap().progress().value, "one");
        error
    };
    let error = refused(vec![(time(5), mixed(1)), (time(4), mixed(4))]);
    assert!(matches!(error, LoaderError::TimeBackwards { .. }));
    let text = "commit 3 was recorded at 1970-01-01T00:00:04Z, expected 1970-01-01T00:00:05Z or later";
    assert_eq!(error.to_string(), text);

    let close = Commit::new().row(RowWrite::close(&"s-1".parse().unwrap()));
    let error = refused(vec![(time(5), close), (time(5), mixed(1)), (time(6), mixed(4))]);
    let LoaderError::Refused { number, reason: CommitError::Closed { .. } } = error else { panic!("{error}") };
    assert_eq!(number, CommitNumber::from(3));

    let error = refused(vec![(time(5), mixed(2)), (time(5), mixed(0))]);
    let LoaderError::KeyRepeated { number, first, .. } = error else { panic!("{error}") };
    assert_eq!((number, first), (CommitNumber::from(3), CommitNumber::FIRST));

    let other = Once { digest: Digest::of(&[b"other"]), ..mixed(0).once.unwrap() };
    let error = refused(vec![(time(5), Commit::new().once(other))]);
    assert!(matches!(error, LoaderError::Refused { reason: CommitError::KeyReused { .. }, .. }), "{error}");

    let large = Commit::of([event("s-1", &"x".repeat(200))]);
    let error = refused(vec![(time(5), large)]);
    let is_limit =
        matches!(&error, LoaderError::Refused { reason: CommitError::Invalid(InvalidCommit::TooLarge { .. }), .. });
    assert!(is_limit, "{error}");
}

#[tokio::test]
async fn what_was_saved_must_be_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let commits = source(&from).await;
    let mut loader = Loader::open(small(&to)).unwrap();
    load_in_steps(&mut loader, &commits[..40], "40");
    load_all(&mut loader, &commits[40..50]);
    drop(loader);
    assert!(segments(&to).len() > 1, "several segments");
    while segments(&to).len() > 1 {
        fs::remove_file(segments(&to).pop().unwrap()).unwrap();
    }
    let error = Loader::open(small(&to)).unwrap_err();
    assert!(error.to_string().contains("the log ends here, more was committed"), "{error}");
    fs::remove_dir_all(to.join("log")).unwrap();
    let error = Loader::open(small(&to)).unwrap_err();
    assert!(error.to_string().contains("the files of its log are gone"), "{error}");
}

#[tokio::test]
async fn nothing_to_write_takes_no_number_and_an_empty_load_is_an_empty_store() {
    let folder = tempfile::tempdir().unwrap();
    let mut loader = Loader::open(small(folder.path())).unwrap();
    loader.load(Timestamp::EPOCH, Commit::new()).unwrap();
    loader.save("nothing").unwrap();
    drop(loader);
    let loader = Loader::open(small(folder.path())).unwrap();
    assert_eq!((loader.progress().commit, &loader.progress().value[..]), (CommitNumber::ZERO, &b"nothing"[..]));
    assert_eq!(loader.finish().unwrap().commit, CommitNumber::ZERO);
    let store = open(folder.path());
    assert_eq!(store.commit(mixed(0)).await.unwrap().commit, CommitNumber::FIRST);
}

//! Reading the log alone: whole commits, beside an open store, whatever its end looks like (P3, P10).

use std::{
    fs::{self, OpenOptions},
    path::Path,
};

use annals_core::{Commit, CommitNumber, Position, ReadError, Receipt, Store, StoredCommit};
use annals_store_sled::{LogReader, OpenError, SledOptions, SledStore};

use crate::support::{copy_folder, files, log, mixed, segments, stored};

const COMMITS: usize = 60;

/// Small segments, so that a few commits have several.
fn open(path: &Path) -> SledStore {
    SledStore::open(SledOptions::new(path).segment_bytes(4096)).unwrap()
}

async fn fill(store: &SledStore, numbers: std::ops::Range<usize>) -> Vec<(Commit, Receipt)> {
    let mut written = Vec::new();
    for number in numbers {
        let commit = mixed(number);
        written.push((commit.clone(), store.commit(commit).await.unwrap()));
    }
    written
}

async fn closed(path: &Path) -> Vec<(Commit, Receipt)> {
    let store = open(path);
    let written = fill(&store, 0..COMMITS).await;
    store.shut_down().await;
    written
}

fn assert_is(stored: &StoredCommit, (commit, receipt): &(Commit, Receipt)) {
    assert_eq!((&stored.receipt(), &stored.rows, &stored.once), (receipt, &commit.rows, &commit.once));
    let mut events = stored.to_commit().events;
    events.iter_mut().for_each(|event| event.occurred = None);
    assert_eq!(events, commit.events);
}

#[tokio::test]
async fn every_commit_is_read_whole_and_in_order_and_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let written = closed(folder.path()).await;
    assert!(segments(folder.path()).len() > 2, "several segments");
    let before = files(folder.path());
    let mut reader = LogReader::open(folder.path()).unwrap();
    let read: Vec<_> = reader.by_ref().collect::<Result<_, _>>().unwrap();
    assert_eq!(read.len(), written.len());
    read.iter().zip(&written).for_each(|(read, written)| assert_is(read, written));
    assert_eq!(reader.head().commit, CommitNumber::from(COMMITS as u32));
    assert_eq!(reader.confirmed(), reader.head().commit, "a closed store is on disk");
    assert!(reader.next().is_none());
    assert_eq!(files(folder.path()), before);
    let records: Vec<_> = read.into_iter().flat_map(|commit| commit.records).collect();
    assert_eq!(records, log(&open(folder.path())).await);
}

/// Beside an open store, through the beginning of new segments, until what is written is read.
#[tokio::test]
async fn a_reader_goes_on_while_the_store_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut reader = LogReader::open(folder.path()).unwrap();
    assert!(reader.next().is_none());
    for round in 0..COMMITS {
        let written = fill(&store, round * 2..round * 2 + 2).await;
        for written in &written {
            assert_is(&reader.next().unwrap().unwrap(), written);
        }
        assert!(reader.next().is_none());
        assert_eq!(reader.head(), *store.head().borrow());
        // One group a commit: the last is not proved by anything behind it.
        assert_eq!(reader.confirmed(), reader.head().commit.previous());
    }
    assert!(segments(folder.path()).len() > 2, "several segments");
    store.shut_down().await;
    assert!(reader.next().is_none());
    assert_eq!(reader.confirmed(), reader.head().commit);
}

/// A reader beside a writer that never waits for it sees commits only, each once, in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_beside_a_busy_writer_never_sees_damage() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut reader = LogReader::open(folder.path()).unwrap();
    let writing = store.clone();
    let writer = tokio::spawn(async move { fill(&writing, 0..1000).await });
    let mut read = Vec::new();
    let mut ended = false;
    while !ended {
        ended = writer.is_finished();
        for commit in reader.by_ref() {
            read.push(commit.unwrap());
        }
    }
    let written = writer.await.unwrap();
    assert_eq!(read.len(), written.len());
    read.iter().zip(&written).for_each(|(read, written)| assert_is(read, written));
}

/// What a kill may leave: the log ends in the middle of its last group. It is no error, and stays as it is.
#[tokio::test]
async fn a_log_that_ends_in_the_middle_reads_up_to_its_last_whole_commit() {
    let folder = tempfile::tempdir().unwrap();
    let (live, copy) = (folder.path().join("live"), folder.path().join("copy"));
    let store = SledStore::open(SledOptions::new(&live)).unwrap();
    fill(&store, 0..20).await;
    copy_folder(&live, &copy);
    let all = stored(&copy);
    assert_eq!(all.len(), 20);
    let file = segments(&copy)[0].clone();
    let used = fs::read(&file).unwrap().iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let segment = OpenOptions::new().write(true).open(&file).unwrap();
    let mut fewest = all.len();
    for length in (used - 1500..used).rev().step_by(7) {
        segment.set_len(length as u64).unwrap();
        let before = files(&copy);
        let read = stored(&copy);
        assert_eq!(read, all[..read.len()]);
        assert!(read.len() <= fewest && read.len() < all.len());
        fewest = read.len();
        assert_eq!(files(&copy), before);
    }
    assert!(fewest < 17);
}

/// P10: whichever byte of a closed log is flipped, the reader says so and names the file, and what it gives before is right.
#[tokio::test]
async fn every_flipped_byte_of_a_closed_log_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    closed(folder.path()).await;
    let all = stored(folder.path());
    for file in segments(folder.path()) {
        let whole = fs::read(&file).unwrap();
        for at in (0..whole.len()).step_by(31) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            fs::write(&file, &damaged).unwrap();
            let error = match LogReader::open(folder.path()) {
                Err(error) => error.to_string(),
                Ok(reader) => {
                    let mut read: Vec<_> = reader.collect();
                    let error = read.pop().unwrap().unwrap_err();
                    let read: Vec<_> = read.into_iter().collect::<Result<_, _>>().unwrap();
                    assert_eq!(read, all[..read.len()]);
                    error.to_string()
                }
            };
            let name = file.file_name().unwrap().to_str().unwrap();
            assert!(error.contains(name) || error.contains("format"), "byte {at} of {name}: {error}");
        }
        fs::write(&file, &whole).unwrap();
    }
    assert_eq!(stored(folder.path()), all);
}

/// Without a clean close, what a later group stands behind is damage as well.
#[tokio::test]
async fn damage_before_the_last_group_is_no_torn_write() {
    let folder = tempfile::tempdir().unwrap();
    let (live, copy) = (folder.path().join("live"), folder.path().join("copy"));
    let store = SledStore::open(SledOptions::new(&live)).unwrap();
    fill(&store, 0..20).await;
    copy_folder(&live, &copy);
    let file = segments(&copy)[0].clone();
    let mut damaged = fs::read(&file).unwrap();
    damaged[700] ^= 4;
    fs::write(&file, damaged).unwrap();
    let mut reader = LogReader::open(&copy).unwrap();
    let error = reader.by_ref().find_map(Result::err).unwrap();
    assert!(matches!(&error, ReadError::Corrupt(corruption) if corruption.file.ends_with(".log")), "{error}");
    assert!(reader.next().is_none(), "an error is the last");
}

#[tokio::test]
async fn a_missing_segment_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    closed(folder.path()).await;
    let gone = segments(folder.path())[1].clone();
    fs::remove_file(gone).unwrap();
    assert!(matches!(LogReader::open(folder.path()), Err(OpenError::Corrupt(_))));
    // The last one is missed by the marker of the close.
    let folder = tempfile::tempdir().unwrap();
    closed(folder.path()).await;
    fs::remove_file(segments(folder.path()).pop().unwrap()).unwrap();
    let last = LogReader::open(folder.path()).unwrap().last().unwrap();
    assert!(matches!(last, Err(ReadError::Corrupt(_))), "{last:?}");
}

#[tokio::test]
async fn what_is_no_store_is_said_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path| LogReader::open(path).unwrap_err().to_string();
    assert!(refused(folder.path()).ends_with("is no annals store: it has no folder `log`"));
    assert!(refused(&folder.path().join("nowhere")).ends_with("is no annals store: there is no such folder"));
    fs::create_dir(folder.path().join("log")).unwrap();
    assert!(refused(folder.path()).ends_with("is no annals store: its log has no segment"));
    assert!(files(folder.path()).is_empty());
    let file = folder.path().join("log").join(format!("{:020}.log", 0));
    fs::write(&file, b"annals.L\x07\0\0\0rest").unwrap();
    assert!(matches!(LogReader::open(folder.path()), Err(OpenError::Format { found: 7, .. })));
    fs::remove_dir_all(folder.path().join("log")).unwrap();
    let store = SledStore::open(SledOptions::new(folder.path())).unwrap();
    let mut reader = LogReader::open(folder.path()).unwrap();
    assert!(reader.next().is_none());
    assert_eq!((reader.head().position, reader.confirmed()), (Position::ZERO, CommitNumber::ZERO));
    drop(store);
}

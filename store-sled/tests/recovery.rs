//! Opening a store again after it was closed, killed or damaged (P1, P2, P10, P14).

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use annals_core::{ApplyError, Commit, CommitError, DerivedTable, Generation, ReadLog, RowBatch, Store};
use annals_store_sled::{OpenError, SledOptions, SledStore};
use bytes::Bytes;
use futures::TryStreamExt;

use crate::support::{assert_index_agrees, copy_folder, event, fill, log, open, segments};

/// A store of `count` commits that was not closed: its files as they are while it is open.
async fn unclosed(folder: &Path, count: usize) -> PathBuf {
    let (live, copy) = (folder.join("live"), folder.join("copy"));
    let store = open(&live);
    fill(&store, count).await;
    copy_folder(&live, &copy);
    copy
}

#[tokio::test]
async fn a_closed_store_opens_with_everything_and_nothing_to_recover() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 300).await;
    let before = log(&store).await;
    store.shut_down().await;
    assert!(matches!(store.commit(Commit::of([event("s-1", "x")])).await, Err(CommitError::ShutDown)));
    let store = open(folder.path());
    assert!(store.report().was_closed);
    assert_eq!((&store.report().torn, &store.report().rebuilt), (&None, &None));
    assert_eq!(log(&store).await, before);
    assert_index_agrees(&store).await;
}

#[tokio::test]
async fn dropping_the_last_handle_closes_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 3).await;
    drop(store);
    assert!(open(folder.path()).report().was_closed);
}

#[tokio::test]
async fn an_unclosed_store_opens_with_every_acknowledged_commit() {
    let folder = tempfile::tempdir().unwrap();
    let copy = unclosed(folder.path(), 300).await;
    let store = open(&copy);
    assert!(!store.report().was_closed);
    assert_eq!(store.report().torn, None);
    assert_eq!(log(&store).await.len(), 300);
    assert_index_agrees(&store).await;
}

#[tokio::test]
async fn a_deleted_index_comes_back_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 300).await;
    store.shut_down().await;
    fs::remove_dir_all(folder.path().join("index")).unwrap();
    let store = open(folder.path());
    assert_eq!(store.report().rebuilt.as_deref(), Some("it was gone"));
    assert_eq!(log(&store).await.len(), 300);
    assert_index_agrees(&store).await;
}

/// What a machine's crash leaves of sled is not believed; derived tables begin again, and who wrote for the old ones is
/// told.
#[tokio::test]
async fn after_a_crash_of_the_machine_the_index_is_rebuilt_in_a_new_generation() {
    let folder = tempfile::tempdir().unwrap();
    let copy = unclosed(folder.path(), 100).await;
    let before = generation(&open(&folder.path().join("live"))).await;
    fs::write(copy.join("lock"), "another boot").unwrap();
    let store = open(&copy);
    let reason = "the machine was started again before the store was closed";
    assert_eq!(store.report().rebuilt.as_deref(), Some(reason));
    assert_index_agrees(&store).await;
    let now = generation(&store).await;
    assert_ne!(now, before);
    let batch = RowBatch { generation: Some(before), ..RowBatch::default() };
    let lost = store.apply(batch).await.unwrap_err();
    assert!(matches!(lost, ApplyError::GenerationLost { expected, actual } if (expected, actual) == (before, now)));
}

async fn generation(store: &SledStore) -> Generation {
    let row = store.get(&[(DerivedTable::GENERATION.into(), Bytes::new())]).await.unwrap().remove(0);
    Generation::from_row(&row.unwrap()).unwrap()
}

/// An opening that failed has not made the index credible.
#[tokio::test]
async fn a_failed_opening_does_not_count_as_this_boot() {
    let folder = tempfile::tempdir().unwrap();
    let copy = unclosed(folder.path(), 5).await;
    fs::write(copy.join("lock"), "another boot").unwrap();
    let segment = segments(&copy)[0].clone();
    let whole = fs::read(&segment).unwrap();
    let mut damaged = whole.clone();
    damaged[300] ^= 1;
    fs::write(&segment, &damaged).unwrap();
    assert!(SledStore::open(SledOptions::new(&copy)).is_err());
    fs::write(&segment, &whole).unwrap();
    assert!(open(&copy).report().rebuilt.is_some());
}

#[tokio::test]
async fn an_index_full_of_rubbish_is_moved_aside_and_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 100).await;
    store.shut_down().await;
    drop(store);
    for entry in fs::read_dir(folder.path().join("index")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let rubbish = vec![0xa5; fs::metadata(&path).unwrap().len() as usize];
            fs::write(path, rubbish).unwrap();
        }
    }
    let store = open(folder.path());
    assert!(store.report().rebuilt.is_some());
    assert!(folder.path().join("index.aside").exists());
    assert_index_agrees(&store).await;
}

#[tokio::test]
async fn an_index_of_another_log_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    for path in [&one, &two] {
        let store = open(path);
        fill(&store, 50).await;
        store.shut_down().await;
    }
    fs::remove_dir_all(one.join("index")).unwrap();
    copy_folder(&two.join("index"), &one.join("index"));
    let store = open(&one);
    assert!(store.report().rebuilt.is_some());
    assert_index_agrees(&store).await;
}

/// F4: cut at every length of the last commits; whole commits stay, the rest is set aside and reported.
#[tokio::test]
async fn a_torn_group_keeps_its_whole_commits_and_reports_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let copy = unclosed(folder.path(), 5).await;
    let [segment] = &segments(&copy)[..] else { panic!("one segment") };
    let bytes = fs::read(segment).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let mut seen = Vec::new();
    for length in (used - 400..used).step_by(7).chain([used]) {
        let torn = folder.path().join(format!("torn-{length}"));
        copy_folder(&copy, &torn);
        // The index was fed behind: it may have seen what is cut here, which a crash cannot bring about.
        fs::remove_dir_all(torn.join("index")).unwrap();
        fs::write(&segments(&torn)[0], &bytes[..length]).unwrap();
        let store = open(&torn);
        let kept = log(&store).await.len();
        seen.push(kept);
        match &store.report().torn {
            Some(torn) => assert!(torn.kept_as.exists() && torn.offset + torn.bytes <= length as u64, "{torn:?}"),
            None => assert!(length == used || kept < 5),
        }
        assert_index_agrees(&store).await;
        fill(&store, 1).await;
        store.shut_down().await;
        let again = open(&torn);
        assert_eq!((again.report().torn.clone(), log(&again).await.len()), (None, kept + 1));
    }
    assert!(seen.is_sorted() && seen.first() < seen.last(), "{seen:?}");
    assert_eq!(seen.last(), Some(&5));
}

#[tokio::test]
async fn damage_before_the_last_group_is_an_error_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let copy = unclosed(folder.path(), 5).await;
    let segment = segments(&copy)[0].clone();
    let mut bytes = fs::read(&segment).unwrap();
    bytes[300] ^= 1;
    fs::write(&segment, &bytes).unwrap();
    let error = SledStore::open(SledOptions::new(&copy)).err().unwrap();
    assert!(matches!(error, OpenError::Corrupt(_)), "{error}");
    assert!(error.to_string().contains(&segment.display().to_string()), "{error}");
    assert_eq!(fs::read(&segment).unwrap(), bytes, "nothing was overwritten");
}

/// T8 in small: every byte of a cleanly closed log, flipped, is an error that names the file.
#[tokio::test]
async fn every_flipped_byte_of_a_closed_log_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = open(&path);
    fill(&store, 3).await;
    store.shut_down().await;
    drop(store);
    let segment = segments(&path)[0].clone();
    let bytes = fs::read(&segment).unwrap();
    for index in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[index] ^= 1 << (index % 8);
        fs::write(&segment, &damaged).unwrap();
        let error = SledStore::open(SledOptions::new(&path)).err();
        let error = error.unwrap_or_else(|| panic!("byte {index} of {} was not noticed", bytes.len())).to_string();
        assert!(error.contains(&segment.display().to_string()), "byte {index}: {error}");
        assert_eq!(fs::read(&segment).unwrap(), damaged, "nothing was overwritten");
    }
    fs::write(&segment, &bytes).unwrap();
    assert_eq!(log(&open(&path)).await.len(), 3);
}

#[tokio::test]
async fn a_log_that_lost_what_its_index_has_seen_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = open(&path);
    fill(&store, 5).await;
    store.shut_down().await;
    drop(store);
    fs::remove_file(path.join("clean")).unwrap();
    let segment = segments(&path)[0].clone();
    let length = fs::metadata(&segment).unwrap().len();
    OpenOptions::new().write(true).open(&segment).unwrap().set_len(length - 10).unwrap();
    let error = SledStore::open(SledOptions::new(&path)).err().unwrap();
    assert!(error.to_string().contains("its index has seen commit 5"), "{error}");
}

/// F16.
#[tokio::test]
async fn a_second_opening_is_refused_while_the_first_lasts() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let error = SledStore::open(SledOptions::new(folder.path())).err().unwrap();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    fill(&store, 1).await;
    store.shut_down().await;
    assert_eq!(log(&open(folder.path())).await.len(), 1, "shutting down lets go of the folder");
}

#[test]
fn a_folder_that_is_no_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = SledStore::open(SledOptions::new(&missing).existing()).err().unwrap();
    assert!(error.to_string().ends_with("is no annals store: there is no such folder"), "{error}");
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    let mut file = fs::File::create(other.join("letter.txt")).unwrap();
    file.write_all(b"dear").unwrap();
    let error = SledStore::open(SledOptions::new(&other)).err().unwrap();
    assert!(matches!(error, OpenError::NotAStore { .. }), "{error}");
    assert!(SledStore::open(SledOptions::new(other.join("letter.txt"))).is_err());
    assert_eq!(fs::read_dir(&other).unwrap().count(), 1);
}

/// A log of several segments reads the same through every path, and again after it was opened anew.
#[tokio::test]
async fn many_segments_are_one_log() {
    let folder = tempfile::tempdir().unwrap();
    assert_segments_are_one_log(folder.path(), &SledOptions::new(folder.path())).await;
}

/// The same where the log cannot be written past the page cache.
#[tokio::test]
async fn many_segments_are_one_log_through_the_page_cache() {
    let folder = tempfile::tempdir().unwrap();
    assert_segments_are_one_log(folder.path(), &SledOptions::new(folder.path()).through_page_cache()).await;
}

async fn assert_segments_are_one_log(folder: &Path, options: &SledOptions) {
    let open = || SledStore::open(options.clone()).unwrap();
    let store = open();
    let large = "x".repeat(200_000);
    for index in 0..40 {
        let events = [event(&format!("s-{}", index % 3), "a"), event("big-1", &index.to_string())];
        let mut commit = Commit::of(events);
        commit.events[0].payload = large.clone().into();
        store.commit(commit).await.unwrap();
    }
    assert!(segments(folder).len() > 2);
    let before = log(&store).await;
    assert_index_agrees(&store).await;
    store.shut_down().await;
    let store = open();
    assert_eq!(log(&store).await, before);
    let backward: Vec<_> = store.read_log(ReadLog::all().backward()).try_collect().await.unwrap();
    assert!(backward.iter().rev().eq(&before));
    store.shut_down().await;
    fs::remove_dir_all(folder.join("index")).unwrap();
    let store = open();
    assert!(store.report().rebuilt.is_some());
    assert_eq!(log(&store).await, before, "rebuilt across segments");
    assert_index_agrees(&store).await;
    fs::remove_file(&segments(folder)[1]).unwrap_or_default();
    store.shut_down().await;
    assert!(SledStore::open(options.clone()).is_err(), "a missing segment is noticed");
}

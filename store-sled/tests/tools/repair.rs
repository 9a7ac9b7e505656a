//! Repairs: what is whole in front of damage stays, what is lost is said exactly and kept aside; indexes that are built anew.

use std::fs;

use annals_core::Store;
use annals_store_sled::{OpenError, Repair, RepairError, SledOptions, SledStore, Verify, rebuild_index};

use super::store::{commit, commits, options, segments, store};

/// Damage in each file of the log, in its header, its middle and its end.
#[tokio::test]
async fn a_repair_keeps_what_is_whole_and_says_what_is_lost() {
    let from = store(60, 50).await;
    let whole = commits(from.path());
    for index in 0..segments(from.path()).len() {
        for place in 0..3 {
            let copy = tempfile::tempdir().unwrap();
            let path = copy.path().join("bank");
            annals_store_sled::Restore::new(from.path(), &path).run().unwrap();
            // With an index that has seen what will be lost.
            drop(SledStore::open(options(&path, 50)).unwrap());
            let file = segments(&path).remove(index);
            let mut bytes = fs::read(&file).unwrap();
            let at = [20, bytes.len() / 2, bytes.len() - 3][place];
            bytes[at] ^= 1;
            fs::write(&file, &bytes).unwrap();
            let damaged = fs::read(&file).unwrap();
            let repair = Repair::look(&path).unwrap().unwrap();
            let (kept, loss) = (repair.damage().behind.commit.get(), repair.loss().clone());
            assert_eq!(loss.commits.map(|(first, last)| (first.get(), last.get())), Some((kept + 1, 61)), "{place}");
            assert_eq!(loss.count_of_commits(), 61 - kept);
            let lost = &whole[usize::try_from(kept).unwrap()..];
            let positions: Vec<_> =
                lost.iter().flat_map(|commit| &commit.records).map(|record| record.position()).collect();
            assert_eq!(loss.positions, positions.first().copied().zip(positions.last().copied()));
            let events: u64 = loss.streams.iter().map(|stream| stream.events).sum();
            assert_eq!(events, loss.readable_events);
            assert!(loss.count_of_events() - events <= 2, "of one commit alone nothing can be read: {loss:?}");
            let report = repair.run().unwrap();
            assert_eq!(report.head.commit.get(), kept);
            assert_eq!(fs::read(report.kept_in.join(file.file_name().unwrap())).unwrap(), damaged);
            assert!(Verify::new(&path).run().unwrap().is_whole());
            assert_eq!(commits(&path), whole[..usize::try_from(kept).unwrap()]);
            assert!(Repair::look(&path).unwrap().is_none());
            let opened = SledStore::open(options(&path, 50)).unwrap();
            assert!(opened.report().was_closed && opened.report().head.commit.get() == kept);
            opened.commit(commit(100)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_repair_of_a_store_in_use_is_refused_and_a_whole_one_needs_none() {
    let from = store(10, 50).await;
    assert!(Repair::look(from.path()).unwrap().is_none());
    let open = SledStore::open(SledOptions::new(from.path())).unwrap();
    assert!(matches!(Repair::look(from.path()), Err(RepairError::Store(OpenError::InUse { .. }))));
    drop(open);
}

/// A log that ends before the place where it was closed, and a marker that cannot be read.
#[tokio::test]
async fn a_log_that_is_too_short_and_a_damaged_marker_are_repaired() {
    let from = store(60, 50).await;
    fs::remove_file(segments(from.path()).pop().unwrap()).unwrap();
    let repair = Repair::look(from.path()).unwrap().unwrap();
    assert_eq!((repair.loss().commits.unwrap().1.get(), repair.loss().readable_events), (61, 0));
    repair.run().unwrap();
    let held = commits(from.path());
    let marker = from.path().join("clean");
    let mut bytes = fs::read(&marker).unwrap();
    bytes[30] ^= 1;
    fs::write(&marker, bytes).unwrap();
    let repair = Repair::look(from.path()).unwrap().unwrap();
    assert_eq!((repair.loss().commits, repair.loss().bytes), (None, 0));
    repair.run().unwrap();
    assert_eq!(commits(from.path()), held);
}

#[tokio::test]
async fn an_index_is_built_anew_and_the_old_one_kept_aside() {
    let from = store(60, 50).await;
    let report = rebuild_index(from.path()).unwrap();
    assert_eq!((report.head.commit.get(), report.rebuilt.is_some()), (61, true));
    assert!(from.path().join("index.aside").exists() && from.path().join("clean").exists());
    assert!(annals_store_sled::verify_index(from.path(), from.path().join("scratch")).unwrap().is_whole());
    let open = SledStore::open(SledOptions::new(from.path())).unwrap();
    assert!(open.report().rebuilt.is_none());
    assert!(matches!(rebuild_index(from.path()), Err(OpenError::InUse { .. })));
    drop(open);
    assert!(matches!(rebuild_index(from.path().join("nothing")), Err(OpenError::NotAStore { .. })));
}

//! A copy that changes nothing.

use std::sync::{Arc, Mutex};

use annals_core::{Commit, CommitError, CommitNumber, LoggedTable, Receipt, Scan, Store, Table, Unchanged};
use annals_store_sled::{CopyTransform, SledStore};
use bytes::Bytes;

use super::{Folder, small};
use crate::support::{assert_index_agrees, event, files, open, segments, stored};

async fn rows(store: &SledStore) -> Vec<(String, Vec<(Bytes, Bytes)>)> {
    let mut tables = Vec::new();
    for table in LoggedTable::SYSTEM.into_iter().chain([LoggedTable::new("jobs").unwrap()]) {
        let page = store.scan(Scan::all(Table::from(table.clone()))).await.unwrap();
        assert!(page.next.is_none());
        tables.push((table.to_string(), page.rows));
    }
    tables
}

#[tokio::test]
async fn an_unchanged_copy_has_equal_records_rows_and_receipts_and_leaves_the_source_alone() {
    let folder = Folder::with_source().await;
    let before = files(&folder.from);
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    let mut copy = CopyTransform::new(&folder.from, &folder.to, Unchanged)
        .target_options(small)
        .progress(move |progress| telling.lock().unwrap().push(progress));
    let report = copy.run().unwrap();
    let verification = copy.verify().unwrap();
    assert!(verification.is_equal(), "{verification:?}");
    let commits = stored(&folder.from);
    assert_eq!(stored(&folder.to), commits);
    assert_eq!(files(&folder.from), before);

    let records: usize = commits.iter().map(|commit| commit.records.len()).sum();
    let counts = report.counts;
    assert_eq!((counts.commits_read, counts.commits_written), (commits.len() as u64, commits.len() as u64));
    assert_eq!(
        (counts.events_read, counts.unchanged, counts.events_written),
        (records as u64, records as u64, records as u64)
    );
    assert_eq!((counts.streams_read, report.streams_written, report.resumed_behind), (8, 8, None));
    assert_eq!((report.through, report.commit), (commits.last().unwrap().number, commits.last().unwrap().number));
    assert_eq!((verification.commits, verification.records), (commits.len() as u64, records as u64));
    let length = |path| segments(path).iter().map(|file| file.metadata().unwrap().len()).sum::<u64>();
    assert_eq!((report.log_bytes_read, report.log_bytes_written), (length(&folder.from), length(&folder.to)));
    let last = *told.lock().unwrap().last().unwrap();
    assert_eq!(
        (last.commit, last.bytes, last.of_bytes),
        (report.through, report.log_bytes_read, report.log_bytes_read)
    );

    let [from, to] = [&folder.from, &folder.to].map(|path| open(path));
    assert_eq!(rows(&to).await, rows(&from).await);
    assert_eq!(to.name_key(false).await.unwrap(), Some(folder.key));
    assert!(to.report().was_closed && to.report().rebuilt.is_none());
    assert_index_agrees(&to).await;
    let mut repeated = 0;
    for once in commits.iter().filter_map(|commit| commit.once.clone()) {
        let again = Commit::new().once(once.clone());
        let (first, copied): (Receipt, Receipt) =
            (from.commit(again.clone()).await.unwrap(), to.commit(again).await.unwrap());
        // But for the one that was forgotten in both.
        assert_eq!(copied.repeated, once.key.as_str() != "0");
        if copied.repeated {
            assert_eq!(copied, first);
            repeated += 1;
        }
    }
    assert!(repeated > 20);
    assert!(matches!(to.commit(Commit::of([event("s-3", "late")])).await, Err(CommitError::Closed { .. })));
}

/// What is copied beside a running application is what was there.
#[tokio::test]
async fn a_store_in_use_is_copied_up_to_a_commit() {
    let folder = Folder::with_source().await;
    let store = open(&folder.from);
    let through = store.head().borrow().commit;
    store.commit(Commit::of([event("s-1", "later")])).await.unwrap();
    let mut copy = CopyTransform::new(&folder.from, &folder.to, Unchanged).through(through);
    assert_eq!(copy.run().unwrap().through, through);
    store.commit(Commit::of([event("s-1", "later still")])).await.unwrap();
    assert!(copy.verify().unwrap().is_equal());
    // All of it is more than was copied.
    let mut all = CopyTransform::new(&folder.from, &folder.to, Unchanged);
    let verification = all.verify().unwrap();
    assert_eq!(verification.differing, 2);
    let text = verification.differences[0].to_string();
    let next = through.next();
    assert!(text.starts_with(&format!("commit {next}: the commit is \"missing\", expected StoredCommit")), "{text}");
}

#[tokio::test]
async fn an_empty_store_is_copied() {
    let folder = Folder::with_source().await;
    let empty = folder.folder.path().join("empty");
    drop(open(&empty));
    let mut copy = CopyTransform::new(&empty, &folder.to, Unchanged);
    let report = copy.run().unwrap();
    assert_eq!((report.commit, report.streams_written), (CommitNumber::ZERO, 0));
    assert!(copy.verify().unwrap().is_equal());
    assert_eq!(open(&folder.to).head().borrow().commit, CommitNumber::ZERO);
}

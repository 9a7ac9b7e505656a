//! A disk that fails: a sync that does not succeed (F6), a disk that is full (F7).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::{
    io::{self, ErrorKind},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use annals_core::{Commit, CommitError, Store};
use annals_store_sled::{
    SledOptions, SledStore,
    faults::{Call, Observer},
};
use support::{assert_index_agrees, event, log, open};

/// Fails the `number`th call of that name with an error of that kind, having written so many bytes; then no more.
struct FailOnce {
    name: &'static str,
    number: usize,
    kind: ErrorKind,
    bytes: Option<usize>,
    seen: AtomicUsize,
}

impl Observer for FailOnce {
    fn call(&self, call: &Call<'_>, make: &mut dyn FnMut(usize) -> io::Result<()>) -> io::Result<()> {
        if call.to_string() != self.name || self.seen.fetch_add(1, Ordering::SeqCst) + 1 != self.number {
            return make(usize::MAX);
        }
        if let Some(bytes) = self.bytes {
            make(bytes)?;
        }
        Err(self.kind.into())
    }
}

fn open_failing(path: &Path, name: &'static str, number: usize, kind: ErrorKind, bytes: Option<usize>) -> SledStore {
    let observer = FailOnce { name, number, kind, bytes, seen: AtomicUsize::new(0) };
    SledStore::open(SledOptions::new(path).segment_bytes(4096).observer(Arc::new(observer))).unwrap()
}

fn commit(index: usize) -> Commit {
    let large = format!("{index}/{}", "x".repeat(900));
    Commit::of([event("s-1", &index.to_string()), event("s-2", &index.to_string())].map(|mut event| {
        event.payload = large.clone().into();
        event
    }))
}

/// Commits until the store fails and some more times; what was acknowledged, and the first error.
async fn commit_until_it_fails(store: &SledStore) -> (usize, CommitError) {
    for index in 0..100 {
        if let Err(error) = store.commit(commit(index)).await {
            for later in 0..3 {
                let refused = store.commit(commit(index + 1 + later)).await.unwrap_err();
                assert!(matches!(&refused, CommitError::ReadOnly { .. }), "{refused}");
            }
            return (index, error);
        }
    }
    panic!("no call has failed");
}

/// F6, P1: after a failed sync nothing is acknowledged any more, although the next sync would succeed; reads go on.
#[tokio::test]
async fn a_failed_sync_makes_the_store_read_only() {
    for (number, bytes) in [(2, None), (3, None), (3, Some(usize::MAX)), (6, Some(usize::MAX))] {
        let folder = tempfile::tempdir().unwrap();
        let store = open_failing(folder.path(), "log.sync", number, ErrorKind::Other, bytes);
        let (acknowledged, error) = commit_until_it_fails(&store).await;
        // The first sync is that of the opening.
        assert_eq!(acknowledged, number - 2);
        assert!(matches!(error, CommitError::OutcomeUnknown { .. }), "{error}");
        assert_eq!(log(&store).await.len(), 2 * acknowledged, "reads go on, and see what was acknowledged");
        store.shut_down().await;
        let store = open(folder.path());
        assert!(!store.report().was_closed, "a store that failed is not marked as closed");
        let found = log(&store).await.len();
        assert!(found == 2 * acknowledged || found == 2 * acknowledged + 2, "{found} events");
        store.commit(commit(0)).await.unwrap();
        assert_index_agrees(&store).await;
    }
}

/// F7: a segment that cannot be prepared ahead grows as it is written.
#[tokio::test]
async fn a_disk_without_space_for_a_prepared_segment_still_takes_commits() {
    let folder = tempfile::tempdir().unwrap();
    let observer = NeverPrepared::default();
    let tried = Arc::clone(&observer.tried);
    let options = SledOptions::new(folder.path()).segment_bytes(4096).prepared_segments().observer(Arc::new(observer));
    let store = SledStore::open(options).unwrap();
    for index in 0..20 {
        store.commit(commit(index)).await.unwrap();
    }
    store.shut_down().await;
    assert!(tried.load(Ordering::SeqCst) > 0, "none was tried");
    let store = open(folder.path());
    assert_eq!((store.report().was_closed, log(&store).await.len()), (true, 40));
    assert_index_agrees(&store).await;
}

/// A disk with too little space for zeros ahead.
#[derive(Default)]
struct NeverPrepared {
    tried: Arc<AtomicUsize>,
}

impl Observer for NeverPrepared {
    fn call(&self, call: &Call<'_>, make: &mut dyn FnMut(usize) -> io::Result<()>) -> io::Result<()> {
        if call.to_string() != "prepared.write" {
            return make(usize::MAX);
        }
        self.tried.fetch_add(1, Ordering::SeqCst);
        Err(ErrorKind::StorageFull.into())
    }
}

/// F7: wherever the space ends, whatever part of a write still fits.
#[tokio::test]
async fn a_full_disk_loses_nothing_and_says_what_to_do() {
    let mut failed = 0;
    for name in ["log.write", "segment.create", "segment.write"] {
        for number in 2..=4 {
            for bytes in [None, Some(0), Some(7), Some(512), Some(1500)] {
                let folder = tempfile::tempdir().unwrap();
                let store = open_failing(folder.path(), name, number, ErrorKind::StorageFull, bytes);
                let (acknowledged, error) = commit_until_it_fails(&store).await;
                assert!(matches!(error, CommitError::OutcomeUnknown { .. } | CommitError::ReadOnly { .. }), "{error}");
                let advice = "free some space, then open the store again";
                assert!(error.to_string().contains(advice), "{name} {number}: {error}");
                assert_eq!(log(&store).await.len(), 2 * acknowledged);
                assert_index_agrees(&store).await;
                store.shut_down().await;
                let store = open(folder.path());
                assert_eq!(log(&store).await.len(), 2 * acknowledged, "{name} {number} {bytes:?}");
                store.commit(commit(0)).await.unwrap();
                assert_index_agrees(&store).await;
                failed += 1;
            }
        }
    }
    assert_eq!(failed, 45);
}

/// F6, P1, P2: large groups are written by a thread beside the committer, which judges the next one meanwhile. When a sync
/// fails, that next one is refused, and what was acknowledged is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_sync_refuses_what_was_judged_meanwhile() {
    const WRITERS: usize = 8;
    let large = |writer: usize| {
        let mut event = event(&format!("s-{writer}"), "large");
        event.payload = vec![7; 200 << 10].into();
        Commit::of([event])
    };
    for number in [2, 3, 5, 9] {
        let folder = tempfile::tempdir().unwrap();
        let observer = FailOnce {
            name: "log.sync",
            number,
            kind: ErrorKind::Other,
            bytes: Some(usize::MAX),
            seen: AtomicUsize::new(0),
        };
        let store = SledStore::open(SledOptions::new(folder.path()).observer(Arc::new(observer))).unwrap();
        let writers = (0..WRITERS).map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for acknowledged in 0..100 {
                    match store.commit(large(writer)).await {
                        Ok(_) => {}
                        Err(CommitError::OutcomeUnknown { .. } | CommitError::ReadOnly { .. }) => return acknowledged,
                        Err(error) => panic!("{error}"),
                    }
                }
                panic!("no call has failed")
            })
        });
        let mut acknowledged = 0;
        for writer in writers.collect::<Vec<_>>() {
            acknowledged += writer.await.unwrap();
        }
        assert_eq!(log(&store).await.len(), acknowledged, "readers see what was acknowledged, and no more");
        store.shut_down().await;
        let store = open(folder.path());
        let found = log(&store).await.len();
        assert!((acknowledged..=acknowledged + WRITERS).contains(&found), "{acknowledged} acknowledged, {found} found");
        store.commit(large(0)).await.unwrap();
        assert_index_agrees(&store).await;
    }
}

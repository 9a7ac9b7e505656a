//! A disk that fails: a sync that does not succeed (F6), a disk that is full (F7).

use std::{
    io::{self, ErrorKind},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use annals_core::{Clock, Commit, CommitError, Store, SystemClock, Timestamp};
use annals_store_sled::{
    SledOptions, SledStore,
    faults::{Call, Observer},
};

use crate::support::{assert_index_agrees, event, log, open};

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

/// Fails the next sync of the log, once another commit was judged while it was under way.
#[derive(Default)]
struct FailMeanwhile {
    is_armed: AtomicBool,
    is_syncing: AtomicBool,
    judged: AtomicUsize,
}

impl FailMeanwhile {
    fn wait_until(is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !is_so() {
            assert!(Instant::now() < deadline, "it does not happen");
            std::thread::yield_now();
        }
    }
}

impl Observer for FailMeanwhile {
    fn call(&self, call: &Call<'_>, make: &mut dyn FnMut(usize) -> io::Result<()>) -> io::Result<()> {
        if call.to_string() != "log.sync" || !self.is_armed.swap(false, Ordering::SeqCst) {
            return make(usize::MAX);
        }
        let judged = self.judged.load(Ordering::SeqCst);
        self.is_syncing.store(true, Ordering::SeqCst);
        Self::wait_until(|| self.judged.load(Ordering::SeqCst) > judged);
        Err(ErrorKind::Other.into())
    }
}

/// The committer asks for the time when it has judged a commit.
impl Clock for FailMeanwhile {
    fn now(&self) -> Timestamp {
        self.judged.fetch_add(1, Ordering::SeqCst);
        SystemClock.now()
    }
}

/// F6, P1, P2: a large group is written by a thread beside the committer, which judges the next one meanwhile. When the
/// sync fails, that next one is refused, and nobody sees either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_sync_refuses_what_was_judged_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let failing = Arc::new(FailMeanwhile::default());
    let clock: Arc<dyn Clock> = failing.clone();
    let options = SledOptions::new(folder.path()).observer(failing.clone()).clock(clock);
    let store = SledStore::open(options).unwrap();
    store.commit(commit(0)).await.unwrap();
    failing.is_armed.store(true, Ordering::SeqCst);
    let writing = store.clone();
    let large = tokio::spawn(async move {
        let mut event = event("s-3", "large");
        event.payload = vec![7; 200 << 10].into();
        writing.commit(Commit::of([event])).await
    });
    FailMeanwhile::wait_until(|| failing.is_syncing.load(Ordering::SeqCst));
    let refused = store.commit(commit(1)).await.unwrap_err();
    assert!(matches!(refused, CommitError::ReadOnly { .. }), "{refused}");
    let unknown = large.await.unwrap().unwrap_err();
    assert!(matches!(unknown, CommitError::OutcomeUnknown { .. }), "{unknown}");
    assert_eq!(log(&store).await.len(), 2, "readers see what was acknowledged, and no more");
    store.shut_down().await;
    let store = open(folder.path());
    let found = log(&store).await.len();
    assert!(found == 2 || found == 3, "{found} events");
    store.commit(commit(2)).await.unwrap();
    assert_index_agrees(&store).await;
}

//! Events that are kept in memory: reading them again costs no call, and gives what the log has.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use annals_core::{Commit, EventQuery, QueryItem, ReadLog, ReadStream, Record, Store, Version};
use annals_store_sled::{
    SledOptions, SledStore,
    faults::{Call, Effect, Observer},
};
use futures::TryStreamExt;

use crate::support::{self, event, log, stream};

/// Counts the reads from the files of the log.
#[derive(Default)]
struct Reads(AtomicUsize);

impl Observer for Reads {
    fn call(&self, call: &Call<'_>, make: &mut dyn FnMut(usize) -> io::Result<()>) -> io::Result<()> {
        if call.on == "log" && call.effect == Effect::Read {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        make(usize::MAX)
    }
}

impl Reads {
    fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// A store of 30 streams of 40 events each, and one of 6000, that keeps so many bytes of events. It was just opened: what
/// was written last is not in memory.
async fn filled(path: &Path, event_cache_bytes: usize) -> (SledStore, Arc<Reads>) {
    let reads = Arc::<Reads>::default();
    let options = SledOptions::new(path).event_cache_bytes(event_cache_bytes).observer(Arc::clone(&reads) as _);
    let store = SledStore::open(options.clone()).unwrap();
    for number in 0..40 {
        let some = (0..30).map(|stream| event(&format!("s-{stream}"), &format!("{stream}-{number}")));
        store.commit(Commit::of(some)).await.unwrap();
        let some = (0..150).map(|_| event("long-1", &number.to_string()));
        store.commit(Commit::of(some)).await.unwrap();
    }
    store.shut_down().await;
    drop(store);
    let store = SledStore::open(options).unwrap();
    reads.take();
    (store, reads)
}

const MUCH: usize = 16 << 20;

/// P9: a stream that was just read is read again from memory, whole or in part, in either direction, and by a query;
/// with a cache of no bytes it is not. A scan neither uses what is kept nor takes its place.
#[tokio::test]
async fn a_stream_that_was_just_read_costs_no_read() {
    let folder = tempfile::tempdir().unwrap();
    let (store, reads) = filled(folder.path(), MUCH).await;
    let whole = stream(&store, "s-3").await;
    assert!(whole.len() == 40 && reads.take() > 0);
    assert_eq!(stream(&store, "s-3").await, whole);
    let some = ReadStream::all("s-3".parse().unwrap()).after(Version::from(10)).up_to(Version::from(30)).backward();
    let some: Vec<_> = store.read_stream(some).try_collect().await.unwrap();
    assert!(some.iter().rev().eq(&whole[10..30]));
    let query = EventQuery::new([QueryItem::new().stream("s-3".parse().unwrap())]);
    let by_query: Vec<Record> = store.read_log(ReadLog::of(query)).try_collect().await.unwrap();
    assert_eq!((by_query, reads.take()), (whole.clone(), 0));
    log(&store).await;
    assert!(reads.take() > 0, "a scan reads the log");
    assert_eq!((stream(&store, "s-3").await, reads.take()), (whole, 0));
    stream(&store, "s-4").await;
    assert!(reads.take() > 0, "nothing is kept of a scan");
    let folder = tempfile::tempdir().unwrap();
    let (store, reads) = filled(folder.path(), 0).await;
    for _ in 0..3 {
        stream(&store, "s-3").await;
        assert!(reads.take() > 0);
    }
}

/// P9: one long stream does not take the place of all others.
#[tokio::test]
async fn a_long_stream_leaves_the_others_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (store, reads) = filled(folder.path(), 1 << 20).await;
    let whole = stream(&store, "s-3").await;
    for _ in 0..3 {
        assert_eq!(stream(&store, "long-1").await.len(), 6000);
    }
    reads.take();
    assert_eq!((stream(&store, "s-3").await, reads.take()), (whole, 0));
}

/// P3, P9: a stream that is long enough to be read ahead is read again from memory, too, what came to it meanwhile from the
/// log, and in another direction or from elsewhere as it is.
#[tokio::test]
async fn a_long_stream_that_was_just_read_costs_no_read() {
    let folder = tempfile::tempdir().unwrap();
    let (store, reads) = filled(folder.path(), MUCH).await;
    let mut whole = stream(&store, "long-1").await;
    assert!(whole.len() == 6000 && reads.take() > 0);
    assert_eq!((stream(&store, "long-1").await, reads.take()), (whole.clone(), 0));
    for number in 0..3 {
        store.commit(Commit::of([event("long-1", &format!("more {number}"))])).await.unwrap();
        let longer = stream(&store, "long-1").await;
        assert_eq!(longer[..whole.len()], whole);
        assert_eq!(longer.len(), whole.len() + 1);
        whole = longer;
        let read = ReadStream::all("long-1".parse().unwrap()).after(Version::from(number * 700));
        for _ in 0..2 {
            let some: Vec<_> = store.read_stream(read.clone()).try_collect().await.unwrap();
            assert_eq!(some, whole[number as usize * 700..]);
            let back: Vec<_> = store.read_stream(read.clone().backward()).try_collect().await.unwrap();
            assert!(back.iter().rev().eq(&whole[number as usize * 700..]));
        }
    }
    reads.take();
    assert_eq!((stream(&store, "long-1").await, reads.take()), (whole, 0));
}

/// P3, P4: whatever is kept, and while streams grow, every read gives what the log has.
#[tokio::test]
async fn reads_agree_with_the_log_whatever_is_kept() {
    for bytes in [0, 20_000, 100_000, MUCH] {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = filled(folder.path(), bytes).await;
        for round in 0..3 {
            for number in (0..30).chain([3, 3, 7, 3]) {
                let id = format!("s-{number}");
                let all: Vec<_> = stream(&store, &id).await;
                let position = store.commit(Commit::of([event(&id, &format!("round {round}"))])).await.unwrap();
                let mut longer = stream(&store, &id).await;
                assert_eq!(longer.pop().map(|record| record.position()), position.positions.map(|(first, _)| first));
                assert_eq!(longer, all);
            }
            support::assert_index_agrees(&store).await;
        }
    }
}

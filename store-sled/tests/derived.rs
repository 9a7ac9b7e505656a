//! Derived rows pass through memory on their way to the index: batches are whole for every reader and at the end.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use annals_core::{
    ApplyError, Commit, DerivedTable, DerivedWrite, LoggedTable, ReadError, RowBatch, RowWrite, Scan, Store, Table,
};
use annals_store_sled::{SledOptions, SledStore};
use bytes::Bytes;

use crate::support::open;

fn table(name: &str) -> DerivedTable {
    DerivedTable::new(name).unwrap()
}

fn put(name: &str, key: String, value: impl Into<Bytes>) -> DerivedWrite {
    DerivedWrite { table: table(name), key: key.into(), value: Some(value.into()) }
}

fn batch(rows: impl IntoIterator<Item = DerivedWrite>) -> RowBatch {
    RowBatch { rows: rows.into_iter().collect(), ..RowBatch::default() }
}

fn open_small(path: &Path) -> SledStore {
    SledStore::open(SledOptions::new(path).index_batch_entries(1)).unwrap()
}

const ROWS: usize = 12;

/// A value that says `number`, and is short, or cut into pieces of which each time some are another's.
fn value(row: usize, number: u64) -> Bytes {
    let text = format!("{number:08}");
    let times = if row.is_multiple_of(6) { 1 + 700 * (number as usize % 4) } else { 1 };
    text.repeat(times).into()
}

fn number(value: &Bytes) -> u64 {
    let first = &value[..8];
    assert!(value.chunks(8).all(|chunk| chunk == first), "a value of one write");
    std::str::from_utf8(first).unwrap().parse().unwrap()
}

/// All rows of both tables by one `get`, which are of one batch; one that is deleted counts by its neighbour.
async fn get_all(store: &SledStore) -> u64 {
    let keys = ["view", "other"].into_iter();
    let keys = keys.flat_map(|name| (0..ROWS).map(move |row| (Table::from(table(name)), format!("{row:02}").into())));
    let rows = store.get(&keys.collect::<Vec<_>>()).await.unwrap();
    let mut numbers: Vec<_> = rows.iter().flatten().map(number).collect();
    let here = rows.len() - numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), 1, "rows of one batch: {numbers:?}");
    assert_eq!(here as u64, numbers[0] % 3, "as many rows deleted as the batch deleted");
    numbers[0]
}

async fn scan_all(store: &SledStore, backward: bool) -> u64 {
    let scan = Scan::all(table("view"));
    let page = store.scan(if backward { scan.backward() } else { scan }).await.unwrap();
    assert!(page.next.is_none(), "one page holds them");
    let mut numbers: Vec<_> = page.rows.iter().map(|(_, value)| number(value)).collect();
    let missing = ROWS - numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), 1, "rows of one batch: {numbers:?}");
    assert_eq!(missing as u64, numbers[0] % 3, "as many rows deleted as the batch deleted");
    numbers[0]
}

/// P6: rows of one batch are seen together by one `get` and in one page, while the indexer writes them to sled.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn rows_of_one_batch_are_seen_together() {
    const BATCHES: u64 = 400;
    let folder = tempfile::tempdir().unwrap();
    let store = open_small(folder.path());
    let rows = |n: u64| {
        let view = (0..ROWS).map(move |row| {
            let put = put("view", format!("{row:02}"), value(row, n));
            // The batch deletes up to two rows of one table.
            let is_deleted = (row as u64) < n % 3;
            DerivedWrite { value: put.value.clone().filter(|_| !is_deleted), ..put }
        });
        view.chain((0..ROWS).map(move |row| put("other", format!("{row:02}"), value(row, n))))
    };
    store.apply(batch(rows(0))).await.unwrap();
    let (latest, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut readers = Vec::new();
    for reader in 0..3 {
        let (store, latest, done) = (store.clone(), Arc::clone(&latest), Arc::clone(&done));
        readers.push(tokio::spawn(async move {
            let (mut reads, mut last) = (0_u64, 0);
            while !done.load(Ordering::SeqCst) {
                let least = latest.load(Ordering::SeqCst).max(last);
                last = if reader == 0 { get_all(&store).await } else { scan_all(&store, reader == 2).await };
                assert!(last >= least, "{last} is seen after {least} was applied or seen");
                reads += 1;
            }
            reads
        }));
    }
    for n in 1..=BATCHES {
        store.apply(batch(rows(n))).await.unwrap();
        latest.store(n, Ordering::SeqCst);
    }
    done.store(true, Ordering::SeqCst);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    assert_eq!((get_all(&store).await, scan_all(&store, false).await), (BATCHES, BATCHES));
    store.shut_down().await;
    let store = open(folder.path());
    assert_eq!((get_all(&store).await, scan_all(&store, true).await), (BATCHES, BATCHES));
    let blobs = std::fs::read_dir(folder.path().join("index/blobs")).unwrap().count();
    assert_eq!(blobs, 0, "sled keeps nothing in files that it never syncs");
}

/// One `get` is of one moment for logged and derived rows together: what a batch was computed from is never behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn logged_and_derived_rows_are_of_one_moment() {
    const ROUNDS: u64 = 300;
    let folder = tempfile::tempdir().unwrap();
    let store = open_small(folder.path());
    let logged = LoggedTable::new("source").unwrap();
    let keys = vec![(Table::from(table("view")), "n".into()), (logged.clone().into(), Bytes::from("n"))];
    let reading = store.clone();
    let reader = tokio::spawn(async move {
        let number = |row: &Option<Bytes>| row.as_ref().map_or(0, number);
        loop {
            let rows = reading.get(&keys).await.unwrap();
            let (derived, source) = (number(&rows[0]), number(&rows[1]));
            assert!(derived == source || derived + 1 == source, "{derived} from {source}");
            if derived == ROUNDS {
                return;
            }
        }
    });
    for n in 1..=ROUNDS {
        store.commit(Commit::new().row(RowWrite::put(logged.clone(), "n", value(1, n)))).await.unwrap();
        store.apply(batch([put("view", "n".into(), value(1, n))])).await.unwrap();
    }
    reader.await.unwrap();
}

/// P12: a batch that meets the end of the store is there whole after the next open, or refused and absent.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn shutting_down_splits_no_batch() {
    for round in 0..10_u64 {
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(SledOptions::new(folder.path()).index_batch_entries(40)).unwrap();
        let begun = Arc::new(AtomicU64::new(0));
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (store, begun) = (store.clone(), Arc::clone(&begun));
                tokio::spawn(async move {
                    for n in 0_u64.. {
                        let keys = (0..5).map(|row| format!("{writer}-{n:06}-{row}"));
                        begun.fetch_add(1, Ordering::SeqCst);
                        match store.apply(batch(keys.map(|key| put("view", key, "1")))).await {
                            Ok(()) => {}
                            Err(ApplyError::Unavailable(ReadError::ShutDown)) => return n,
                            Err(error) => panic!("{error}"),
                        }
                    }
                    unreachable!("the store is shut down")
                })
            })
            .collect();
        while begun.load(Ordering::SeqCst) < 20 + 17 * round {
            tokio::task::yield_now().await;
        }
        store.shut_down().await;
        let mut expected = Vec::new();
        for (writer, task) in writers.into_iter().enumerate() {
            let applied = task.await.unwrap();
            let keys = (0..applied).flat_map(|n| (0..5).map(move |row| format!("{writer}-{n:06}-{row}")));
            expected.extend(keys.map(Bytes::from));
        }
        drop(store);
        let store = open(folder.path());
        assert!(store.report().was_closed && store.report().rebuilt.is_none(), "{:?}", store.report());
        let mut found = Vec::new();
        let mut next = Some(Scan::all(table("view")));
        while let Some(scan) = next {
            let page = store.scan(scan).await.unwrap();
            found.extend(page.rows.into_iter().map(|(key, _)| key));
            next = page.next;
        }
        assert_eq!(found, expected, "round {round}");
    }
}

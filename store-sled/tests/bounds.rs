//! Slow readers of a long log cost neither memory nor the writers' time (T15; F20). A process of its own: it looks at
//! its own memory, files and threads.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use annals_conformance::soak;
use annals_core::{Commit, EventQuery, Position, ReadError, ReadLog, Record, Store, StoreExt};
use futures::{StreamExt, stream::BoxStream};
use support::{event, open};

const READERS: usize = 100;
/// How much memory the readers may take.
const GROWTH_MAX: u64 = 64 << 20;
/// How long one commit may take while they are there: far more than a sync on a slow and busy disk.
const COMMIT_MAX: Duration = Duration::from_secs(10);

/// What the process uses of the machine.
#[derive(Debug, Clone)]
struct Usage {
    resident: u64,
    /// By name, and without sled's: its pool grows by one where eight of its jobs wait, as they may on a busy machine,
    /// and such a thread ends only once it has had five of them.
    threads: Vec<String>,
    files: usize,
}

/// `None` where there is no `/proc`.
fn usage() -> Option<Usage> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let resident = resident.split_whitespace().next()?.parse::<u64>().ok()? * 1024;
    // A thread that ends meanwhile has no name any more.
    let names = fs::read_dir("/proc/self/task")
        .ok()?
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    let threads = names.filter(|name| !name.starts_with("sled-io-")).collect();
    let files = fs::read_dir("/proc/self/fd").ok()?.count();
    Some(Usage { resident, threads, files })
}

/// Waits until threads and files are as few as before.
fn assert_given_back(before: &Usage) {
    let begun = Instant::now();
    loop {
        let now = usage().unwrap();
        if now.threads.len() <= before.threads.len() && now.files <= before.files {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{now:?}, before it were {before:?}");
        std::thread::yield_now();
    }
}

fn hundred(round: u64) -> Commit {
    Commit::of((0..100).map(|index| event(&format!("s-{}", (round + index) % 1000), "a payload of some length")))
}

/// A reader, and how many records it has seen.
struct Reader<'a> {
    records: BoxStream<'a, Result<Record, ReadError>>,
    seen: u64,
}

impl Reader<'_> {
    async fn take(&mut self, count: u64) {
        for _ in 0..count {
            let record = self.records.next().await.unwrap().unwrap();
            self.seen += 1;
            assert_eq!(record.position().get(), self.seen, "nothing is skipped");
        }
    }
}

#[test]
fn slow_readers_cost_neither_memory_nor_the_writers_time() {
    if usage().is_none() {
        eprintln!("SKIPPED: there is no /proc/self/status here");
        return;
    }
    let records = soak::size("ANNALS_SOAK_BACKLOG", 100_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    // What is there for ever once there was a store is there before.
    runtime.block_on(async { open(&folder.path().join("first")).shut_down().await });
    let before = usage().unwrap();
    let growth = runtime.block_on(read_slowly(&folder.path().join("store"), records));
    assert_given_back(&before);
    soak::report(&format!("most_backlog={records} most_slow_readers={READERS} most_growth_kib={}", growth / 1024));
}

/// By how much the readers made the process grow.
async fn read_slowly(folder: &std::path::Path, records: u64) -> u64 {
    let store = open(folder);
    for round in 0..records / 100 {
        store.commit(hundred(round)).await.unwrap();
    }
    // Opened again, so that the memory of loading is not counted for the readers.
    store.shut_down().await;
    let store: Arc<dyn Store> = Arc::new(open(folder));
    let begun = usage().unwrap().resident;
    let mut readers: Vec<_> = (0..READERS)
        .map(|number| {
            let records = match number % 2 {
                0 => store.follow(EventQuery::all(), Position::ZERO),
                _ => store.read_log(ReadLog::all()),
            };
            Reader { records, seen: 0 }
        })
        .collect();
    let mut growth = 0;
    let mut slowest = Duration::ZERO;
    for round in 0..20 {
        for (number, reader) in readers.iter_mut().enumerate() {
            reader.take(1 + number as u64 % 50).await;
        }
        let sent = Instant::now();
        store.commit(hundred(round)).await.unwrap();
        slowest = slowest.max(sent.elapsed());
        growth = growth.max(usage().unwrap().resident.saturating_sub(begun));
    }
    assert!(growth < GROWTH_MAX, "{READERS} readers took {growth} bytes");
    assert!(slowest < COMMIT_MAX, "a commit took {slowest:?} beside slow readers");
    // A read sees what was there when it began; who follows sees what came meanwhile as well.
    let mut quick = readers.swap_remove(1);
    let rest = records - quick.seen;
    quick.take(rest).await;
    assert!(quick.records.next().await.is_none());
    let mut follower = readers.swap_remove(0);
    follower.take(records + 2_000 - follower.seen).await;
    drop((quick, follower, readers));
    store.shut_down().await;
    growth
}

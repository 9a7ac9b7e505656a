//! SIGKILL while batches of derived rows are applied beside commits (T1; P2, P6): commits are whole and in order; of derived
//! rows the newest batches may be gone, each as a whole.
#![allow(clippy::print_stdout, reason = "its child speaks to it")]

use std::{io::Write, path::Path, time::Duration};

use annals_core::{
    Commit, DerivedCondition, DerivedTable, DerivedWrite, Generation, LoggedTable, Position, RowBatch, RowIs, RowWrite,
    Scan, Store,
};
use annals_store_sled::{SledOptions, SledStore};
use bytes::Bytes;

use crate::support::{
    assert_index_agrees, event, log, open,
    process::{Running, STORE},
};

const ROUNDS: u64 = 25;
const WRITERS: usize = 8;

/// What writer `writer` commits as its `number`th: some events over several streams, and a row that counts them.
fn commit(writer: usize, number: usize) -> Commit {
    let events = 1 + number % 5;
    let text = |index: usize| format!("{writer}/{number}/{index}/{events}");
    let commit =
        Commit::of((0..events).map(|index| event(&format!("w{writer}-{}", (number + index) % 3), &text(index))));
    let key = format!("{writer:02}/{number:08}");
    commit.row(RowWrite::put(LoggedTable::new("commits").unwrap(), key.into_bytes(), events.to_string()))
}

/// So many batches leave a row each that later ones do not touch; it is deleted after that.
const LATEST: u64 = 40;

fn derived(table: &str, key: String, value: Option<Bytes>) -> DerivedWrite {
    DerivedWrite { table: DerivedTable::new(table).unwrap(), key: key.into(), value }
}

/// A value that says `number`: short, or so long that it is kept in pieces.
fn value(number: u64, row: usize) -> Bytes {
    format!("{number:08}").repeat([1, 200, 400 + 400 * (number as usize % 3)][row % 3]).into()
}

/// What is applied as the batch `number`: rows that all say so, one that stays for a while, and the checkpoint, which
/// must be that of the batch before.
fn batch(generation: Generation, number: u64) -> RowBatch {
    let rows = (0..9).map(|row| derived(["view", "other"][row % 2], row.to_string(), Some(value(number, row))));
    let latest = derived("latest", format!("{number:08}"), Some(value(number, 0)));
    let old = number.checked_sub(LATEST).map(|old| derived("latest", format!("{old:08}"), None));
    let is = if number == 1 { RowIs::Absent } else { RowIs::Equals((number - 1).to_string().into()) };
    let checkpoint = derived("checkpoint", String::new(), Some(number.to_string().into()));
    let condition = DerivedCondition { table: checkpoint.table.clone(), key: Bytes::new(), is };
    let rows = rows.chain([latest, checkpoint]).chain(old).collect();
    RowBatch { generation: Some(generation), epoch: None, conditions: vec![condition], rows }
}

async fn generation(store: &SledStore) -> Generation {
    let rows = store.get(&[(DerivedTable::GENERATION.into(), Bytes::new())]).await.unwrap();
    Generation::from_row(rows[0].as_ref().unwrap()).unwrap()
}

/// The number of the latest batch.
async fn checkpoint(store: &SledStore) -> u64 {
    let rows = store.get(&[(DerivedTable::new("checkpoint").unwrap().into(), Bytes::new())]).await.unwrap();
    rows[0].as_ref().map_or(0, |row| std::str::from_utf8(row).unwrap().parse().unwrap())
}

/// Runs in a process of its own, started by the test below; does nothing in an ordinary run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_writes_until_it_is_killed() {
    let Ok(path) = std::env::var(STORE) else { return };
    // Small batches, so that the kill meets the writing of the index.
    let store = SledStore::open(SledOptions::new(&path).index_batch_entries(256)).unwrap();
    let round = log(&store).await.len();
    println!("ready");
    let writers = (0..WRITERS).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0.. {
                let receipt = store.commit(commit(writer, round * 1_000 + number)).await.unwrap();
                let (_, last) = receipt.positions.unwrap();
                // One write each, so that lines stay whole.
                std::io::stdout().write_all(format!("ack {last}\n").as_bytes()).unwrap();
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let generation = generation(&store).await;
    for number in checkpoint(&store).await + 1.. {
        store.apply(batch(generation, number)).await.unwrap();
        std::io::stdout().write_all(format!("applied {number}\n").as_bytes()).unwrap();
    }
    for writer in writers {
        writer.await.unwrap();
    }
}

/// Starts a child and kills it after it has acknowledged so many commits and a moment; says what it acknowledged, and the
/// last batch that it applied.
fn kill_after(path: &Path, acknowledgements: u64, moment: Duration) -> (Position, u64) {
    let mut running = Running::start(path, "kill_derived::child_writes_until_it_is_killed");
    running.reads("ready");
    running.assert_in_use();
    let (mut highest, mut applied) = (Position::ZERO, 0);
    running.kill_after(acknowledgements, moment, |line| {
        if let Some(number) = line.strip_prefix("applied ").and_then(|number| number.parse().ok()) {
            applied = number;
        }
        let position = line.strip_prefix("ack ").and_then(|number| number.parse().ok());
        highest = highest.max(position.map_or(Position::ZERO, |number| Position::new(number).unwrap()));
        position.is_some()
    });
    (highest, applied)
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    if std::env::var(STORE).is_ok() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut seed: u64 = std::env::var("ANNALS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("ANNALS_SEED={seed}");
    let mut before = Vec::new();
    let (mut latest, mut lost) = (0, 0);
    let first_generation = generation(&open(folder.path())).await;
    for round in 0..ROUNDS {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pause = Duration::from_micros(seed >> 33 & 0x3fff);
        let (acknowledged, applied) = kill_after(folder.path(), seed >> 40 & 0x7f, pause);
        let store = open(folder.path());
        let records = log(&store).await;
        assert!(records.len() as u64 >= acknowledged.get(), "round {round}: {acknowledged} was acknowledged");
        assert!(records.starts_with(&before), "round {round}: the past has changed");
        assert_commits_are_whole(&store).await;
        assert_index_agrees(&store).await;
        let found = assert_batches_are_whole(&store).await;
        assert_eq!(generation(&store).await, first_generation, "round {round}: the derived rows are the same");
        assert!(found >= latest, "round {round}: batch {latest} was on disk, {found} is the latest");
        lost += applied.saturating_sub(found);
        latest = found;
        store.shut_down().await;
        before = records;
    }
    println!("{ROUNDS} kills, {} events, none lost; {latest} batches, {lost} lost as a whole", before.len());
    assert!(latest > 0);
}

/// Every commit has all its events, side by side, and its row; no row is there without its events.
async fn assert_commits_are_whole(store: &SledStore) {
    let records = log(store).await;
    let mut whole = 0;
    let mut rest = &records[..];
    while let Some(first) = rest.first() {
        let text = std::str::from_utf8(first.payload()).unwrap();
        let events: usize = text.rsplit('/').next().unwrap().parse().unwrap();
        let (commit, later) = rest.split_at(events);
        assert!(commit.iter().all(|record| record.commit() == first.commit()), "commit {} is torn", first.commit());
        whole += 1;
        rest = later;
    }
    let mut rows = 0;
    let mut next = Some(Scan::all(LoggedTable::new("commits").unwrap()));
    while let Some(scan) = next {
        let page = store.scan(scan).await.unwrap();
        rows += page.rows.len();
        next = page.next;
    }
    assert_eq!(rows, whole, "rows and commits agree");
}

/// All rows say the same number, that of the checkpoint, which is given out; the rows of the latest batches are there
/// without a gap.
async fn assert_batches_are_whole(store: &SledStore) -> u64 {
    let number = checkpoint(store).await;
    for table in ["view", "other"] {
        let page = store.scan(Scan::all(DerivedTable::new(table).unwrap())).await.unwrap();
        assert!(page.next.is_none());
        assert_eq!(page.rows.is_empty(), number == 0);
        for (key, found) in page.rows {
            let row: usize = std::str::from_utf8(&key).unwrap().parse().unwrap();
            assert!(found == value(number, row), "row {row} of {table} is not of batch {number}");
        }
    }
    let page = store.scan(Scan::all(DerivedTable::new("latest").unwrap())).await.unwrap();
    let expected = (number.saturating_sub(LATEST - 1).max(1)..=number).map(|number| format!("{number:08}").into());
    let keys: Vec<Bytes> = page.rows.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, expected.collect::<Vec<Bytes>>());
    number
}

//! What must be there behind a kill.

use std::{collections::HashMap, path::Path};

use annals_core::{LoggedTable, Position, ReadLog, Record, Scan, Store, Table};
use annals_store_sled::SledStore;
use bytes::Bytes;
use futures::TryStreamExt;

use super::child::{WRITERS, commit, commits, events_of, row_key};
use crate::support::{copy_folder, log, open, stream};

/// What was acknowledged, and what was found so far.
#[derive(Default)]
pub(crate) struct Oracle {
    /// Of each writer, one more than the highest number that was acknowledged.
    promised: [usize; WRITERS],
    /// Of each writer, how many commits were found: the first so many that it issued.
    found: [usize; WRITERS],
    seen: Position,
    versions: HashMap<String, u64>,
    pub(crate) acknowledged: u64,
    pub(crate) recovered: u64,
    pub(crate) killed_at_open: u64,
    pub(crate) torn: u64,
}

impl Oracle {
    /// Takes down a line of the child; whether it was an acknowledgement. A line that was cut off is none.
    pub(crate) fn acknowledged(&mut self, line: &str) -> bool {
        let mut words = line.strip_prefix("ack ").unwrap_or_default().split(' ');
        let mut number = || words.next()?.parse::<usize>().ok();
        let (Some(writer), Some(number)) = (number(), number()) else { return false };
        self.promised[writer] = self.promised[writer].max(number + 1);
        self.acknowledged += 1;
        true
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.acknowledged += other.acknowledged;
        self.recovered += other.recovered;
        self.killed_at_open += other.killed_at_open;
        self.torn += other.torn;
    }

    /// Looks at what came since the last time: dense, every commit whole, of each writer the next that it issued, none
    /// that was acknowledged missing.
    pub(crate) async fn look_at(&mut self, store: &SledStore) {
        let behind = ReadLog::all().after(self.seen);
        let records: Vec<Record> = store.read_log(behind).try_collect().await.unwrap();
        let mut rest = &records[..];
        while let Some(first) = rest.first() {
            let (writer, number, _) = parse(first);
            assert_eq!(number, self.found[writer], "writer {writer} goes on where it was");
            let (whole, later) = rest.split_at(events_of(writer, number).min(rest.len()));
            for (index, record) in whole.iter().enumerate() {
                assert_eq!(
                    (parse(record), record.commit()),
                    ((writer, number, index), first.commit()),
                    "a torn commit"
                );
                self.next_position(record);
            }
            assert_eq!(whole.len(), events_of(writer, number), "a torn commit");
            self.found[writer] += 1;
            self.recovered += 1;
            rest = later;
        }
        for writer in 0..WRITERS {
            let (found, promised) = (self.found[writer], self.promised[writer]);
            assert!(found >= promised, "LOST: writer {writer} was promised {promised} commits, {found} are there");
        }
        self.look_at_rows(store).await;
    }

    fn next_position(&mut self, record: &Record) {
        assert_eq!(record.position(), self.seen.next(), "the log is dense");
        self.seen = record.position();
        let version = self.versions.entry(record.stream().to_string()).or_default();
        *version += 1;
        assert_eq!(record.version().get(), *version, "{} is dense", record.stream());
    }

    /// As many rows as commits, each stream with its events, and what was keyed is known.
    async fn look_at_rows(&self, store: &SledStore) {
        let rows = rows(store, commits().into()).await;
        assert_eq!(rows.len(), self.found.iter().sum::<usize>(), "rows and commits agree");
        for (id, version) in &self.versions {
            assert_eq!(stream(store, id).await.len() as u64, *version, "{id}");
        }
        for writer in 0..WRITERS {
            let Some(last) = self.found[writer].checked_sub(1) else { continue };
            let keyed = last - last % 3;
            let again = store.commit(commit(writer, keyed)).await.unwrap();
            assert!(again.repeated && again.answer == row_key(writer, keyed), "the key of {writer}/{keyed} is known");
        }
    }
}

/// Writer, number and index of an event.
fn parse(record: &Record) -> (usize, usize, usize) {
    let text = std::str::from_utf8(record.payload()).unwrap();
    let mut numbers = text.split('|').next().unwrap().split('/').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap(), numbers.next().unwrap())
}

pub(crate) async fn rows(store: &SledStore, table: Table) -> Vec<(Bytes, Bytes)> {
    let mut rows = Vec::new();
    let mut next = Some(Scan::all(table));
    while let Some(scan) = next {
        let page = store.scan(scan).await.unwrap();
        rows.extend(page.rows);
        next = page.next;
    }
    rows
}

/// What an index knows and a log does not say outright.
async fn indexed(store: &SledStore) -> Vec<Vec<(Bytes, Bytes)>> {
    let mut all = Vec::new();
    for table in [LoggedTable::STREAMS, LoggedTable::ONCE, LoggedTable::CLOSED, commits()] {
        all.push(rows(store, table.into()).await);
    }
    all
}

/// The index that a kill left is the one that is built from the log alone.
pub(crate) async fn assert_a_rebuilt_index_is_the_same(folder: &Path) {
    let copy = tempfile::tempdir().unwrap();
    copy_folder(folder, copy.path());
    let killed = open(folder);
    let _ = std::fs::remove_dir_all(copy.path().join("index"));
    let rebuilt = open(copy.path());
    assert_eq!(log(&killed).await, log(&rebuilt).await);
    assert!(indexed(&killed).await == indexed(&rebuilt).await, "the index is not what the log says");
    for (id, _) in rows(&killed, LoggedTable::STREAMS.into()).await {
        let id = String::from_utf8(id.to_vec()).unwrap();
        assert!(stream(&killed, &id).await == stream(&rebuilt, &id).await, "{id}");
    }
    killed.shut_down().await;
    rebuilt.shut_down().await;
}

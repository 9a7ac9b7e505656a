//! A store with a bit of everything in it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use annals_core::{
    Commit, Digest, EventType, IdempotencyKey, LoggedTable, Metadata, NewEvent, Once, RowWrite, Store, StoredCommit,
    Tag, Tenant,
};
use annals_store_sled::{LogReader, SledOptions, SledStore};
use tempfile::TempDir;

fn event(number: u64) -> NewEvent {
    let tenant = if number.is_multiple_of(4) { "acme/" } else { "" };
    let stream = format!("{tenant}account-{}", number % 7);
    let mut event = NewEvent::new(stream.parse().unwrap(), EventType::new("happened").unwrap(), "x".repeat(40));
    event.tags = vec![Tag::of("parity", number % 2).unwrap(), Tag::of("about", "all").unwrap()];
    if number.is_multiple_of(3) {
        event.occurred = Some("2020-02-29T12:00:00Z".parse().unwrap());
        event.metadata = Metadata {
            actor: Some("ada".parse().unwrap()),
            extra: [("a".into(), "b".into())].into(),
            ..Metadata::default()
        };
    }
    event
}

/// The commit with that number.
pub(crate) fn commit(number: u64) -> Commit {
    let mut commit = Commit::of([event(number), event(number + 1)]);
    if number.is_multiple_of(5) {
        let key = IdempotencyKey::new(format!("key {number}")).unwrap();
        commit = commit.once(Once { key, digest: Digest::of(&[]), answer: "answer".into() });
    }
    if number.is_multiple_of(9) {
        let value = "long".repeat(if number.is_multiple_of(2) { 2_000 } else { 1 });
        let jobs = LoggedTable::new("jobs").unwrap().in_tenant(Some(Tenant::new("acme").unwrap()));
        commit = commit.row(RowWrite::put(jobs, format!("{number}"), value));
    }
    commit
}

/// Options of a store with small files of the log.
pub(crate) fn options(store: &Path, batch_entries: usize) -> SledOptions {
    SledOptions::new(store).segment_bytes(4096).index_batch_entries(batch_entries)
}

/// A closed store with several files of the log: so many commits, one more that closes a stream, and a key of unique names.
pub(crate) async fn store(commits: u64, batch_entries: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(options(folder.path(), batch_entries)).unwrap();
    for number in 1..=commits {
        store.commit(commit(number)).await.unwrap();
    }
    store.commit(Commit::new().row(RowWrite::close(&"account-3".parse().unwrap()))).await.unwrap();
    store.name_key(true).await.unwrap();
    store.shut_down().await;
    folder
}

/// The files of the log.
pub(crate) fn segments(store: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(store.join("log")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "log"));
    paths.sort();
    paths
}

/// All that a store holds.
pub(crate) fn commits(store: &Path) -> Vec<StoredCommit> {
    LogReader::open(store).unwrap().map(Result::unwrap).collect()
}

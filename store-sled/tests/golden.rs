//! Stores of every format that was ever released still open and read the same (T16).
//!
//! `ANNALS_BLESS=1` writes the files of the newest format, once, when a format is new; files of released formats never
//! change.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use annals_core::{
    Actor, Commit, Digest, EventId, FixedClock, IdempotencyKey, LoggedTable, Metadata, Once, RowWrite, Store, Timestamp,
};
use annals_store_sled::{SledOptions, SledStore};
use bytes::Bytes;

use crate::support::{assert_index_agrees, copy_folder, event, log, open, stream};

const NEWEST: &str = "format-1";

fn folder(format: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format)
}

fn time() -> Timestamp {
    "2026-03-01T12:00:00.000001Z".parse().unwrap()
}

fn key() -> IdempotencyKey {
    IdempotencyKey::new("request-1").unwrap()
}

/// A bit of everything that a log can hold.
fn commits() -> Vec<Commit> {
    let mut full = event("acme/account-1", "né");
    full.id = EventId::from(uuid::Uuid::from_u128(7));
    full.occurred = Some(Timestamp::EPOCH);
    full.metadata = Metadata { actor: Some(Actor::new("ada").unwrap()), ..Metadata::default() };
    let names = LoggedTable::new("names").unwrap();
    let once = Once { key: key(), digest: Digest::of(&[b"request"]), answer: Bytes::from_static(b"answer") };
    vec![
        Commit::of([event("account-1", "a"), event("account-2", "b"), event("account-1", "c")]).once(once),
        Commit::of([full]).row(RowWrite::put(names.clone(), "ada", "account-1")).row(RowWrite::put(names, "bob", "")),
        Commit::new().row(RowWrite::delete(LoggedTable::new("names").unwrap(), "bob")),
        Commit::new().row(RowWrite::close(&"account-2".parse().unwrap())),
    ]
}

#[tokio::test]
async fn the_newest_format_can_be_written_anew() {
    if std::env::var("ANNALS_BLESS").is_err() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let options = SledOptions::new(temporary.path()).clock(Arc::new(FixedClock(time())));
    let store = SledStore::open(options).unwrap();
    for commit in commits() {
        store.commit(commit).await.unwrap();
    }
    store.shut_down().await;
    assert!(!folder(NEWEST).exists(), "files of a released format never change");
    fs::create_dir_all(folder(NEWEST)).unwrap();
    copy_folder(&temporary.path().join("log"), &folder(NEWEST).join("log"));
    fs::copy(temporary.path().join("clean"), folder(NEWEST).join("clean")).unwrap();
}

#[tokio::test]
async fn format_1_reads_as_it_was_written() {
    let temporary = tempfile::tempdir().unwrap();
    copy_folder(&folder("format-1"), temporary.path());
    let store = open(temporary.path());
    assert!(store.report().was_closed);
    let records = log(&store).await;
    let payloads: Vec<_> = records.iter().map(|record| std::str::from_utf8(record.payload()).unwrap()).collect();
    assert_eq!(payloads, ["a", "b", "c", "né"]);
    assert!(records.iter().all(|record| record.recorded() == time()));
    let full = stream(&store, "acme/account-1").await.remove(0);
    let expected = commits().remove(1).events.remove(0);
    assert_eq!(
        (full.id(), Some(full.occurred()), full.metadata()),
        (expected.id, expected.occurred, &expected.metadata)
    );
    assert_eq!((full.tags(), full.commit().get(), full.position().get()), (&*expected.tags, 2, 4));
    assert_index_agrees(&store).await;
    let names = LoggedTable::new("names").unwrap();
    let rows = store.get(&[(names.clone().into(), "ada".into()), (names.into(), "bob".into())]).await.unwrap();
    assert_eq!(rows, [Some(Bytes::from_static(b"account-1")), None]);
    let again = store.commit(commits().remove(0)).await.unwrap();
    assert!(again.repeated && again.answer == "answer");
    assert!(store.commit(Commit::of([event("account-2", "d")])).await.is_err(), "account-2 is closed");
}

//! What the index holds, seen from outside: long streams, `$streams`, large rows, other layouts (P9, P14).

use std::{collections::BTreeMap, fs};

use annals_core::{Commit, Condition, EventQuery, LoggedTable, Position, QueryItem, RowWrite, Scan, Store, Tenant};
use annals_store_sled::{SledOptions, SledStore};
use bytes::Bytes;

use crate::support::{assert_index_agrees, event, fill, log, open};

async fn rows(store: &SledStore, scan: Scan) -> Vec<(Bytes, Bytes)> {
    let (mut rows, mut next) = (Vec::new(), Some(scan));
    while let Some(scan) = next {
        let page = store.scan(scan).await.unwrap();
        rows.extend(page.rows);
        next = page.next;
    }
    rows
}

/// `$streams` is the same from the tail, from the index, and from both; so are streams longer than a chunk of places.
#[tokio::test]
async fn streams_are_listed_alike_from_tail_and_index() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["a-1", "a-10", "a-1-1", "acme/a-1", "acme/b-1", "acmes/a-1", "b-1", "a/a-1"];
    for batch in [1_000_000, 40, 1] {
        let path = folder.path().join(batch.to_string());
        let store = SledStore::open(SledOptions::new(&path).index_batch_entries(batch)).unwrap();
        let mut first: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut position = 0;
        for round in 0..40 {
            let mut events = Vec::new();
            for (index, name) in names.iter().enumerate().filter(|(index, _)| index * 3 <= round) {
                for _ in 0..if index == 0 { 20 } else { 1 } {
                    position += 1;
                    events.push(event(name, "x"));
                    let (tenant, within) = name.split_once('/').unwrap_or(("", name));
                    first.entry((tenant.to_owned(), within.to_owned())).or_insert(position);
                }
            }
            store.commit(Commit::of(events)).await.unwrap();
        }
        for reopened in [false, true] {
            let store = if reopened { open(&path) } else { store.clone() };
            for tenant in ["", "acme", "a", "nobody"] {
                let owner = (!tenant.is_empty()).then(|| Tenant::new(tenant).unwrap());
                let table = LoggedTable::STREAMS.in_tenant(owner);
                let wanted: Vec<(Bytes, Bytes)> = first
                    .iter()
                    .filter(|((owner, _), _)| owner == tenant)
                    .map(|((_, id), first)| (id.clone().into(), first.to_be_bytes().to_vec().into()))
                    .collect();
                assert_eq!(rows(&store, Scan::all(table.clone()).limit(2)).await, wanted);
                let backward = rows(&store, Scan::all(table.clone()).backward().limit(1)).await;
                assert!(backward.iter().rev().eq(&wanted));
                let after: Vec<_> = wanted.iter().filter(|(id, _)| id > "a-1").cloned().collect();
                assert_eq!(rows(&store, Scan::all(table.clone()).after("a-1")).await, after);
                let upto = Scan {
                    range: (std::ops::Bound::Unbounded, std::ops::Bound::Excluded("a-1\0".into())),
                    ..Scan::all(table.clone())
                };
                let until: Vec<_> = wanted.iter().filter(|(id, _)| id <= "a-1").cloned().collect();
                assert_eq!(rows(&store, upto).await, until);
                for (id, value) in &wanted {
                    let found = store.get(&[(table.clone().into(), id.clone())]).await.unwrap();
                    assert_eq!(found, [Some(value.clone())]);
                }
                for none in ["a-", "a-2", "acme/a-1", "a-1\0", ""] {
                    assert_eq!(store.get(&[(table.clone().into(), none.into())]).await.unwrap(), [None], "{none:?}");
                }
            }
            assert_index_agrees(&store).await;
            store.shut_down().await;
        }
    }
}

/// sled never syncs the files in which it keeps large values, so there must be none.
#[tokio::test]
async fn sled_keeps_no_values_in_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(SledOptions::new(folder.path()).index_batch_entries(100)).unwrap();
    let table = LoggedTable::new("large").unwrap();
    let value = |length: usize| vec![b'v'; length];
    let lengths = [0, 1, 4095, 4096, 4097, 8192, 50_000, 1_000_000];
    for round in 0..2 {
        for (index, length) in lengths.iter().enumerate() {
            let length = lengths[(index + round) % lengths.len()].max(*length * round);
            for copy in 0..20_u8 {
                let key = [&[copy; 1000][..], &index.to_be_bytes()].concat();
                let row = RowWrite::put(table.clone(), key, value(if copy == 0 { length } else { length.min(4096) }));
                store.commit(Commit::new().row(row)).await.unwrap();
            }
        }
    }
    fill(&store, 500).await;
    store.shut_down().await;
    let blobs = fs::read_dir(folder.path().join("index/blobs"));
    assert_eq!(blobs.map_or(0, |blobs| blobs.count()), 0);
    let store = open(folder.path());
    assert_eq!(rows(&store, Scan::all(table)).await.len(), 160);
}

/// An index that another version has laid out is built anew, and said to be.
#[tokio::test]
async fn an_index_of_another_layout_is_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 50).await;
    store.shut_down().await;
    drop(store);
    let db = sled::open(folder.path().join("index")).unwrap();
    db.open_tree("entries").unwrap().insert(b"l", &77_u32.to_le_bytes()).unwrap();
    db.flush().unwrap();
    drop(db);
    let store = open(folder.path());
    assert!(store.report().rebuilt.as_ref().unwrap().contains("another version"), "{:?}", store.report().rebuilt);
    assert_eq!(log(&store).await.len(), 50);
    assert_index_agrees(&store).await;
}

/// A stream that was closed before it held an event stays closed when only the index remembers it.
#[tokio::test]
async fn a_closed_stream_without_events_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for name in ["a-1", "acme/a-2"] {
        store.commit(Commit::new().row(RowWrite::close(&name.parse().unwrap()))).await.unwrap();
    }
    store.shut_down().await;
    let store = open(folder.path());
    for (name, is_closed) in [("a-1", true), ("acme/a-2", true), ("a-2", false), ("acme/a-1", false)] {
        assert_eq!(store.commit(Commit::of([event(name, "x")])).await.is_err(), is_closed, "{name}");
    }
}

/// P4: conditions on types, categories and tags hold and fail alike, whether the tail or the index knows.
#[tokio::test]
async fn conditions_hold_alike_in_tail_and_index() {
    let folder = tempfile::tempdir().unwrap();
    for reopened in [false, true] {
        let path = folder.path().join(reopened.to_string());
        let mut store = open(&path);
        fill(&store, 300).await;
        if reopened {
            store.shut_down().await;
            store = open(&path);
        }
        let item = QueryItem::new;
        let cases = [
            (item().event_type("test.happened".parse().unwrap()), 300),
            (item().category("s".parse().unwrap()), 300),
            (item().category("t".parse().unwrap()), 0),
            (item().event_type("test.never".parse().unwrap()), 0),
            (item().tag("about:7".parse().unwrap()), 8),
            (item().stream("s-6".parse().unwrap()), 294),
        ];
        for (item, last) in cases {
            for after in [0_u32, 7, 8, 200, 298, 299, 300] {
                let query = EventQuery::new([item.clone()]);
                let condition = Condition::none_match(query, Position::from(after));
                // Refused all the same: what matters is which conditions are named.
                let commit = Commit::new().when(condition);
                let holds = store.commit(commit).await.is_ok();
                let wanted = u64::from(after) >= last;
                assert_eq!(holds, wanted, "{item:?} after {after}, the last is {last}");
            }
        }
    }
}

/// P14: whether the folder of the index is gone or only what sled had in it, the index is rebuilt, and that is said.
#[tokio::test]
async fn an_index_whose_files_are_gone_is_rebuilt_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 30).await;
    let before = log(&store).await;
    store.shut_down().await;
    for entry in fs::read_dir(folder.path().join("index")).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            fs::remove_dir_all(entry.path()).unwrap();
        } else {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    let store = open(folder.path());
    assert!(store.report().rebuilt.is_some(), "{:?}", store.report());
    assert_eq!(log(&store).await, before);
    assert_index_agrees(&store).await;
}

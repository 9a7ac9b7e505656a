//! `$once`: the index says which commit used an idempotency key, and the log what its row is (P5, P10, P14).

use std::{
    collections::BTreeMap,
    fs,
    io::{Seek, SeekFrom, Write},
};

use annals_core::{
    Commit, CommitError, Digest, IdempotencyKey, LoggedTable, Once, ReadError, Receipt, Repetition, RowWrite, Scan,
    Store, Tenant,
};
use annals_store_sled::{SledOptions, SledStore};
use bytes::Bytes;

use crate::support::{event, open, segments};

fn once(tenant: &str, key: &str) -> Once {
    let tenant = (!tenant.is_empty()).then(|| Tenant::new(tenant).unwrap());
    let key = IdempotencyKey::new(key).unwrap().in_tenant(tenant);
    Once { digest: Digest::of(&[key.to_string().as_bytes()]), answer: format!("answer to {key}").into(), key }
}

/// Commits so many events to three streams, under a key.
async fn commit(store: &SledStore, once: &Once, events: usize) -> Result<Receipt, CommitError> {
    let events = (0..events).map(|number| event(&format!("s-{}", number % 3), "payload"));
    store.commit(Commit::of(events).once(once.clone())).await
}

async fn rows(store: &SledStore, scan: Scan) -> Vec<(Bytes, Bytes)> {
    let (mut rows, mut next) = (Vec::new(), Some(scan));
    while let Some(scan) = next {
        let page = store.scan(scan).await.unwrap();
        rows.extend(page.rows);
        next = page.next;
    }
    rows
}

/// By tenant and key: what was asked, and the first receipt.
type Used = BTreeMap<(String, String), (Once, Receipt)>;

async fn check(store: &SledStore, used: &Used) {
    for tenant in ["", "acme"] {
        let owner = (!tenant.is_empty()).then(|| Tenant::new(tenant).unwrap());
        let table = LoggedTable::ONCE.in_tenant(owner);
        let row = |((_, key), (once, receipt)): (&(String, String), &(Once, Receipt))| {
            let value = Repetition { digest: once.digest, receipt: receipt.clone() }.encode();
            (Bytes::from(key.clone()), value)
        };
        let wanted: Vec<_> = used.iter().filter(|((owner, _), _)| owner == tenant).map(row).collect();
        for limit in [1, 3, 1000] {
            let forward = Scan::all(table.clone()).limit(limit);
            assert_eq!(rows(store, forward.clone()).await, wanted);
            assert!(rows(store, forward.backward()).await.iter().rev().eq(&wanted));
        }
        let behind: Vec<_> = wanted.iter().filter(|(key, _)| key > "key-2").cloned().collect();
        assert_eq!(rows(store, Scan::all(table.clone()).after("key-2")).await, behind);
        let keys: Vec<_> = (0..9).map(|number| (table.clone().into(), Bytes::from(format!("key-{number}")))).collect();
        let found = store.get(&keys).await.unwrap();
        for ((table, key), found) in keys.into_iter().zip(found) {
            assert_eq!(found.as_ref(), wanted.iter().find(|(wanted, _)| *wanted == key).map(|(_, value)| value));
            assert_eq!(store.get(&[(table, key)]).await.unwrap(), [found]);
        }
    }
    for (once, receipt) in used.values() {
        let again = commit(store, once, 1).await.unwrap();
        assert_eq!(again, Receipt { repeated: true, ..receipt.clone() });
    }
}

/// P5, P14: the row of a key is the same from the tail, from the index, from both, and from an index that was built anew;
/// also of a large commit, of a key that was forgotten, and of one that was used again since.
#[tokio::test]
async fn keys_are_recognised_alike_from_tail_and_index() {
    for batch in [1_000_000, 4, 1] {
        let folder = tempfile::tempdir().unwrap();
        let options = SledOptions::new(folder.path()).index_batch_entries(batch);
        let store = SledStore::open(options.clone()).unwrap();
        let mut used = Used::new();
        for (number, events) in [0, 1, 700, 2, 1, 5].into_iter().enumerate() {
            for tenant in ["", "acme"] {
                let key = format!("key-{number}");
                let once = once(tenant, &key);
                let receipt = commit(&store, &once, events).await.unwrap();
                used.insert((tenant.to_owned(), key), (once, receipt));
            }
        }
        check(&store, &used).await;
        let forget = |key: &'static str| Commit::new().row(RowWrite::delete(LoggedTable::ONCE, key));
        for key in ["key-1", "key-4"] {
            store.commit(forget(key)).await.unwrap();
            used.remove(&(String::new(), key.to_owned()));
        }
        let again = once("", "key-4");
        let receipt = commit(&store, &again, 1).await.unwrap();
        assert!(!receipt.repeated, "it was forgotten");
        used.insert((String::new(), "key-4".to_owned()), (again, receipt));
        check(&store, &used).await;
        for rebuilt in [false, true] {
            store.shut_down().await;
            if rebuilt {
                fs::remove_dir_all(folder.path().join("index")).unwrap();
            }
            let store = SledStore::open(options.clone()).unwrap();
            assert_eq!(store.report().rebuilt.is_some(), rebuilt);
            check(&store, &used).await;
            store.shut_down().await;
        }
    }
}

/// P5: keys that were taken in from commits that the log does not have any more are noticed: those that come in their place would
/// be taken for them.
#[tokio::test]
async fn keys_of_commits_that_the_log_has_lost_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, &once("", "first"), 1).await.unwrap();
    store.shut_down().await;
    drop(store);
    let index = folder.path().join("index");
    fs::rename(index.join("once-1-1"), index.join("once-1-9")).unwrap();
    let error = SledStore::open(SledOptions::new(folder.path())).map(drop).unwrap_err().to_string();
    assert!(error.contains("its index has seen commit 9"), "{error}");
}

/// P10: a byte that is damaged in the commit of a key is reported, whoever asks for the key; nothing is done a second time.
#[tokio::test]
async fn damage_in_the_commit_of_a_key_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (first, second) = (once("", "first"), once("", "second"));
    for once in [&first, &second] {
        commit(&store, once, 3).await.unwrap();
    }
    let head = *store.head().borrow();
    store.shut_down().await;
    drop(store);
    // Opening looks at every byte of the last segment; what was written before is not in memory then.
    let store = open(folder.path());
    let segment = &segments(folder.path())[0];
    let (bytes, answer) = (fs::read(segment).unwrap(), b"answer to first");
    let at = bytes.windows(answer.len()).position(|window| window == answer).unwrap();
    let mut file = fs::File::options().write(true).open(segment).unwrap();
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(b"A").unwrap();
    let (table, key) = first.key.row();
    let found = store.get(&[(table.into(), key)]).await;
    assert!(matches!(found, Err(ReadError::Corrupt(_))), "{found:?}");
    let refused = commit(&store, &first, 3).await;
    assert!(matches!(refused, Err(CommitError::Unreadable(ReadError::Corrupt(_)))), "{refused:?}");
    assert_eq!(*store.head().borrow(), head);
    assert!(commit(&store, &second, 3).await.unwrap().repeated);
}

//! Cases 2.E.

use bytes::Bytes;
use proptest::prelude::*;

use crate::{
    account::{Account, AccountEvent, Deposit, DepositMany},
    testing::{FaultyStore, commit_of},
    *,
};

use super::SnapshotRow;

fn stream() -> StreamId {
    "account-a".parse().unwrap()
}

async fn open(store: &FaultyStore) -> Annals {
    Annals::over(store.clone()).cache(0).open().await.unwrap()
}

async fn deposit(annals: &Annals, count: u64) {
    annals.on::<Account>("a").send(DepositMany(vec![1; count as usize])).await.unwrap();
    annals.keeper().settle().await;
}

async fn row(annals: &Annals) -> Option<Bytes> {
    annals.store().get(&[SnapshotRow::key(&stream())]).await.unwrap().remove(0)
}

async fn snapshot_version(annals: &Annals) -> Option<u64> {
    let stream = stream();
    let snapshots = Account::snapshots().unwrap();
    let row = row(annals).await?;
    let kept = SnapshotRow::of(&stream).read(&snapshots, &row).unwrap();
    assert_eq!(kept.state.history.len() as u64, kept.version.get());
    Some(kept.version.get())
}

async fn put(annals: &Annals, value: Bytes) {
    let (table, key) = SnapshotRow::place(&stream());
    let rows = vec![DerivedWrite { table, key, value: Some(value) }];
    annals.store().apply(RowBatch { rows, ..RowBatch::default() }).await.unwrap();
}

#[tokio::test]
async fn snapshots_are_taken_when_enough_came_since_the_last() {
    // 2.E.2, with and without kept aggregates.
    for cache in [0, 10] {
        for (sends, expected) in [
            (&[9][..], None),
            (&[9, 1], Some(10)),
            (&[11], Some(11)),
            (&[10, 1], Some(10)),
            (&[10, 1, 9], Some(20)),
            (&[10, 1, 8, 2], Some(21)),
            (&[11, 10], Some(21)),
        ] {
            let annals = Annals::over(MemoryStore::new()).cache(cache).open().await.unwrap();
            for count in sends {
                deposit(&annals, *count).await;
            }
            assert_eq!(snapshot_version(&annals).await, expected, "{sends:?}");
        }
    }
}

#[tokio::test]
async fn loading_reads_only_what_is_behind_the_snapshot() {
    // 2.E.4 and 2.E.6.
    let store = FaultyStore::default();
    let annals = open(&store).await;
    deposit(&annals, 10).await;
    deposit(&annals, 3).await;
    store.take_records_read();
    let loaded = annals.on::<Account>("a").load().await.unwrap();
    assert_eq!((loaded.state.balance, loaded.version.get()), (13, 13));
    assert_eq!(store.take_records_read(), 4, "the snapshot's own event, to see that it is there, and three more");
    assert_eq!(annals.snapshot_counts().unusable, 0);
}

#[tokio::test]
async fn an_explicit_snapshot_is_taken_at_once() {
    // 2.E.8.
    let annals = open(&FaultyStore::default()).await;
    assert_eq!(annals.on::<Account>("a").snapshot().await.unwrap(), Version::ZERO);
    deposit(&annals, 5).await;
    assert_eq!(annals.on::<Account>("a").snapshot().await.unwrap().get(), 5);
    assert_eq!(snapshot_version(&annals).await, Some(5));
}

#[tokio::test]
async fn an_unusable_snapshot_is_ignored_counted_and_replaced() {
    // 2.E.8 and 2.E.10: damaged at any byte, cut, of another version of the code, of another stream.
    let annals = open(&FaultyStore::default()).await;
    deposit(&annals, 12).await;
    let good = row(&annals).await.unwrap();
    let mut bad: Vec<Bytes> = (0..good.len()).map(|end| good.slice(..end)).collect();
    bad.extend((0..good.len()).map(|at| {
        let mut bytes = good.to_vec();
        bytes[at] ^= 0x10;
        Bytes::from(bytes)
    }));
    let state = annals.on::<Account>("a").load().await.unwrap().state;
    let write = |snapshots: &Snapshots<Account>, stream: &StreamId| {
        let batch = SnapshotRow::of(stream).write(snapshots, &state, Version::from(12)).unwrap();
        batch.rows.into_iter().next().unwrap().value.unwrap()
    };
    let of = Account::snapshots().unwrap();
    bad.push(write(&Snapshots { version: 2, ..Account::snapshots().unwrap() }, &stream()));
    bad.push(write(&Snapshots { shape: "balance: u64", ..Account::snapshots().unwrap() }, &stream()));
    bad.push(write(&of, &"account-b".parse().unwrap()));
    bad.push(write(&Snapshots { encode: |_| Ok(Bytes::from_static(&[0xc0])), ..of }, &stream()));
    for (count, row) in bad.into_iter().enumerate() {
        put(&annals, row).await;
        let before = annals.snapshot_counts();
        let loaded = annals.on::<Account>("a").load().await.unwrap();
        assert_eq!((loaded.state.balance, loaded.version.get()), (12, 12), "{count}");
        annals.keeper().settle().await;
        assert_eq!(annals.snapshot_counts().unusable, before.unusable + 1, "{count}");
        assert_eq!(snapshot_version(&annals).await, Some(12), "{count}");
    }
}

#[tokio::test]
async fn a_snapshot_beyond_the_stream_is_not_used() {
    let annals = open(&FaultyStore::default()).await;
    deposit(&annals, 12).await;
    let future = row(&annals).await.unwrap();
    let annals = open(&FaultyStore::default()).await;
    deposit(&annals, 3).await;
    put(&annals, future).await;
    let executed = annals.on::<Account>("a").send(Deposit { amount: 1 }).await.unwrap();
    assert_eq!((executed.reply, annals.snapshot_counts().unusable), (4, 1));
    annals.keeper().settle().await;
    assert_eq!(snapshot_version(&annals).await, Some(4));
}

#[tokio::test]
async fn a_snapshot_that_panics_while_decoding_is_not_used() {
    let snapshots = Snapshots::<Account> { decode: |_| panic!("bad"), ..Account::snapshots().unwrap() };
    let stream = stream();
    let row = SnapshotRow::of(&stream);
    let batch = row.write(&snapshots, &Account::default(), Version::FIRST).unwrap();
    assert!(row.read(&snapshots, batch.rows[0].value.as_ref().unwrap()).is_none());
}

#[tokio::test]
async fn shutting_down_waits_for_snapshots() {
    let store = MemoryStore::new();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    for key in 0..50 {
        annals.on::<Account>(key.to_string()).send(DepositMany(vec![1; 10])).await.unwrap();
    }
    annals.shut_down().await;
    let counts = annals.snapshot_counts();
    assert_eq!((counts.taken, counts.failed, counts.dropped), (50, 0, 0));
    let error = annals.on::<Account>("0").send(Deposit { amount: 1 }).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Store(CommitError::ShutDown)), "{error:?}");
    let error = annals.on::<Account>("0").load().await.unwrap_err();
    assert!(matches!(error, LoadError::Read(ReadError::ShutDown)), "{error:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever is loaded at any version, with whatever snapshots, equals the fold from zero.
    #[test]
    fn a_state_equals_the_fold_from_zero(
        amounts in prop::collection::vec(0_u64..1000, 1..40),
        explicit in prop::collection::vec(any::<bool>(), 40),
        cache in 0_usize..2,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = MemoryStore::new();
            let annals = Annals::over(store.clone()).cache(cache).open().await.unwrap();
            let mut folded = Account::default();
            for (amount, explicit) in amounts.iter().zip(&explicit) {
                let event = AccountEvent::Deposited { amount: *amount };
                folded.evolve(&event);
                if *explicit {
                    annals.on::<Account>("a").snapshot().await.unwrap();
                    store.commit(commit_of::<Account>("a", [event])).await.unwrap();
                } else {
                    annals.on::<Account>("a").send(Deposit { amount: *amount }).await.unwrap();
                }
                let loaded = annals.on::<Account>("a").load().await.unwrap();
                assert_eq!(loaded.state, folded);
                assert_eq!(loaded.version.get(), folded.history.len() as u64);
            }
        });
    }
}

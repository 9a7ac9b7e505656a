//! Derived rows: batches, generations, epochs.

use annals_core::{
    ApplyError, Commit, ConsumerName, DerivedCondition, DerivedTable, DerivedWrite, Epoch, Expected, Generation,
    InvalidCommit, RowBatch, RowIs, RowWrite, Scan,
};
use bytes::Bytes;

use crate::{Harness, Setup, fixture::*};

fn batch(rows: impl IntoIterator<Item = DerivedWrite>) -> RowBatch {
    RowBatch { rows: rows.into_iter().collect(), ..RowBatch::default() }
}

fn is(key: &str, is: RowIs) -> DerivedCondition {
    DerivedCondition { table: derived("view"), key: Bytes::copy_from_slice(key.as_bytes()), is }
}

fn epoch(number: u64) -> Epoch {
    Epoch { consumer: ConsumerName::new("balances").expect("a valid name"), number }
}

async fn take_over(store: &Handle, number: u64) {
    let (table, key) = epoch(number).row();
    commit(store, Commit::new().row(RowWrite::put(table, key, epoch(number).to_row()))).await;
}

async fn apply(store: &Handle, batch: RowBatch) {
    store.apply(batch).await.expect("the batch is applied");
}

async fn generation(store: &Handle) -> Generation {
    let found = row(store, DerivedTable::GENERATION, "").await.expect("a generation");
    Generation::from_row(&found).expect("a generation's bytes")
}

/// Set, set again, deleted, in the order of the batch.
pub async fn derived_rows_are_seen_by_every_later_read<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let delete = |key: &str| DerivedWrite { value: None, ..derived_put("view", key, "") };
    apply(&store, batch([derived_put("view", "a", "1"), derived_put("view", "b", "1"), derived_put("view", "a", "2")]))
        .await;
    assert_eq!(row(&store, derived("view"), "a").await, Some("2".into()));
    apply(&store, batch([delete("a"), delete("x"), derived_put("view", "c", "")])).await;
    let found = rows(&store, Scan::all(derived("view"))).await;
    assert_eq!(found, [("b".into(), "1".into()), ("c".into(), "".into())]);
}

/// P6: every row of a batch is there, over several tables, as many as it has.
pub async fn a_batch_is_applied_whole<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for round in ["1", "2"] {
        let views = ["view", "other"].into_iter();
        let many = views.flat_map(|view| (0..500).map(move |n| derived_put(view, &format!("{n:03}"), round)));
        apply(&store, batch(many)).await;
        for view in ["view", "other"] {
            let found = rows(&store, Scan::all(derived(view))).await;
            assert_eq!(found.len(), 500);
            assert!(found.iter().all(|(_, value)| value == round));
        }
    }
}

/// F18: all failures are reported, and nothing of the batch is written.
pub async fn a_failed_condition_refuses_the_batch<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    apply(&store, batch([derived_put("view", "checkpoint", "1")])).await;
    let wrong = [is("checkpoint", RowIs::Equals("2".into())), is("checkpoint", RowIs::Absent)];
    let right = [is("checkpoint", RowIs::Equals("1".into())), is("new", RowIs::Absent)];
    let rows = [derived_put("view", "a", "1"), derived_put("view", "checkpoint", "2")];
    let before = contents(&store).await;
    let mut conditions = right.to_vec();
    conditions.extend(wrong.clone());
    let refused = store.apply(RowBatch { conditions, ..batch(rows.clone()) }).await;
    assert!(matches!(&refused, Err(ApplyError::Conflict { failed }) if *failed == wrong), "{refused:?}");
    assert_eq!(contents(&store).await, before);
    apply(&store, RowBatch { conditions: right.to_vec(), ..batch(rows.clone()) }).await;
    let refused = store.apply(RowBatch { conditions: right.to_vec(), ..batch(rows) }).await;
    assert!(matches!(&refused, Err(ApplyError::Conflict { failed }) if failed.len() == 1), "{refused:?}");
}

/// A batch that was computed for tables that are lost is refused.
pub async fn a_batch_of_another_generation_is_refused<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let actual = generation(&store).await;
    let rows = || batch([derived_put("view", "a", "1")]);
    let lost = Generation::random();
    let refused = store.apply(RowBatch { generation: Some(lost), ..rows() }).await;
    let Err(ApplyError::GenerationLost { expected, actual: found }) = refused else { panic!("{refused:?}") };
    assert_eq!((expected, found), (lost, actual));
    assert_eq!(row(&store, derived("view"), "a").await, None);
    apply(&store, RowBatch { generation: Some(actual), ..rows() }).await;
    assert_eq!(row(&store, derived("view"), "a").await, Some("1".into()));
}

/// P11: the epoch of a batch is that of the row of `$epochs`, neither lower nor higher, nor one that was never taken.
pub async fn an_epoch_must_be_the_latest<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let by = |number| RowBatch { epoch: Some(epoch(number)), ..batch([derived_put("view", "a", "1")]) };
    for (taken, wrong) in [(0, 1), (1, 2), (1, 0), (7, 1), (7, u64::MAX)] {
        if taken > 0 {
            take_over(&store, taken).await;
        }
        let refused = store.apply(by(wrong)).await;
        let Err(ApplyError::Fenced { consumer, expected, actual }) = refused else { panic!("{refused:?}") };
        assert_eq!((consumer.as_str(), expected, actual), ("balances", wrong, taken));
        assert_eq!(row(&store, derived("view"), "a").await, None);
    }
    apply(&store, by(7)).await;
    let other = Epoch { consumer: ConsumerName::new("balance").expect("a valid name"), number: 7 };
    let refused = store.apply(RowBatch { epoch: Some(other), ..batch([]) }).await;
    assert!(matches!(refused, Err(ApplyError::Fenced { actual: 0, .. })), "{refused:?}");
}

/// P11, F21: from the commit of the higher epoch on, the runner before cannot write.
pub async fn a_higher_epoch_fences_the_runner_before<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let by = |number: u64| {
        let key = format!("by-{number}");
        RowBatch { epoch: Some(epoch(number)), ..batch([derived_put("view", &key, "1")]) }
    };
    for number in 1..=20 {
        take_over(&store, number).await;
        let zombie = tokio::spawn({
            let (store, batch) = (store.clone(), by(number));
            async move {
                while store.apply(batch.clone()).await.is_ok() {
                    tokio::task::yield_now().await;
                }
            }
        });
        apply(&store, by(number)).await;
        take_over(&store, number + 1).await;
        let refused = store.apply(by(number)).await;
        assert!(matches!(refused, Err(ApplyError::Fenced { .. })), "{refused:?}");
        soon("the end of the runner before", zombie).await.expect("no panic");
    }
}

/// A batch is no commit: it is not numbered and wakes no reader of the log.
pub async fn batches_do_not_move_the_head<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("a-1", 1, Expected::Any)).await;
    let mut signal = store.head();
    let before = *signal.borrow_and_update();
    apply(&store, batch([derived_put("view", "a", "1")])).await;
    assert!(!signal.has_changed().expect("the store is open"));
    assert_eq!(*signal.borrow(), before);
    assert_eq!(commit(&store, append("a-1", 1, Expected::Any)).await.commit.get(), 2);
}

/// There is one from the beginning, and no batch can write it.
pub async fn the_generation_is_the_stores_own<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let other = H::create(Setup::default()).await;
    let store = harness.store();
    let before = generation(&store).await;
    assert_ne!(before, generation(&other.store()).await, "no two lives of derived tables share a generation");
    for value in [None, Some(Generation::random().to_row())] {
        let write = DerivedWrite { table: DerivedTable::GENERATION, key: Bytes::new(), value };
        let refused = store.apply(batch([derived_put("view", "a", "1"), write])).await;
        assert!(matches!(refused, Err(ApplyError::Invalid(InvalidCommit::SystemTable { .. }))), "{refused:?}");
    }
    assert_eq!(generation(&store).await, before);
    assert_eq!(row(&store, derived("view"), "a").await, None);
}

/// Rows that are right in every generation name none; `$snapshots` may be written.
pub async fn snapshots_need_no_generation<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let write = DerivedWrite { table: DerivedTable::SNAPSHOTS, key: "a-1".into(), value: Some("state".into()) };
    apply(&store, batch([write.clone()])).await;
    assert_eq!(row(&store, DerivedTable::SNAPSHOTS, "a-1").await, Some("state".into()));
    apply(&store, batch([DerivedWrite { value: None, ..write }])).await;
    assert_eq!(row(&store, DerivedTable::SNAPSHOTS, "a-1").await, None);
}

/// Either the generation is the same and everything is there, or it is another and nothing is.
pub async fn after_reopening_derived_rows_are_whole_or_lost<H: Harness>() {
    if !crate::survives::<H>("after_reopening_derived_rows_are_whole_or_lost") {
        return;
    }
    let mut harness = H::create(Setup::default()).await;
    let store = harness.store();
    let before = generation(&store).await;
    for n in 0..50 {
        let rows = [derived_put("view", &n.to_string(), "1"), derived_put("other", &n.to_string(), "1")];
        apply(&store, RowBatch { generation: Some(before), ..batch(rows) }).await;
    }
    drop(store);
    harness.reopen().await;
    let store = harness.store();
    let expected = if generation(&store).await == before { 50 } else { 0 };
    for view in ["view", "other"] {
        assert_eq!(rows(&store, Scan::all(derived(view))).await.len(), expected);
    }
}

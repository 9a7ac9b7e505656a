//! Faults in commits and batches.

use std::sync::Arc;

use annals_core::{
    ApplyError, Commit, CommitError, Condition, IdempotencyKey, LoggedTable, Once, ReadError, Receipt, Repetition,
    RowBatch, RowWrite, Store, Table,
};
use async_trait::async_trait;
use bytes::Bytes;

use super::Fault;

/// A fault that changes commits on their way in.
macro_rules! spoils_commits {
    ($(#[$doc:meta])* $name:ident, $breaks:expr, |$commit:ident| $spoil:expr) => {
        $(#[$doc])*
        pub struct $name;

        #[async_trait]
        impl Fault for $name {
            const BREAKS: &'static [&'static str] = $breaks;

            fn new(_: &Arc<dyn Store>, _: u64) -> Self {
                Self
            }

            async fn commit(&self, store: &Arc<dyn Store>, mut $commit: Commit) -> Result<Receipt, CommitError> {
                $spoil;
                store.commit($commit).await
            }
        }
    };
}

/// A fault that changes batches on their way in.
macro_rules! spoils_batches {
    ($(#[$doc:meta])* $name:ident, $breaks:expr, |$batch:ident| $spoil:expr) => {
        $(#[$doc])*
        pub struct $name;

        #[async_trait]
        impl Fault for $name {
            const BREAKS: &'static [&'static str] = $breaks;

            fn new(_: &Arc<dyn Store>, _: u64) -> Self {
                Self
            }

            async fn apply(&self, store: &Arc<dyn Store>, mut $batch: RowBatch) -> Result<(), ApplyError> {
                $spoil;
                store.apply($batch).await
            }
        }
    };
}

spoils_commits! {
    /// Every expectation of a stream counts as `Any`.
    SkipsVersionCheck,
    &[
        "conditions::stale_version_is_refused_with_what_was_found",
        "conditions::versions_below_and_above_the_head_are_refused",
        "concurrency::one_of_many_writers_wins",
        "concurrency::no_update_is_lost",
    ],
    |commit| commit.conditions.retain(|condition| !matches!(condition, Condition::Stream { .. }))
}

spoils_commits! {
    /// `NoneMatch` always holds.
    IgnoresBoundaries,
    &[
        "boundary::matching_records_refuse_the_commit",
        "concurrency::one_of_many_boundaries_wins",
        "concurrency::one_of_many_decisions_wins",
    ],
    |commit| commit.conditions.retain(|condition| !matches!(condition, Condition::NoneMatch { .. }))
}

spoils_commits! {
    /// Conditions on rows always hold.
    IgnoresRowConditions,
    &[
        "rows::row_conditions_hold_or_refuse",
        "rows::a_row_can_be_claimed_once",
        "prune::a_key_that_is_used_again_while_it_is_pruned_is_kept",
        "names::one_of_many_claims_wins",
        "names::names_are_held_over_reopening",
    ],
    |commit| commit.conditions.retain(|condition| !matches!(condition, Condition::Row { .. }))
}

spoils_commits! {
    /// Only the first half of the events of a commit is written.
    TearsBatches,
    &[
        "append::events_of_one_commit_may_alternate_between_streams",
        "append::a_thousand_events_are_one_commit",
        "concurrency::batches_do_not_interleave",
        "concurrency::no_reader_sees_half_a_commit",
        "cancel::a_dropped_commit_is_whole_or_absent",
    ],
    |commit| commit.events.truncate(commit.events.len().div_ceil(2))
}

spoils_commits! {
    /// Idempotency keys are not kept.
    ForgetsKeys,
    &[
        "once::a_repeated_key_gives_the_first_receipt_and_answer",
        "once::another_request_under_the_key_is_refused",
        "once::many_senders_of_one_key_write_once",
        "keyed::a_decision_without_events_is_recorded_and_answered",
        "keyed::a_key_belongs_to_one_command_content_and_target",
        "keyed::a_refusal_is_not_recorded_and_its_key_works_later",
        "keyed::a_dropped_command_is_resolved_by_sending_it_again",
        "keyed::a_command_that_loses_against_a_time_out_is_resolved_by_sending_it_again",
        "keyed::many_senders_of_one_key_have_one_effect_and_one_answer",
        "keyed::a_repetition_is_answered_before_anything_is_loaded",
        "prune::pruned_keys_work_again_and_kept_ones_answer",
    ],
    |commit| commit.once = None
}

spoils_commits! {
    /// The rows that close streams are not written.
    ForgetsToClose,
    &["closed::a_closed_stream_takes_no_events", "closed::a_commit_may_append_and_close"],
    |commit| commit.rows.retain(|row| row.table.name() != LoggedTable::CLOSED.name())
}

spoils_batches! {
    /// The last row of a batch of several is not written.
    LosesDerivedSuffix,
    &["apply::a_batch_is_applied_whole", "cancel::a_dropped_batch_is_whole_or_absent", "scan::derived_tables_scan_alike"],
    |batch| if batch.rows.len() > 1 { batch.rows.pop(); }
}

spoils_batches! {
    /// A runner that was replaced goes on writing.
    IgnoresEpochs,
    &["apply::an_epoch_must_be_the_latest", "apply::a_higher_epoch_fences_the_runner_before"],
    |batch| batch.epoch = None
}

spoils_batches! {
    /// Batches for tables that are lost are applied.
    IgnoresGenerations,
    &["apply::a_batch_of_another_generation_is_refused"],
    |batch| batch.generation = None
}

/// Only the first failed condition is reported.
pub struct ReportsFirstFailure;

#[async_trait]
impl Fault for ReportsFirstFailure {
    const BREAKS: &'static [&'static str] = &[
        "conditions::all_failures_are_reported_in_the_order_of_the_commit",
        "closed::closed_streams_are_named_with_all_failures",
    ];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self
    }

    async fn commit(&self, store: &Arc<dyn Store>, commit: Commit) -> Result<Receipt, CommitError> {
        store.commit(commit).await.map_err(|mut error| {
            if let CommitError::Conflict { failures } | CommitError::Closed { failures, .. } = &mut error {
                failures.truncate(1);
            }
            error
        })
    }
}

/// Each event becomes a commit of its own, one after the other.
pub struct CommitsOneByOne;

#[async_trait]
impl Fault for CommitsOneByOne {
    const BREAKS: &'static [&'static str] = &[
        "append::receipt_names_what_the_commit_was_given",
        "concurrency::batches_do_not_interleave",
        "concurrency::no_reader_sees_half_a_commit",
        "cancel::a_dropped_commit_is_whole_or_absent",
        "dropped::every_future_of_the_contract_can_be_dropped",
        "dropped::a_runtime_that_ends_leaves_commits_whole_or_absent",
    ];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self
    }

    async fn commit(&self, store: &Arc<dyn Store>, mut commit: Commit) -> Result<Receipt, CommitError> {
        let later = commit.events.split_off(commit.events.len().min(1));
        let mut receipt = store.commit(commit).await?;
        if receipt.repeated {
            return Ok(receipt);
        }
        for event in later {
            tokio::task::yield_now().await;
            receipt = store.commit(Commit::of([event])).await?;
        }
        Ok(receipt)
    }
}

/// Idempotency keys are known until the store is opened again.
pub struct ForgetsKeysOnReopen {
    life: u64,
}

impl ForgetsKeysOnReopen {
    /// Each life knows its own keys alone.
    fn known_as(&self, key: &str) -> String {
        if self.life == 0 { key.to_owned() } else { format!("{key} in life {}", self.life) }
    }
}

#[async_trait]
impl Fault for ForgetsKeysOnReopen {
    const BREAKS: &'static [&'static str] = &[
        "once::keys_are_known_after_reopening",
        "keyed::a_repetition_after_a_restart_gets_the_first_answer",
        "prune::pruned_keys_stay_pruned_after_reopening",
    ];

    fn new(_: &Arc<dyn Store>, life: u64) -> Self {
        Self { life }
    }

    async fn commit(&self, store: &Arc<dyn Store>, mut commit: Commit) -> Result<Receipt, CommitError> {
        if let Some(once) = &mut commit.once {
            let key = IdempotencyKey::new(self.known_as(once.key.as_str())).expect("a valid key");
            *once = Once { key: key.in_tenant(once.key.tenant().cloned()), ..once.clone() };
        }
        store.commit(commit).await
    }

    async fn get(&self, store: &Arc<dyn Store>, keys: &[(Table, Bytes)]) -> Result<Vec<Option<Bytes>>, ReadError> {
        let known_as = |(table, key): &(Table, Bytes)| match table {
            Table::Logged(once) if once.name() == LoggedTable::ONCE.name() => {
                let text = std::str::from_utf8(key).expect("the key is text");
                (table.clone(), self.known_as(text).into())
            }
            _ => (table.clone(), key.clone()),
        };
        store.get(&keys.iter().map(known_as).collect::<Vec<_>>()).await
    }
}

/// Idempotency keys that were forgotten are known again once the store was opened again.
pub struct RemembersPrunedKeysOnReopen {
    life: u64,
}

/// Where the fault keeps what it brings back.
fn pruned() -> LoggedTable {
    LoggedTable::new("pruned").expect("a valid table")
}

impl RemembersPrunedKeysOnReopen {
    /// Takes down what `commit` forgets.
    async fn keep(store: &Arc<dyn Store>, commit: &mut Commit) -> Result<(), CommitError> {
        let forgets = |row: &&RowWrite| row.table.name() == LoggedTable::ONCE.name() && row.value.is_none();
        for row in commit.rows.iter().filter(forgets).cloned().collect::<Vec<_>>() {
            let found = store.get(&[(row.table.clone().into(), row.key.clone())]).await?;
            let tenant = row.table.tenant().cloned();
            let found = found.into_iter().flatten();
            commit
                .rows
                .extend(found.map(|value| RowWrite::put(pruned().in_tenant(tenant.clone()), row.key.clone(), value)));
        }
        Ok(())
    }

    /// Uses the key of `commit` as it was before it was forgotten.
    async fn bring_back(store: &Arc<dyn Store>, commit: &Commit) -> Result<(), CommitError> {
        let Some(once) = &commit.once else { return Ok(()) };
        let (table, key) = (pruned().in_tenant(once.key.tenant().cloned()), once.key.row().1);
        for value in store.get(&[(table.clone().into(), key.clone())]).await?.into_iter().flatten() {
            let Repetition { digest, receipt } = Repetition::decode(&value).expect("a repetition");
            let first = Once { key: once.key.clone(), digest, answer: receipt.answer };
            store.commit(Commit::new().once(first).row(RowWrite::delete(table.clone(), key.clone()))).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Fault for RemembersPrunedKeysOnReopen {
    const BREAKS: &'static [&'static str] = &["prune::pruned_keys_stay_pruned_after_reopening"];

    fn new(_: &Arc<dyn Store>, life: u64) -> Self {
        Self { life }
    }

    async fn commit(&self, store: &Arc<dyn Store>, mut commit: Commit) -> Result<Receipt, CommitError> {
        Self::keep(store, &mut commit).await?;
        if self.life > 0 {
            Self::bring_back(store, &commit).await?;
        }
        store.commit(commit).await
    }
}

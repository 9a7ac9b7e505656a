//! The list of all cases, and what is made of it.

use std::{future::Future, pin::Pin, time::Duration};

/// How long one case may take before it counts as hanging.
const DEADLINE: Duration = Duration::from_secs(120);

/// One case of the suite, for a store behind one harness.
#[derive(Clone, Copy)]
pub struct Case {
    /// The subject and the claim: `append::first_event_is_version_1`.
    pub name: &'static str,
    /// Runs it; it panics when the claim does not hold.
    pub run: fn() -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Runs one case on a runtime of its own. For [`suite!`](crate::suite).
pub fn run(case: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        tokio::time::timeout(DEADLINE, case).await.expect("the case ends within its deadline");
    });
}

/// Gives the list of all cases to the macro `then`, behind `with`.
#[macro_export]
macro_rules! for_each_case {
    ([$($then:tt)*] $with:tt) => {
        $($then)*! { $with
            append {
                first_event_is_version_1_at_position_1,
                versions_advance_with_every_append,
                appends_without_expectation_all_succeed,
                numbers_are_dense_across_streams_and_commits,
                receipt_names_what_the_commit_was_given,
                events_of_one_commit_may_alternate_between_streams,
                a_commit_of_nothing_writes_nothing,
                rows_without_events_are_a_numbered_commit,
                refused_commits_use_up_no_numbers,
                event_ids_are_carried_and_not_compared,
                records_come_back_as_they_were_given,
                tags_are_a_set,
                any_bytes_are_a_payload,
                the_longest_names_are_accepted,
                a_thousand_events_are_one_commit,
            }
            conditions {
                stale_version_is_refused_with_what_was_found,
                versions_below_and_above_the_head_are_refused,
                every_expectation_means_what_it_says,
                a_stream_without_events_in_the_commit_is_checked,
                checking_a_stream_does_not_create_it,
                all_failures_are_reported_in_the_order_of_the_commit,
                one_stale_stream_refuses_the_whole_commit,
                conditions_see_the_state_before_the_commit,
                conditions_without_events_are_checked,
                a_condition_may_be_given_twice,
            }
            boundary {
                matching_records_refuse_the_commit,
                the_commit_passes_when_nothing_matches,
                after_is_exclusive,
                a_receipt_is_the_place_to_look_from,
                tenants_do_not_see_each_other,
                the_own_events_do_not_count,
                a_query_for_everything_is_legal,
                streams_categories_and_types_restrict_together,
                tags_that_look_alike_are_kept_apart,
                old_matches_deep_in_the_log_are_found,
            }
            once {
                a_repeated_key_gives_the_first_receipt_and_answer,
                a_repetition_is_known_before_conditions_are_looked_at,
                another_request_under_the_key_is_refused,
                what_a_repetition_carries_is_not_looked_at,
                another_key_writes_again,
                a_keyed_commit_without_events_is_written,
                a_refused_commit_leaves_its_key_free,
                a_repetition_is_known_after_its_stream_was_closed,
                tenants_keep_their_keys_apart,
                a_deleted_row_forgets_its_key,
                the_row_of_a_key_holds_digest_and_receipt,
                many_senders_of_one_key_write_once,
                keys_are_known_after_reopening,
            }
            keyed {
                a_repetition_after_a_restart_gets_the_first_answer,
                a_decision_without_events_is_recorded_and_answered,
                a_key_belongs_to_one_command_content_and_target,
                a_refusal_is_not_recorded_and_its_key_works_later,
                a_dropped_command_is_resolved_by_sending_it_again,
                a_command_that_loses_against_a_time_out_is_resolved_by_sending_it_again,
                many_senders_of_one_key_have_one_effect_and_one_answer,
                a_repetition_is_answered_before_anything_is_loaded,
            }
            prune {
                pruned_keys_work_again_and_kept_ones_answer,
                pruned_keys_stay_pruned_after_reopening,
                a_rebuilt_index_agrees_about_pruned_keys,
                a_key_that_is_used_again_while_it_is_pruned_is_kept,
                commands_beside_a_prune_keep_their_keys,
                a_dropped_prune_leaves_whole_pieces_and_goes_on,
            }
            closed {
                a_closed_stream_takes_no_events,
                closed_streams_are_named_with_all_failures,
                a_closed_stream_reads_as_before,
                closing_twice_changes_nothing,
                a_commit_may_append_and_close,
                a_stream_without_events_can_be_closed,
                only_the_named_stream_is_closed,
                a_commit_may_expect_a_closed_stream,
                closed_streams_stay_closed_after_reopening,
            }
            streams {
                streams_are_listed_in_order_with_their_first_position,
                a_prefix_lists_a_category,
                a_listing_in_pages_is_stable_while_streams_come,
                tenants_list_their_own_streams,
                refused_commits_list_no_stream,
                a_stream_is_never_found_under_another_id,
                ids_are_refused_or_kept_byte_for_byte,
                any_set_of_ids_is_kept_apart,
            }
            reads {
                every_range_direction_and_limit_is_a_slice,
                a_stream_that_holds_nothing_reads_as_empty,
                streams_are_kept_apart,
                as_of_a_position_or_time_later_records_are_not_seen,
                a_read_that_has_begun_sees_nothing_later,
                a_long_stream_reads_alike_in_pieces_and_at_once,
            }
            log {
                the_log_is_in_the_order_of_commits,
                every_start_direction_and_limit_is_a_slice,
                a_query_selects_by_type_and_tag,
                a_query_selects_by_stream_category_and_tenant,
                as_of_a_position_or_time_later_records_are_not_seen,
                the_latest_of_a_type_is_one_backward_read,
                a_read_that_has_begun_sees_nothing_later,
                a_long_log_reads_alike_in_pieces_and_at_once,
            }
            time {
                recorded_time_is_the_committers,
                recorded_time_never_decreases,
                occurred_is_as_given_else_recorded,
                nothing_but_times_depends_on_the_clock,
            }
            rows {
                rows_are_put_and_deleted,
                the_last_write_of_a_row_wins,
                rows_and_events_are_one_commit,
                row_conditions_hold_or_refuse,
                a_row_can_be_claimed_once,
                row_conditions_see_the_state_before_the_commit,
                tables_and_tenants_are_kept_apart,
                keys_are_any_bytes_up_to_the_limit,
                large_values_come_back_whole,
                get_answers_in_the_order_asked,
                the_stores_own_tables_are_guarded,
            }
            names {
                there_is_no_key_before_one_is_made,
                a_key_is_made_once_and_stays,
                callers_at_once_get_one_key,
                names_are_held_over_reopening,
                one_of_many_claims_wins,
            }
            scan {
                every_range_and_direction_is_a_slice,
                a_prefix_holds_its_keys_and_no_other,
                no_page_exceeds_its_limit,
                pages_go_on_while_rows_come_and_go,
                derived_tables_scan_alike,
                a_row_that_is_looked_up_stands_in_place_of_its_key,
                entries_whose_rows_are_missing_are_left_out,
            }
            apply {
                derived_rows_are_seen_by_every_later_read,
                a_batch_is_applied_whole,
                a_failed_condition_refuses_the_batch,
                a_batch_of_another_generation_is_refused,
                an_epoch_must_be_the_latest,
                a_higher_epoch_fences_the_runner_before,
                batches_do_not_move_the_head,
                the_generation_is_the_stores_own,
                snapshots_need_no_generation,
                after_reopening_derived_rows_are_whole_or_lost,
            }
            head {
                an_empty_store_begins_at_zero,
                every_commit_moves_the_head_to_its_receipt,
                only_commits_that_write_move_the_head,
                a_commit_wakes_who_waits,
                what_the_head_names_can_be_read,
            }
            follow {
                history_is_followed_by_the_present,
                an_empty_store_can_be_followed,
                following_begins_behind_a_position,
                only_matching_records_are_given,
                a_slow_follower_misses_nothing,
                nothing_is_missed_or_repeated_under_writers,
            }
            concurrency {
                one_of_many_writers_wins,
                one_of_many_boundaries_wins,
                one_of_many_decisions_wins,
                no_update_is_lost,
                batches_do_not_interleave,
                no_reader_skips_a_position,
                no_reader_sees_half_a_commit,
                rows_of_one_commit_are_seen_together,
                rows_of_both_kinds_are_read_at_one_moment,
                an_entry_and_its_row_are_of_one_moment,
            }
            cancel {
                a_commit_that_was_never_polled_wrote_nothing,
                a_dropped_commit_is_whole_or_absent,
                an_aborted_task_leaves_a_commit_whole_or_absent,
                a_dropped_batch_is_whole_or_absent,
            }
            dropped {
                every_future_of_the_contract_can_be_dropped,
                a_dropped_shut_down_leaves_the_store_open_or_shut,
                every_future_of_annals_can_be_dropped,
                a_commit_that_loses_against_a_time_out_is_whole_or_absent,
                a_runtime_that_ends_leaves_commits_whole_or_absent,
            }
            shut_down {
                everything_answers_shut_down,
                shutting_down_twice_is_no_error,
                commits_under_way_are_finished_or_refused,
                a_follower_ends,
            }
            limits {
                payloads_are_limited,
                metadata_is_limited,
                tags_are_limited,
                rows_are_limited,
                answers_are_limited,
                counts_are_limited,
                the_whole_commit_is_limited,
                batches_are_limited,
            }
            bad_inputs {
                every_row_is_taken_or_refused_as_it_should,
                hostile_ids_are_kept_apart,
                hostile_snapshots_change_nothing,
                targets_that_cannot_be_decided_about_are_refused,
                events_that_cannot_be_stored_are_refused,
                ten_thousand_events_are_one_decision,
                a_closed_stream_takes_no_decision,
                a_decision_that_emits_nothing_writes_nothing,
                keys_of_other_requests_are_refused,
            }
            durable {
                everything_is_there_after_reopening,
                numbers_go_on_after_reopening,
                conditions_hold_after_reopening,
            }
        }
    };
}

/// All cases, for a store behind the harness `H`.
#[must_use]
pub fn cases<H: crate::Harness>() -> Vec<Case> {
    macro_rules! collect {
        ([$harness:ty] $($subject:ident { $($claim:ident,)* })*) => {
            vec![$($(Case {
                name: concat!(stringify!($subject), "::", stringify!($claim)),
                run: || Box::pin(crate::$subject::$claim::<$harness>()),
            },)*)*]
        };
    }
    crate::for_each_case!([collect][H])
}

/// Makes a test of every case, of the comparison with the model and of concurrent histories, for the store behind a harness.
///
/// ```
/// use annals_conformance::MemoryHarness;
/// annals_conformance::suite!(MemoryHarness);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! suite {
    ($harness:ty) => {
        $crate::for_each_case! { [$crate::suite_tests] [$harness] }

        #[test]
        fn store_agrees_with_the_model() {
            $crate::model::check::<$harness>();
        }

        #[test]
        fn every_history_is_explained() {
            $crate::histories::check::<$harness>();
        }
    };
}

/// Part of [`suite!`](crate::suite).
#[doc(hidden)]
#[macro_export]
macro_rules! suite_tests {
    ([$harness:ty] $($subject:ident { $($claim:ident,)* })*) => {
        $(mod $subject {
            use super::*;
            $(
                #[test]
                fn $claim() {
                    $crate::run($crate::$subject::$claim::<$harness>());
                }
            )*
        })*
    };
}

/// Whether the store comes back after a restart. Says aloud which case does not apply where it does not.
pub fn survives<H: crate::Harness>(case: &str) -> bool {
    if !H::SURVIVES {
        eprintln!("{case} does not apply: this store does not survive a restart");
    }
    H::SURVIVES
}

//! The suite bites: every planted fault turns the cases red that it must, and without a fault all are green.

use std::time::Duration;

use annals_conformance::{histories, model, planted::*};

macro_rules! bites {
    ($($test:ident: $fault:ty,)*) => {
        $(
            #[test]
            fn $test() {
                bites::<$fault>();
            }
        )*
    };
}

bites! {
    notices_a_skipped_version_check: SkipsVersionCheck,
    notices_ignored_boundaries: IgnoresBoundaries,
    notices_ignored_row_conditions: IgnoresRowConditions,
    notices_a_report_of_the_first_failure_only: ReportsFirstFailure,
    notices_torn_batches: TearsBatches,
    notices_events_committed_one_by_one: CommitsOneByOne,
    notices_forgotten_keys: ForgetsKeys,
    notices_keys_forgotten_on_reopening: ForgetsKeysOnReopen,
    notices_pruned_keys_known_again_on_reopening: RemembersPrunedKeysOnReopen,
    notices_a_tail_lost_on_reopening: LosesTailOnReopen,
    notices_streams_that_are_not_closed: ForgetsToClose,
    notices_a_lost_suffix_of_derived_rows: LosesDerivedSuffix,
    notices_ignored_epochs: IgnoresEpochs,
    notices_ignored_generations: IgnoresGenerations,
    notices_a_reordered_log: Reorders,
    notices_positions_given_out_before_the_commit: ShowsOutOfOrder,
    notices_reads_of_an_older_state: ReadsLate,
    notices_a_head_announced_early: AnnouncesEarly,
    notices_a_forgotten_signal: ForgetsToSignal,
    notices_an_inclusive_start: IncludesAfter,
    notices_streams_found_by_prefix: MixesPrefixes,
    notices_a_read_that_goes_on: ReadsOnAndOn,
    notices_rows_read_one_by_one: GetsOneByOne,
    notices_rows_that_are_not_looked_up: GivesKeysOfRows,
    notices_missing_rows_that_are_shown: ShowsMissingRows,
    notices_rows_looked_up_at_another_moment: LooksUpLater,
    notices_pages_that_go_on_by_the_keys_of_rows: GoesOnByKeysOfRows,
    notices_time_that_decreases: LetsTimeDecrease,
    notices_a_renewed_name_key: RenewsNameKey,
    notices_a_name_key_for_each_caller: DealsNameKeys,
    notices_a_name_key_that_nobody_asked_for: MakesNameKeyUnasked,
}

#[test]
fn without_a_fault_every_case_is_green() {
    // Memory that was shut down cannot be opened again; every other case about restarts runs behind the wrapping.
    let expected = [
        "dropped::a_dropped_shut_down_leaves_the_store_open_or_shut",
        "shut_down::commits_under_way_are_finished_or_refused",
    ];
    assert_eq!(red::<Nothing>(Duration::from_secs(60)), expected);
}

/// T5: each of these faults makes histories that nothing explains.
#[test]
fn the_checker_of_histories_notices_faults() {
    let compare = || histories::compare::<Planted>(histories::Size { histories: 20, operations: 400 });
    assert_eq!(Planted::with::<Nothing, _>(compare), Ok(()));
    for (fault, compared) in [
        ("a lost update", Planted::with::<SkipsVersionCheck, _>(compare)),
        ("a head announced early", Planted::with::<AnnouncesEarly, _>(compare)),
        ("a skipped position", Planted::with::<ShowsOutOfOrder, _>(compare)),
        ("a read of an older state", Planted::with::<ReadsLate, _>(compare)),
        ("rows read one by one", Planted::with::<GetsOneByOne, _>(compare)),
        ("a commit in pieces", Planted::with::<CommitsOneByOne, _>(compare)),
        ("a forgotten key", Planted::with::<ForgetsKeys, _>(compare)),
        ("a reordered log", Planted::with::<Reorders, _>(compare)),
    ] {
        eprintln!("{fault}: {compared:?}");
        assert!(compared.is_err(), "the checker must notice {fault}");
    }
}

#[test]
fn the_model_notices_faults_too() {
    let compare = || model::compare::<Planted>(20_000).map(drop);
    assert_eq!(Planted::with::<Nothing, _>(compare), Ok(()));
    for (fault, compared) in [
        ("a skipped version check", Planted::with::<SkipsVersionCheck, _>(compare)),
        ("a report of the first failure only", Planted::with::<ReportsFirstFailure, _>(compare)),
        ("a reordered log", Planted::with::<Reorders, _>(compare)),
        ("torn batches", Planted::with::<TearsBatches, _>(compare)),
        ("a lost suffix of derived rows", Planted::with::<LosesDerivedSuffix, _>(compare)),
        ("keys forgotten on reopening", Planted::with::<ForgetsKeysOnReopen, _>(compare)),
        ("ignored epochs", Planted::with::<IgnoresEpochs, _>(compare)),
    ] {
        assert!(compared.is_err(), "the model must notice {fault}");
    }
}

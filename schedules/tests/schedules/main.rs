//! T6: the sources of the store, with locks, channels and threads under a scheduler, in many orders (P2, P3, P5, P9, P11, F1,
//! F14, F15). Time never passes there, so that no order is saved by a timeout, and one in which all wait is a failure.
//!
//! 400 seeds of each scenario, or as many as `ANNALS_SOAK_SCHEDULES` says; an even seed takes the next step at random, an
//! odd one by priorities that change at few places. A failure names the seed: `ANNALS_SEED=<seed>` runs it alone. Each
//! planted fault must be found by the scenario that is about it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test may fail, and speak")]

mod scenarios;
mod stores;

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::atomic::{AtomicUsize, Ordering},
    time::SystemTime,
};

use shuttle::{
    Config, FailurePersistence, Runner,
    scheduler::{PctScheduler, RandomScheduler, Scheduler},
};

use scenarios::Scenario;
use stores::Open;

/// Stacks are as large as sled and the codec need.
const STACK_BYTES: usize = 1 << 20;
/// More than this, and something turns in a circle.
const STEPS_MAX: usize = 200_000;
/// How often a schedule by priorities changes them. Its first run only measures how long it is.
const CHANGES: usize = 3;
const RUNS_BY_PRIORITY: usize = 4;
/// A planted fault must be found by then.
const SEEDS_OF_A_FAULT: u64 = 20_000;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|number| number.parse().unwrap())
}

/// Runs `scenario` in the schedules of one seed; how many they were.
fn run(seed: u64, scenario: Scenario, open: Open) -> usize {
    if seed.is_multiple_of(2) {
        run_with(RandomScheduler::new_from_seed(seed, 1), scenario, open)
    } else {
        run_with(PctScheduler::new_from_seed(seed, CHANGES, RUNS_BY_PRIORITY), scenario, open)
    }
}

fn run_with(scheduler: impl Scheduler + 'static, scenario: Scenario, open: Open) -> usize {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.failure_persistence = FailurePersistence::None;
    config.silence_warnings = true;
    config.max_steps = shuttle::MaxSteps::FailAfter(STEPS_MAX);
    // Outside of the schedules: of one that fails, nothing is cleaned up.
    let (folder, runs) = (stores::folder(), AtomicUsize::new(0));
    let path = folder.path().to_owned();
    Runner::new(scheduler, config).run(move || {
        let store = path.join(runs.fetch_add(1, Ordering::Relaxed).to_string());
        scenario(&|entries| open(&store, entries));
    })
}

/// Every schedule of the sources as they stand is right.
fn holds(name: &str, scenario: Scenario) {
    let seeds = match number("ANNALS_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let first = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros() as u64;
            first..first + number("ANNALS_SOAK_SCHEDULES").unwrap_or(400)
        }
    };
    println!("{name}: repeat with ANNALS_SEED={}", seeds.start);
    let mut schedules = 0;
    for seed in seeds {
        match catch_unwind(AssertUnwindSafe(|| run(seed, scenario, stores::as_it_stands))) {
            Ok(count) => schedules += count,
            Err(panic) => {
                eprintln!("{name}: repeat with ANNALS_SEED={seed}");
                resume_unwind(panic);
            }
        }
    }
    println!("soak: schedules={schedules}");
}

/// Some schedule finds the fault.
fn finds(fault: &str, scenario: Scenario, open: Open) {
    let seeds = 0..SEEDS_OF_A_FAULT;
    let found = seeds.into_iter().find(|seed| catch_unwind(AssertUnwindSafe(|| run(*seed, scenario, open))).is_err());
    println!("{fault}: {found:?}");
    assert!(found.is_some(), "{fault} was planted, and no schedule found it");
}

macro_rules! scenarios {
    ($($scenario:ident finds [$($fault:ident),*])*) => {
        $(#[test]
        fn $scenario() {
            holds(stringify!($scenario), scenarios::$scenario);
        })*

        mod planted {
            $($(#[test]
            fn $fault() {
                super::finds(stringify!($fault), super::scenarios::$scenario, super::stores::planted::$fault);
            })*)*
        }
    };
}

scenarios! {
    the_queue_lets_everyone_in finds [permits_are_kept]
    what_the_head_names_can_be_read finds [head_before_contents, tail_is_dropped_early]
    commits_wait_for_the_index_and_go_on finds [backlog_is_not_told]
    batches_wait_for_the_index_and_go_on finds [batches_listen_late]
    rows_of_a_commit_are_read_as_of_one_moment finds [pins_hold_nothing]
    rows_of_a_batch_are_read_as_of_one_moment finds []
    an_entry_and_its_row_are_of_one_moment finds [moved_parts_are_missed]
    a_key_takes_effect_once finds [old_looks_count]
    an_epoch_that_ended_changes_nothing finds [epochs_end_at_once]
    everyone_is_answered_when_the_store_is_shut_down finds [stop_wakes_nobody]
}

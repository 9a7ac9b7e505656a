//! Each single call to sled fails, panics or ends the process, also within a step in which the index takes a batch in
//! (T2; F2, F13; P1, P2, P14).
//!
//! Three workloads; of their calls one in so many on every push, each in the soak.

use std::{
    collections::BTreeSet,
    io::ErrorKind,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use annals_conformance::soak;
use annals_store_sled::SledOptions;

use crate::support::{
    faults::{Failure, Fault, Moment, block_on, calls, child, folder, has, is_on_sled, run_in_child, verify},
    workload::Workload,
};

/// Streams of more than a chunk of places, pages that are split, values in pieces, pages that become empty.
const fn workload(seed: u64) -> Workload {
    Workload { seed, sessions: 2, steps: 3, events: 60, payload_bytes: 40, row_bytes: 9000 }
}

const SEEDS: [u64; 3] = [1, 2, 3];

fn options(path: &Path) -> SledOptions {
    SledOptions::new(path).index_batch_entries(60)
}

/// One call of a workload.
#[derive(Debug, Clone)]
struct Point {
    seed: u64,
    name: String,
    number: usize,
}

fn stride(name: &str) -> usize {
    soak::size(name, 12) as usize
}

/// One in `stride` calls to sled of each workload, not the same ones of each.
fn points(stride: usize, is_wanted: impl Fn(&str) -> bool) -> Vec<Point> {
    let mut points = Vec::new();
    let mut names = BTreeSet::new();
    for seed in SEEDS {
        let calls = calls(&workload(seed), options).into_iter();
        for (name, count) in calls.filter(|(name, _)| is_on_sled(name) && is_wanted(name)) {
            let first = seed as usize % stride.min(count) + 1;
            let point = |number| Point { seed, name: name.clone(), number };
            points.extend((first..=count).step_by(stride).map(point));
            names.insert(name);
        }
    }
    let changing = ["derived.insert", "derived.remove", "entries.insert", "entries.remove", "older.insert"];
    assert!(changing.iter().all(|name| names.contains(*name)), "the workloads no longer reach all: {names:?}");
    points
}

/// Does `work` for each point, on two threads.
fn for_each(points: Vec<Point>, work: impl Fn(&Point) + Sync) {
    let points = Mutex::new(points);
    let next = || points.lock().unwrap().pop();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(point) = next() {
                    work(&point);
                }
            });
        }
    });
}

/// True when the call was reached.
fn fail(point: &Point, moment: Moment, failure: Failure) -> bool {
    let (folder, workload) = (folder(), workload(point.seed));
    let path = folder.path().join("store");
    let fault = Arc::new(Fault::new(Some(&point.name), point.number, moment, failure));
    let outcome = block_on(workload.run(&options(&path).observer(fault.clone()), |_| ()));
    block_on(verify(&workload, &outcome, &options(&path), false));
    fault.was_reached()
}

#[test]
fn whatever_call_to_sled_fails_or_panics_nothing_acknowledged_is_lost_and_the_index_agrees() {
    let points = points(stride("ANNALS_SOAK_SLED_CALLS_STRIDE"), |_| true);
    let (failed, panicked) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for_each(points, |point| {
        for moment in [Moment::Before, Moment::After] {
            if has(&point.name, moment) {
                let is_reached = fail(point, moment, Failure::Once(ErrorKind::Other));
                failed.fetch_add(usize::from(is_reached), Ordering::Relaxed);
            }
        }
        panicked.fetch_add(usize::from(fail(point, Moment::Before, Failure::Panic)), Ordering::Relaxed);
    });
    let (failed, panicked) = (failed.into_inner(), panicked.into_inner());
    soak::report(&format!("sled_errors={failed} sled_panics={panicked}"));
    assert!(failed >= 100 && panicked >= 100, "fewer calls than the workloads used to make");
}

const CHILD: &str = "ANNALS_SLED_CALLS_TEST_CHILD";

/// Runs in a process of its own, started by the test below; does nothing in an ordinary run.
#[test]
fn child_runs_until_it_ends_itself() {
    let Ok(arguments) = std::env::var(CHILD) else { return };
    let [path, seed, name, number] = &arguments.split('|').collect::<Vec<_>>()[..] else { panic!("{arguments}") };
    let fault = Fault::new(Some(name), number.parse().unwrap(), Moment::Before, Failure::Abort);
    run_in_child(&workload(seed.parse().unwrap()), &options(Path::new(path)).observer(Arc::new(fault)));
}

/// Before each call that changes something, which is also behind the one before it.
#[test]
fn at_whatever_change_of_sled_the_process_ends_nothing_acknowledged_is_lost_and_the_index_agrees() {
    let points = points(stride("ANNALS_SOAK_SLED_ABORTS_STRIDE"), |name| has(name, Moment::After));
    let ended = AtomicUsize::new(0);
    for_each(points, |point| {
        let folder = folder();
        let path = folder.path().join("store");
        let arguments = format!("{}|{}|{}|{}", path.display(), point.seed, point.name, point.number);
        let (outcome, is_ended) = child("sled_calls::child_runs_until_it_ends_itself", CHILD, &arguments);
        block_on(verify(&workload(point.seed), &outcome, &options(&path), true));
        ended.fetch_add(usize::from(is_ended), Ordering::Relaxed);
    });
    let ended = ended.into_inner();
    soak::report(&format!("sled_aborts={ended}"));
    assert!(ended >= 50, "fewer changes than the workloads used to make");
}

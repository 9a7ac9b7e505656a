//! Each call to the disk and to sled fails once, at each place where a small workload makes it (T2; F2).

use std::{
    collections::BTreeMap,
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
    self,
    faults::{Failure, Fault, MOMENTS, Moment, block_on, child, folder, has, is_on_sled, run_in_child, verify},
    workload::Workload,
};

const WORKLOAD: Workload = Workload { seed: 3, sessions: 2, steps: 4, ..Workload::SMALL };

/// Whether segments are prepared ahead.
#[derive(Clone, Copy, PartialEq)]
enum Segments {
    Grown,
    Prepared,
}

fn options(path: &Path, segments: Segments) -> SledOptions {
    let options = SledOptions::new(path).segment_bytes(4096).index_batch_entries(8);
    if segments == Segments::Prepared { options.prepared_segments() } else { options }
}

/// How often the workload makes each call when nothing fails; what `sled_calls.rs` is about is not among them.
fn calls(segments: Segments) -> BTreeMap<String, usize> {
    let mut calls = support::faults::calls(&WORKLOAD, |path| options(path, segments));
    calls.retain(|name, _| !is_on_sled(name));
    calls
}

/// True when the call was reached.
fn fail(segments: Segments, name: &str, number: usize, moment: Moment) -> bool {
    let folder = folder();
    let path = folder.path().join("store");
    let kind = if moment == Moment::After { ErrorKind::Other } else { ErrorKind::StorageFull };
    let fault = Arc::new(Fault::new(Some(name), number, moment, Failure::Once(kind)));
    let outcome = block_on(WORKLOAD.run(&options(&path, segments).observer(fault.clone()), |_| ()));
    if fault.was_reached() {
        let must_show = ["log.write", "log.sync"].contains(&name);
        assert!(!must_show || !outcome.errors.is_empty(), "{name} {number} failed, and nobody was told");
        block_on(verify(&WORKLOAD, &outcome, &options(&path, segments), false));
    }
    fault.was_reached()
}

#[test]
fn whatever_call_fails_nothing_acknowledged_is_lost_and_no_commit_is_split() {
    let grown = calls(Segments::Grown).into_keys().map(|name| (Segments::Grown, name));
    // Of prepared segments, the calls that are made for them.
    let about_segments = |name: &String| ["prepared.", "segment.", "log."].iter().any(|on| name.starts_with(on));
    let prepared = calls(Segments::Prepared).into_keys().filter(|name| about_segments(name) && name != "log.read");
    let names = Mutex::new(grown.chain(prepared.map(|name| (Segments::Prepared, name))).collect::<Vec<_>>());
    let points = AtomicUsize::new(0);
    let sweep = || {
        while let Some((segments, name)) = { names.lock().unwrap().pop() } {
            for moment in MOMENTS.into_iter().filter(|moment| has(&name, *moment)) {
                let reached = (1..).take_while(|number| fail(segments, &name, *number, moment)).count();
                points.fetch_add(reached, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(sweep);
        scope.spawn(sweep);
    });
    let points = points.into_inner();
    soak::report(&format!("fault_points={points}"));
    assert!(points >= 600, "fewer calls than the workload used to make");
}

const CHILD: &str = "ANNALS_FAULT_TEST_CHILD";

/// Runs in a process of its own, started by the test below; does nothing in an ordinary run.
#[test]
fn child_runs_until_it_ends_itself() {
    let Ok(arguments) = std::env::var(CHILD) else { return };
    let [path, name, number, moment] = &arguments.split('|').collect::<Vec<_>>()[..] else { panic!("{arguments}") };
    let moment = MOMENTS.into_iter().find(|known| format!("{known:?}") == *moment).unwrap();
    let fault = Fault::new(Some(name), number.parse().unwrap(), moment, Failure::Abort);
    let options = options(Path::new(path), Segments::Prepared).observer(Arc::new(fault));
    run_in_child(&WORKLOAD, &options);
}

/// The process ends at the first, the middle and the last call of each name.
#[test]
fn wherever_the_process_ends_nothing_acknowledged_is_lost_and_no_commit_is_split() {
    let mut ended = 0;
    for (name, count) in calls(Segments::Prepared) {
        let mut numbers = vec![1, count.div_ceil(2), count];
        numbers.dedup();
        for (number, moment) in numbers.into_iter().flat_map(|number| MOMENTS.map(|moment| (number, moment))) {
            if !has(&name, moment) {
                continue;
            }
            let folder = folder();
            let path = folder.path().join("store");
            let arguments = format!("{}|{name}|{number}|{moment:?}", path.display());
            let (outcome, is_ended) = child("faults::child_runs_until_it_ends_itself", CHILD, &arguments);
            block_on(verify(&WORKLOAD, &outcome, &options(&path, Segments::Prepared), true));
            ended += usize::from(is_ended);
        }
    }
    soak::report(&format!("aborts={ended}"));
    assert!(ended >= 150, "fewer calls than the workload used to make");
}

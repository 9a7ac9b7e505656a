//! P9: what a copy holds in memory does not grow with the store.
//!
//! `ANNALS_SOAK_COPY_EVENTS` says how many events are copied.

use std::{fs, path::Path, time::Duration};

use annals_conformance::soak;
use annals_core::{Commit, EventType, NewEvent, Tag, Timestamp, Unchanged};
use annals_store_sled::{CopyTransform, Loader, SledOptions};

use super::kill::say;
use crate::support::process::{Running, STORE};

const EVENTS: u64 = 20_000;
const EVENTS_A_COMMIT: u64 = 4;
const STREAMS: u64 = 10_000;

/// A store of so many events, in commits of a few.
fn large(path: &Path, events: u64) {
    let mut loader = Loader::open(SledOptions::new(path)).unwrap();
    let event_type = EventType::new("test.happened").unwrap();
    for number in 0..events / EVENTS_A_COMMIT {
        let event = |index| {
            let stream = format!("s-{}", (number * 7 + index) % STREAMS).parse().unwrap();
            let mut event = NewEvent::new(stream, event_type.clone(), vec![b'x'; 200]);
            event.tags = vec![Tag::of("about", number % 1000).unwrap()];
            event
        };
        let recorded = Timestamp::EPOCH.saturating_add(Duration::from_micros(number));
        loader.load(recorded, Commit::of((0..EVENTS_A_COMMIT).map(event))).unwrap();
    }
    loader.finish().unwrap();
}

/// The most memory that this process has had, in MiB; where that is known.
fn most_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? >> 10)
}

/// Does nothing in an ordinary run.
#[test]
fn copies_a_large_store() {
    let Ok(to) = std::env::var(STORE) else { return };
    let to = Path::new(&to);
    say("ready");
    let mut copy = CopyTransform::new(to.with_file_name("from"), to, Unchanged);
    let report = copy.run().unwrap();
    let copied = most_memory();
    let begun = std::time::Instant::now();
    assert!(copy.verify().unwrap().is_equal());
    let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
    let (took, verified) = (seconds(report.took), seconds(begun.elapsed()));
    say(&format!("large {} {}", copied.unwrap_or_default(), most_memory().unwrap_or_default()));
    say(&format!("said {} events copied in {took}, verified in {verified}", report.counts.events_written));
    say("ended");
}

#[test]
fn memory_does_not_grow_with_the_store() {
    if std::env::var(STORE).is_ok() {
        return;
    }
    let events = soak::size("ANNALS_SOAK_COPY_EVENTS", EVENTS);
    let folder = tempfile::tempdir().unwrap();
    large(&folder.path().join("from"), events);
    let mut lines = Vec::new();
    let running = Running::start(&folder.path().join("to"), "copy::large::copies_a_large_store");
    running.kill_after(1, Duration::ZERO, |line| {
        lines.push(line.to_owned());
        line == "ended"
    });
    let said = lines.iter().find_map(|line| line.strip_prefix("said ")).expect("it ended");
    let large = lines.iter().find_map(|line| line.strip_prefix("large ")).unwrap();
    println!("{said}; at most {large} MiB in memory, copying and then verifying");
    let most: u64 = large.split(' ').next_back().unwrap().parse().unwrap();
    assert!(most < 400, "{most} MiB");
}

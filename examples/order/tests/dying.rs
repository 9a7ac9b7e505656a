//! Seasons that are killed.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(120);

/// Starts a season in a process of its own.
pub(crate) fn start(store: &Path, orders: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_order"));
    command.args(["--orders", orders, "--store"]).arg(store);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Starts a season, and kills it once so much of its log is written.
pub(crate) fn killed_at(store: &Path, orders: &str, bytes: u64) {
    let (mut season, began) = (start(store, orders), Instant::now());
    while written(store) < bytes {
        assert!(began.elapsed() < DEADLINE, "{bytes} bytes of the log are written");
        assert!(season.try_wait().unwrap().is_none(), "it is killed before it ends");
        std::thread::yield_now();
    }
    season.kill().unwrap();
    season.wait().unwrap();
}

/// How much of the log is written: behind that there are zeros, which were written ahead.
pub(crate) fn written(store: &Path) -> u64 {
    let Ok(segments) = fs::read_dir(store.join("log")) else { return 0 };
    let contents = segments.flatten().filter_map(|segment| fs::read(segment.path()).ok());
    contents.map(|bytes| bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)).sum()
}

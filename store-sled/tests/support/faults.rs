//! Observers that count calls, or let one of them fail, in this process or in a child.

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind, Write},
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use annals_core::Store;
use annals_store_sled::{
    SledOptions, SledStore,
    faults::{Call, Effect, Observer},
};

use super::workload::{Fate, Outcome, State, Told, Workload, derived, generation};

/// Counts the calls of each name.
#[derive(Default)]
pub struct Counter {
    pub calls: Mutex<BTreeMap<String, usize>>,
}

impl Observer for Counter {
    fn call(&self, call: &Call<'_>, make: &mut dyn FnMut(usize) -> io::Result<()>) -> io::Result<()> {
        *self.calls.lock().unwrap().entry(call.to_string()).or_default() += 1;
        make(usize::MAX)
    }
}

/// When a call fails: before its effect, in the middle of a write, behind its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Before,
    Within,
    After,
}

pub const MOMENTS: [Moment; 3] = [Moment::Before, Moment::Within, Moment::After];

/// What happens then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The call fails, later ones do not.
    Once(ErrorKind),
    /// It panics, later ones do not.
    Panic,
    /// No later call has an effect: to what is on disk, as if the process had ended.
    ForGood,
    /// The process ends.
    Abort,
}

/// Lets the call with that number fail, of those of one name, or of all.
#[derive(Debug)]
pub struct Fault {
    pub name: Option<String>,
    pub number: usize,
    pub moment: Moment,
    pub failure: Failure,
    seen: AtomicUsize,
}

impl Fault {
    pub fn new(name: Option<&str>, number: usize, moment: Moment, failure: Failure) -> Self {
        Self { name: name.map(str::to_owned), number, moment, failure, seen: AtomicUsize::new(0) }
    }

    /// Whether the call was reached, and the moment is one that it has.
    pub fn was_reached(&self) -> bool {
        self.seen.load(Ordering::SeqCst) >= self.number
    }
}

/// Only a write has a middle; what only reads is the same before and after.
pub fn has(name: &str, moment: Moment) -> bool {
    match moment {
        Moment::Before => true,
        Moment::Within => name.ends_with(".write"),
        Moment::After => [".read", ".list", ".get", ".get_lt", ".get_gt", ".next", ".is_empty"]
            .iter()
            .all(|reading| !name.ends_with(reading)),
    }
}

/// Whether it is a single call on sled, of those that make up a step.
pub fn is_on_sled(name: &str) -> bool {
    ["database.", "entries.", "older.", "derived."].iter().any(|on| name.starts_with(on))
}

/// How often the workload makes each call when nothing fails.
pub fn calls(workload: &Workload, options: impl FnOnce(&Path) -> SledOptions) -> BTreeMap<String, usize> {
    let folder = folder();
    let counter = Arc::new(Counter::default());
    let options = options(&folder.path().join("store")).observer(counter.clone());
    let outcome = block_on(workload.run(&options, |_| ()));
    assert_eq!(outcome.errors, [""; 0]);
    counter.calls.lock().unwrap().clone()
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Runs the workload in a child process, which says what it acknowledges.
pub fn run_in_child(workload: &Workload, options: &SledOptions) {
    block_on(workload.run(options, |told| {
        if let Told::Acknowledged(index) = told {
            // One write each, so that lines stay whole.
            io::stdout().write_all(format!("ack {index}\n").as_bytes()).unwrap();
        }
    }));
}

/// Runs the test `test` of this program in a process of its own, with `arguments` in the environment variable
/// `variable`: what a workload in it came to, and whether the process ended before the test did.
pub fn child(test: &str, variable: &str, arguments: &str) -> (Outcome, bool) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(variable, arguments)
        .output()
        .unwrap();
    let said = String::from_utf8(child.stdout).unwrap();
    let acknowledged: Vec<u32> = said.lines().filter_map(|line| line.strip_prefix("ack ")?.parse().ok()).collect();
    let fate = |index| if acknowledged.contains(&index) { Fate::Acknowledged } else { Fate::Unknown };
    let commits = (0..1000).map(|index| (index, fate(index))).collect();
    (Outcome { commits, tried: u64::MAX, ..Outcome::default() }, !child.status.success())
}

impl Observer for Fault {
    fn call(&self, call: &Call<'_>, make: &mut dyn FnMut(usize) -> io::Result<()>) -> io::Result<()> {
        let ended = self.failure == Failure::ForGood && self.was_reached();
        if !ended && self.name.as_ref().is_some_and(|name| *name != call.to_string()) {
            return make(usize::MAX);
        }
        let number = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
        if number < self.number || (number > self.number && self.failure != Failure::ForGood) {
            return make(usize::MAX);
        }
        if number == self.number {
            match (self.moment, call.effect) {
                (Moment::After, _) => make(usize::MAX)?,
                (Moment::Within, Effect::Write { bytes, .. }) => make(used(bytes) / 2)?,
                _ => {}
            }
        }
        match self.failure {
            Failure::Once(kind) => Err(kind.into()),
            Failure::ForGood => Err(io::Error::other("the process has ended")),
            // As a panic that was reported already, so that the output stays short.
            Failure::Panic => std::panic::resume_unwind(Box::new("planted")),
            Failure::Abort => std::process::abort(),
        }
    }
}

/// How many bytes there are without the zeros behind.
pub fn used(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

/// The store opens and holds what it must; and the same once its index is built from the log alone.
pub async fn verify(workload: &Workload, outcome: &Outcome, options: &SledOptions, killed: bool) -> Vec<u32> {
    let store = SledStore::open(options.clone()).unwrap();
    let state = State::of(&store).await.unwrap();
    let found = workload.commits_of(&state);
    outcome.check(&found);
    let derived = derived(&store).await.unwrap_or(0);
    assert!(derived <= outcome.tried);
    // After a close without any failure nothing derived is lost; otherwise the last batches may be.
    if let Some((of, applied)) = outcome.applied.filter(|_| !killed && store.report().was_closed)
        && generation(&store).await.unwrap() == of
    {
        assert!(derived >= applied, "batch {applied} was applied, {derived} is there");
    }
    workload.check_keys(&store, &found).await;
    store.shut_down().await;
    drop(store);
    assert_rebuilt_index_agrees(options, &state).await;
    found
}

pub async fn assert_rebuilt_index_agrees(options: &SledOptions, state: &State) {
    std::fs::remove_dir_all(options.path.join("index")).unwrap();
    let store = SledStore::open(options.clone()).unwrap();
    assert!(store.report().was_closed);
    assert_eq!(State::of(&store).await.unwrap(), *state, "the index is as if built from the log alone");
    store.shut_down().await;
}

/// A folder where syncing costs little: what these tests need is the calls, not that the disk obeys.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

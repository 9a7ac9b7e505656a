//! A process that is killed: this test program once more, which runs one of its tests on a store.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use annals_conformance::random::Random;
use annals_store_sled::{OpenError, SledOptions, SledStore};

/// Names the store's folder to the process; without it, its test does nothing.
pub const STORE: &str = "ANNALS_KILL_TEST_STORE";

/// A process with what it says.
pub struct Running {
    store: PathBuf,
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Running {
    /// Starts the test `test` on the store in `store`.
    pub fn start(store: &Path, test: &str) -> Self {
        Self::start_with(store, test, &[])
    }

    /// The same with more in its environment.
    pub fn start_with(store: &Path, test: &str, environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(STORE, store)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        Self { store: store.to_owned(), child, lines: Box::new(lines) }
    }

    /// Waits until it has said `word`.
    pub fn reads(&mut self, word: &str) {
        assert!(self.lines.any(|line| line.ends_with(word)), "the process says that it is {word}");
    }

    /// F16: nobody else can open the store meanwhile.
    pub fn assert_in_use(&self) {
        let error = SledStore::open(SledOptions::new(&self.store)).err().unwrap();
        assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    }

    /// Kills it after so many lines of which `take_down` says that they acknowledge something, and a moment later.
    pub fn kill_after(mut self, acknowledgements: u64, moment: Duration, mut take_down: impl FnMut(&str) -> bool) {
        let mut wanted = acknowledgements;
        while wanted > 0
            && let Some(line) = self.lines.next()
        {
            wanted -= u64::from(take_down(&line));
        }
        pass(moment);
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        for line in self.lines {
            take_down(&line);
        }
    }
}

/// Kills a process while it opens the store.
pub fn kill_at_open(mut running: Running, random: &mut Random, take_down: impl FnMut(&str) -> bool) {
    running.reads("opening");
    running.kill_after(0, Duration::from_micros(random.below(25_000)), take_down);
}

/// Kills a process after it has acknowledged some of its work, and a moment later.
pub fn kill_at_work(mut running: Running, random: &mut Random, take_down: impl FnMut(&str) -> bool) {
    running.reads("ready");
    if random.one_in(10) {
        running.assert_in_use();
    }
    let wanted = random.below(100);
    running.kill_after(wanted, Duration::from_micros(random.below(10_000)), take_down);
}

/// Not a wait for anything: it only moves the moment of a kill about.
fn pass(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

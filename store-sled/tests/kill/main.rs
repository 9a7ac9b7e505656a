//! SIGKILL in the middle of writing and of opening (T1; P1, P2, P3): what was acknowledged is there, whole and in order.
//!
//! 300 rounds, two at a time, or as many as `ANNALS_SOAK_KILLS` says; `ANNALS_SEED` repeats what is written and when it is killed, as
//! far as the machine does. The folder of a failure is kept.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail")]
#![allow(clippy::print_stdout, reason = "a test may speak, and its child speaks to it")]

mod child;
mod oracle;
#[path = "../support/mod.rs"]
mod support;

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use annals_conformance::{random::Random, soak};
use annals_core::Store;
use annals_store_sled::{OpenError, SledOptions, SledStore};
use oracle::Oracle;
use support::open;

/// Names the store's folder to the child.
const STORE: &str = "ANNALS_KILL_TEST_STORE";
/// After so many rounds another folder is begun, so that looking at everything stays cheap.
const ROUNDS_OF_A_FOLDER: u64 = 15;
/// After so many a long run says how far it is.
const SAID: u64 = 500;

/// A child with what it says.
struct Running {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

fn start(path: &Path) -> Running {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child::writes_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(STORE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    Running { child, lines: Box::new(lines) }
}

/// Not a wait for anything: it only moves the moment of a kill about.
fn pass(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

impl Running {
    fn reads(&mut self, word: &str) -> bool {
        self.lines.any(|line| line.ends_with(word))
    }

    /// Kills it, and takes down what it acknowledged until then.
    fn kill(mut self, oracle: &mut Oracle) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        for line in self.lines {
            oracle.acknowledged(&line);
        }
    }
}

/// Kills a child while it opens the store.
fn kill_at_open(path: &Path, random: &mut Random, oracle: &mut Oracle) {
    let mut running = start(path);
    assert!(running.reads("opening"), "the child begins to open the store");
    pass(Duration::from_micros(random.below(25_000)));
    running.kill(oracle);
}

/// Kills a child after it has acknowledged some commits, and a moment later.
fn kill_at_work(path: &Path, random: &mut Random, oracle: &mut Oracle) {
    let mut running = start(path);
    assert!(running.reads("ready"), "the child has opened the store");
    if random.one_in(10) {
        // F16: while another process has it open.
        let error = SledStore::open(SledOptions::new(path)).err().unwrap();
        assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    }
    let mut wanted = random.below(100);
    while wanted > 0
        && let Some(line) = running.lines.next()
    {
        wanted -= u64::from(oracle.acknowledged(&line));
    }
    pass(Duration::from_micros(random.below(10_000)));
    running.kill(oracle);
}

/// Some kills in a row on one folder, looked at behind every other one, so that a child recovers what a child left too.
async fn rounds(folder: &Path, rounds: u64, random: &mut Random) -> Oracle {
    let mut oracle = Oracle::default();
    for round in 1..=rounds {
        if random.one_in(10) {
            kill_at_open(folder, random, &mut oracle);
            oracle.killed_at_open += 1;
        } else {
            kill_at_work(folder, random, &mut oracle);
        }
        if random.one_in(2) || round == rounds {
            let store = open(folder);
            oracle.torn += u64::from(store.report().torn.is_some());
            oracle.look_at(&store).await;
            if random.one_in(5) || round == rounds {
                support::assert_index_agrees(&store).await;
            }
            store.shut_down().await;
        }
        if random.one_in(25) || round == rounds {
            oracle::assert_a_rebuilt_index_is_the_same(folder).await;
        }
    }
    oracle
}

/// Takes rounds of what is left, for as long as something is, on folders of its own.
fn work(left: &Mutex<u64>, kills: u64, mut random: Random) -> Oracle {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut sum = Oracle::default();
    loop {
        let now = {
            let mut left = left.lock().unwrap();
            let now = (*left).min(ROUNDS_OF_A_FOLDER);
            if kills > SAID && *left / SAID != (*left - now) / SAID {
                eprintln!("{} of {kills} processes killed", kills - *left);
            }
            *left -= now;
            now
        };
        if now == 0 {
            return sum;
        }
        let folder: PathBuf = tempfile::tempdir().unwrap().keep();
        println!("in {}", folder.display());
        sum.add(&runtime.block_on(rounds(&folder, now, &mut random)));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    if std::env::var(STORE).is_ok() {
        return;
    }
    let kills = soak::size("ANNALS_SOAK_KILLS", 300);
    let seed = soak::seed("kill");
    let left = Mutex::new(kills);
    let sum = std::thread::scope(|scope| {
        let workers = [0, 1].map(|worker| {
            let left = &left;
            scope.spawn(move || work(left, kills, Random::new(seed.wrapping_add(worker))))
        });
        let mut sum = Oracle::default();
        for worker in workers {
            sum.add(&worker.join().unwrap());
        }
        sum
    });
    println!("{} killed at open, {} torn groups", sum.killed_at_open, sum.torn);
    soak::report(&format!(
        "kills={kills} killed_at_open={} torn_groups={} acknowledged={} recovered={} lost=0",
        sum.killed_at_open, sum.torn, sum.acknowledged, sum.recovered
    ));
    assert!(kills < 100 || sum.killed_at_open > 0 && sum.acknowledged > kills, "the kills did not meet work");
}

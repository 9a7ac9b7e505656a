//! SIGKILL in the middle of writing and of opening (T1; P1, P2, P3): what was acknowledged is there, whole and in order.
//! The same in the middle of keyed commands is in `kill/keyed.rs`.
//!
//! 300 rounds, two at a time, or as many as `ANNALS_SOAK_KILLS` says; `ANNALS_SEED` repeats what is written and when it is killed, as
//! far as the machine does. The folder of a failure is kept.
#![allow(clippy::print_stdout, reason = "a test may speak, and its child speaks to it")]

mod child;
mod keyed;
mod oracle;

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
};

use annals_conformance::{random::Random, soak};
use annals_core::Store;
use oracle::Oracle;

use crate::support::{
    self, open,
    process::{Running, STORE, kill_at_open, kill_at_work},
};

/// After so many rounds another folder is begun, so that looking at everything stays cheap.
const ROUNDS_OF_A_FOLDER: u64 = 15;
/// After so many a long run says how far it is.
const SAID: u64 = 500;

/// Starts a child that commits.
fn start(path: &Path) -> Running {
    Running::start(path, "kill::child::writes_until_it_is_killed")
}

/// Some kills in a row on one folder, looked at behind every other one, so that a child recovers what a child left too.
async fn rounds(folder: &Path, rounds: u64, random: &mut Random) -> Oracle {
    let mut oracle = Oracle::default();
    for round in 1..=rounds {
        if random.one_in(10) {
            kill_at_open(start(folder), random, |line| oracle.acknowledged(line));
            oracle.killed_at_open += 1;
        } else {
            kill_at_work(start(folder), random, |line| oracle.acknowledged(line));
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

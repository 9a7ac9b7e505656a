//! SIGKILL in the middle of keyed commands through `Annals`, and of forgetting keys (T1; P5): every acknowledged key
//! answers its first reply, every other one, sent again, has exactly one effect, and what is forgotten stays so.
//!
//! 20 rounds, or as many as `ANNALS_SOAK_KEYED_KILLS` says; `ANNALS_SEED` repeats it as far as the machine does. The folder of
//! a failure is kept.

mod child;
mod oracle;

use std::path::Path;

use annals_conformance::{random::Random, soak};
use annals_core::Store;
use oracle::Oracle;

use super::{ROUNDS_OF_A_FOLDER, oracle as log};
use crate::support::{
    open,
    process::{Running, STORE, kill_at_open, kill_at_work},
};

/// Some kills in a row on one folder, looked at behind each.
async fn rounds(folder: &Path, rounds: u64, random: &mut Random) -> Oracle {
    let mut oracle = Oracle::default();
    for round in 1..=rounds {
        let running = Running::start(folder, "kill::keyed::child::sends_until_it_is_killed");
        if random.one_in(10) {
            kill_at_open(running, random, |line| oracle.take_down(line));
        } else {
            kill_at_work(running, random, |line| oracle.take_down(line));
        }
        let store = open(folder);
        oracle.look_at(&store).await;
        store.shut_down().await;
        if random.one_in(10) || round == rounds {
            log::assert_a_rebuilt_index_is_the_same(folder).await;
        }
    }
    oracle
}

#[test]
fn every_key_has_one_effect_and_one_answer_when_the_process_is_killed() {
    if std::env::var(STORE).is_ok() {
        return;
    }
    let kills = soak::size("ANNALS_SOAK_KEYED_KILLS", 20);
    let mut random = Random::new(soak::seed("keyed kill"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut sum = Oracle::default();
    let mut left = kills;
    while left > 0 {
        let folder = tempfile::tempdir().unwrap().keep();
        println!("in {}", folder.display());
        let now = left.min(ROUNDS_OF_A_FOLDER);
        sum.add(&runtime.block_on(rounds(&folder, now, &mut random)));
        std::fs::remove_dir_all(&folder).unwrap();
        left -= now;
    }
    soak::report(&format!(
        "keyed_kills={kills} keyed_acknowledged={} keyed_resolved={} keyed_repeated={} keyed_forgotten={} keyed_prunes_cut={}",
        sum.acknowledged, sum.resolved, sum.repeated, sum.forgotten, sum.prunes_cut
    ));
    assert!(kills < 20 || sum.acknowledged > kills && sum.resolved > 0, "the kills did not meet work");
    assert!(kills < 20 || sum.forgotten > 0, "nothing was forgotten");
}

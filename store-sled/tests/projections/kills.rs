//! SIGKILL while a projection is at work.

use std::{path::Path, time::Duration};

use annals_conformance::{random::Random, soak};
use annals_core::Position;

use super::{caught_up, cured_and_checked, options, store, store_of_killed};
use crate::{
    bank::{self, Balances, commit, deposited, open, stop},
    support::process::{Running, STORE},
};

/// Events of a commit.
const AT_ONCE: u64 = 50;
/// Commits that a process makes, most of them before it is killed.
const COMMITS: u64 = 44;
/// Deposits of so many cents fail, in every process.
const POISON: i64 = 13;
/// So many processes follow each other on one store, which is looked at in between; then there is another one.
const ROUNDS_OF_A_LOOK: u64 = 10;
const ROUNDS_OF_A_FOLDER: u64 = 25;

const LANES: &str = "ANNALS_KILL_TEST_LANES";
const TEST: &str = "projections::kills::child_projects_until_it_is_killed";

fn poisoned() -> Balances {
    Balances::poisoned_by(POISON, u64::MAX)
}

/// Deposits to 97 accounts; some of those to other three fail.
fn events(number: u64) -> Vec<annals_core::NewEvent> {
    let event = |index: u64| {
        let index = number * AT_ONCE + index;
        match index % 41 {
            0 => deposited(&format!("p{}", index % 3), if index.is_multiple_of(5) { POISON } else { 1 }),
            _ => deposited(&format!("a{}", index * 31 % 97), i64::try_from(index % 12).unwrap()),
        }
    };
    (0..AT_ONCE).map(event).collect()
}

/// Runs in a process of its own, started by the test below; does nothing in an ordinary run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_projects_until_it_is_killed() {
    let Ok(path) = std::env::var(STORE) else { return };
    let lanes = std::env::var(LANES).unwrap().parse().unwrap();
    let store = store(Path::new(&path));
    println!("ready");
    let _annals = open(&store, &poisoned(), options(lanes)).await;
    let before = store.head().borrow().position.get() / AT_ONCE;
    for number in before..before + COMMITS {
        commit(&store, events(number)).await;
        println!("ack {number}");
    }
    // It goes on projecting until it is killed.
    std::future::pending::<()>().await;
}

/// Runs a child in so many lanes, and kills it after so many commits and a moment.
fn kill(path: &Path, lanes: usize, commits: u64, moment: Duration) {
    let mut running = Running::start_with(path, TEST, &[(LANES, &lanes.to_string())]);
    running.reads("ready");
    running.kill_after(commits, moment, |line| line.starts_with("ack "));
}

/// What is found when the store is looked at.
#[derive(Default)]
struct Found {
    /// Events in all.
    events: u64,
    /// Looks before which the projection had been killed in the middle.
    behind: u64,
    parked: usize,
}

/// Everything that the log holds is in the rows, or set aside, once.
async fn look(path: &Path, lanes: usize, found: &mut Found) {
    let (store, balances) = (store_of_killed(path), poisoned());
    let annals = open(&store, &balances, options(lanes)).await;
    found.behind += u64::from(bank::handle(&annals).status().position < bank::head(&store));
    caught_up(&annals).await;
    found.parked += cured_and_checked(&annals, &balances).await;
    found.events = bank::head(&store).get();
    stop(annals).await;
    store.shut_down().await;
}

/// T11, F18, F19, P6: whenever the process is killed, and with however many lanes the next one goes on, each event counts
/// once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_counts_once_whenever_the_process_is_killed() {
    if std::env::var(STORE).is_ok() {
        return;
    }
    let rounds = soak::size("ANNALS_SOAK_PROJECTION_KILLS", 50);
    let mut random = Random::new(soak::seed("each_event_counts_once_whenever_the_process_is_killed"));
    let (mut found, mut events, mut round) = (Found::default(), 0, 0);
    while round < rounds {
        let folder = tempfile::tempdir().unwrap();
        let end = (round + ROUNDS_OF_A_FOLDER).min(rounds);
        while round < end {
            let lanes = [1, 4, 4, 1, 3][usize::try_from(round % 5).unwrap()];
            let moment = Duration::from_micros(random.below(30_000));
            kill(folder.path(), lanes, COMMITS - random.below(4) * random.below(11), moment);
            round += 1;
            if round.is_multiple_of(ROUNDS_OF_A_LOOK) || round == end {
                look(folder.path(), lanes, &mut found).await;
            }
        }
        events += found.events;
    }
    assert!(found.parked > 0 && found.behind > 0, "poison and kills were met: {} {}", found.parked, found.behind);
    assert_ne!(events, Position::ZERO.get());
    soak::report(&format!("projection_kills={rounds} projected={events} projection_parked={}", found.parked));
}

//! Random histories: commits to several accounts, poison that is cured, events that are replayed and discarded, and
//! runtimes that are dropped in the middle of it, each with another number of lanes.

use std::{collections::BTreeSet, sync::Arc};

use annals_conformance::{planted::behind, soak};
use annals_core::{Annals, LoggedTable, MemoryStore, Position, Scan, Store};
use annals_projections::{OperatorError, ProjectionOptions, Retry};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};

use crate::{bank::*, stores::Unruly};

/// A deposit of so many cents fails while there is poison.
const POISON: i64 = 13;

#[derive(Debug, Clone)]
enum Step {
    Commit {
        account: u64,
        cents: Vec<i64>,
    },
    /// Replays one of the parked keys.
    Replay(usize),
    /// Discards the first event of one of them.
    Discard(usize),
    Poison(bool),
    /// Lets the projection work for so many turns.
    Work(u32),
}

/// From one start to a kill after so many turns.
#[derive(Debug, Clone)]
struct Life {
    lanes: usize,
    steps: Vec<Step>,
    turns: u32,
    retries: bool,
}

fn steps() -> impl Strategy<Value = Step> {
    let cents = prop_oneof![3 => 0_i64..13, 1 => Just(POISON)];
    prop_oneof![
        6 => (0_u64..9, vec(cents, 1..20)).prop_map(|(account, cents)| Step::Commit { account, cents }),
        1 => any::<usize>().prop_map(Step::Replay),
        1 => any::<usize>().prop_map(Step::Discard),
        1 => any::<bool>().prop_map(Step::Poison),
        3 => (1_u32..60).prop_map(Step::Work),
    ]
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let life = (1_usize..7, vec(steps(), 1..25), 1_u32..600, any::<bool>());
    vec(life.prop_map(|(lanes, steps, turns, retries)| Life { lanes, steps, turns, retries }), 1..6)
}

fn options(lanes: usize, retries: bool) -> ProjectionOptions {
    let retry = if retries { Retry::default() } else { Retry::never() };
    ProjectionOptions::default().lanes(lanes).retry(retry)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

async fn turns(count: u32) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

/// Does what the steps say, as far as it gets.
async fn live(log: &Arc<dyn Store>, store: &Arc<dyn Store>, balances: &Balances, life: &Life) {
    let annals = open(store, balances, options(life.lanes, life.retries)).await;
    for step in &life.steps {
        match step {
            Step::Commit { account, cents } => {
                // Several keys in one commit, so that pieces of the log hold several.
                let event = |(index, cents): (usize, &i64)| {
                    deposited(&format!("a{}", (account + index as u64 % 3) % 9), *cents)
                };
                commit(log, cents.iter().enumerate().map(event)).await;
            }
            Step::Replay(which) => {
                if let Some(key) = parked(&annals, *which).await {
                    drop(handle(&annals).replay(&key).await);
                }
            }
            Step::Discard(which) => {
                if let Some(key) = parked(&annals, *which).await {
                    drop(handle(&annals).discard(&key, "a test").await);
                }
            }
            Step::Poison(true) => *balances.faults.poison.lock().unwrap() = vec![POISON],
            Step::Poison(false) => balances.cure(),
            Step::Work(count) => turns(*count).await,
        }
    }
    std::future::pending::<()>().await;
}

async fn parked(annals: &Annals, which: usize) -> Option<annals_projections::ParkedKey> {
    let mut parked = handle(annals).parked().await.ok()?;
    parked.sort_by_key(|key| key.position);
    parked.get(which % parked.len().max(1)).cloned()
}

/// The positions that the log says are discarded.
async fn discarded(log: &Arc<dyn Store>) -> BTreeSet<Position> {
    let rows = log.scan(Scan::all(LoggedTable::CONSUMERS)).await.unwrap().rows;
    let discards = rows.iter().filter(|(key, _)| key.windows(9).any(|part| part == b"discarded"));
    let position = |key: &[u8]| Position::new(u64::from_be_bytes(key[key.len() - 8..].try_into().unwrap())).unwrap();
    discards.map(|(key, _)| position(key)).collect()
}

/// Runs a history to its end; says how many events it had, and how many were discarded.
fn run(lives: &[Life]) -> (u64, usize) {
    let log: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let store = behind(Arc::clone(&log), Unruly::restless());
    let balances = Balances::poisoned_by(POISON, u64::MAX);
    for life in lives {
        runtime().block_on(async {
            tokio::select! {
                () = live(&log, &store, &balances, life) => {}
                () = turns(life.turns) => {}
            }
        });
    }
    balances.cure();
    runtime().block_on(async {
        let discarded = discarded(&log).await;
        let annals = open(&store, &balances, options(3, false)).await;
        until(&annals, |status| is_live(status) && status.position == head(&log)).await;
        for key in handle(&annals).parked().await.unwrap() {
            handle(&annals).replay(&key).await.unwrap();
        }
        until(&annals, |status| status.parked_events == 0).await;
        let expected = expected_less(&log, &discarded).await;
        assert_rows(&annals, expected.clone()).await;
        stop(annals).await;
        // Computed anew, they are the same.
        let annals = open(&store, &balances, options(2, false).in_memory()).await;
        until(&annals, |status| is_live(status) && status.position == head(&log)).await;
        assert_rows(&annals, expected).await;
        (head(&log).get(), discarded.len())
    })
}

/// P6, P8, F19, F24, T11: whatever comes in whichever order, and wherever it is cut off, the rows are in the end the fold of
/// the log less what was discarded, and the same when they are computed anew.
#[test]
fn rows_equal_the_fold_of_the_log_less_discards() {
    let cases = u32::try_from(soak::size("ANNALS_SOAK_PROJECTION_HISTORIES", 150)).unwrap();
    let config = ProptestConfig { cases, failure_persistence: None, max_shrink_time: 20_000, ..Default::default() };
    let (mut events, mut discards) = (0, 0);
    let reached = std::cell::RefCell::new((&mut events, &mut discards));
    let ran = TestRunner::new(config).run(&lives(), |lives| {
        let (events, discards) = run(&lives);
        let mut reached = reached.borrow_mut();
        *reached.0 += events;
        *reached.1 += discards;
        Ok(())
    });
    ran.unwrap();
    assert!(discards > 0, "some events were discarded");
    soak::report(&format!("projection_histories={cases} projected={events} projection_discards={discards}"));
}

/// P6: a decision to discard an event is not recorded when the event is no longer set aside, though others of its key are:
/// it was taken in meanwhile, and stays so when the rows are computed anew.
#[test]
fn an_event_that_was_taken_in_cannot_be_discarded() {
    runtime().block_on(async {
        let log: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let balances = Balances::poisoned_by(POISON, u64::MAX);
        let annals = open(&log, &balances, options(1, false)).await;
        commit(&log, [deposited("a", POISON), deposited("a", 7)]).await;
        until(&annals, |status| status.parked_events == 2).await;
        let stale = handle(&annals).parked().await.unwrap().remove(0);
        *balances.faults.poison.lock().unwrap() = vec![7];
        assert_eq!(handle(&annals).replay(&stale).await.unwrap(), 1);
        let refused = handle(&annals).discard(&stale, "too late").await;
        assert!(matches!(refused, Err(OperatorError::NotParked { projection: "balances" })), "{refused:?}");
        assert_eq!(discarded(&log).await, BTreeSet::new());
        let latest = handle(&annals).parked().await.unwrap().remove(0);
        assert_eq!(handle(&annals).discard(&latest, "in time").await.unwrap(), 1);
        let expected = expected_less(&log, &BTreeSet::from([latest.position])).await;
        assert_rows(&annals, expected).await;
    });
}

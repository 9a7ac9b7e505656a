//! T12: random histories: transfers of every kind, replies that are doubled and late, a clock that goes on and back, and a process
//! that dies at any commit, several times over.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use annals_conformance::soak;
use annals_core::{Annals, Clock, MemoryStore, Store, Timestamp, testing::commit_of};
use annals_sagas::testing::Mortal;
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};

use crate::bank::*;

#[derive(Debug, Clone)]
enum Happening {
    /// A transfer to an account that is there, to one that is not, or to one of which nothing can be given.
    Request { to: &'static str, cents: u64 },
    /// Something is noted for one of the transfers.
    Note(usize),
    /// It is said once more that money was taken, or given, for one of the transfers.
    Again(usize, bool),
    /// So many seconds pass, or the clock is set back.
    Clock(i64),
    /// What there is to do is done.
    Settle,
    /// An operator moves the timer of one of the transfers to so many seconds from now.
    Move(usize, i64),
    /// An operator lets instances be forgotten that have ended.
    Forget,
}

/// From one start to the death at so many commits of the application itself and of its sagas.
#[derive(Debug, Clone)]
struct Life {
    happenings: Vec<Happening>,
    commits: u64,
    last_counts: bool,
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let to = prop_oneof![4 => Just("bob"), 2 => Just("nobody"), 2 => Just("panic")];
    let happening = prop_oneof![
        4 => (to, 1_u64..60).prop_map(|(to, cents)| Happening::Request { to, cents }),
        4 => any::<usize>().prop_map(Happening::Note),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(which, given)| Happening::Again(which, given)),
        2 => (-30_i64..70).prop_map(Happening::Clock),
        2 => Just(Happening::Settle),
        2 => Just(Happening::Forget),
        2 => (any::<usize>(), -10_i64..100).prop_map(|(which, seconds)| Happening::Move(which, seconds)),
    ];
    let life = (vec(happening, 1..10), 1_u64..60, any::<bool>());
    vec(life.prop_map(|(happenings, commits, last_counts)| Life { happenings, commits, last_counts }), 1..5)
}

/// What has happened in all lives.
#[derive(Default)]
struct World {
    clock: SetClock,
    transfers: Vec<String>,
    forgotten: usize,
    moved: usize,
}

impl World {
    /// Does what the life says, as far as it gets. What the user asks for is not lost with the process.
    async fn live(&mut self, store: &Arc<dyn Store>, life: &Life) -> bool {
        let user = Annals::over(Arc::clone(store)).open().await.unwrap();
        let mortal = Mortal::new(Arc::clone(store), life.commits, life.last_counts);
        let mut death = mortal.death();
        let Ok(bank) = try_over(Arc::new(mortal), self.clock.clone()).await else { return true };
        for happening in &life.happenings {
            match happening {
                Happening::Request { to, cents } => {
                    let kind = if *to == "panic" { "panic" } else { "t" };
                    let transfer = format!("{kind}-{}", self.transfers.len());
                    let to = if *to == "panic" { "bob" } else { to };
                    let (from, to, cents) = ("ada".to_owned(), to.to_owned(), *cents);
                    user.on::<Transfer>(transfer.as_str()).send(Request { from, to, cents }).await.unwrap();
                    self.transfers.push(transfer);
                }
                Happening::Note(which) => {
                    if let Some(transfer) = self.transfers.get(which % self.transfers.len().max(1)) {
                        note(&user, transfer, "a word").await;
                    }
                }
                Happening::Again(which, given) => self.say_again(&user, *which, *given).await,
                Happening::Clock(seconds) if *seconds < 0 => {
                    self.clock.set_back(Duration::from_secs(seconds.unsigned_abs()));
                }
                Happening::Clock(seconds) => self.clock.advance(Duration::from_secs(seconds.unsigned_abs())),
                Happening::Settle => {
                    let saga = saga(&bank);
                    tokio::select! {
                        biased;
                        _ = death.wait_for(|died| *died) => return true,
                        _ = saga.settled() => {}
                    }
                }
                Happening::Move(which, seconds) => {
                    let Some(transfer) = self.transfers.get(which % self.transfers.len().max(1)) else { continue };
                    let micros = self.clock.now().as_micros() + seconds * 1_000_000;
                    let due = Timestamp::from_micros(micros).unwrap();
                    // It may be dead.
                    let moved = saga(&bank).move_timer(None, transfer, "late", due, "a test").await;
                    self.moved += usize::from(moved.unwrap_or(false));
                }
                Happening::Forget => {
                    let (saga, before) = (saga(&bank), self.clock.now().saturating_add(Duration::from_secs(1)));
                    tokio::select! {
                        biased;
                        _ = death.wait_for(|died| *died) => return true,
                        forgotten = saga.forget_ended(before) => self.forgotten += forgotten.unwrap_or(0),
                    }
                }
            }
        }
        *death.borrow()
    }

    /// Says of a transfer once more what was said of it already; nothing that is not so.
    async fn say_again(&self, user: &Annals, which: usize, given: bool) {
        let Some(transfer) = self.transfers.get(which % self.transfers.len().max(1)) else { return };
        let (account, name) = if given { ("bob", "account.given") } else { ("ada", "account.taken") };
        let cents = 0;
        let said = of_transfer(user, account, transfer).await;
        if said.iter().any(|event| event == name) {
            let transfer = transfer.clone();
            let again = match given {
                true => AccountEvent::Given { cents, transfer },
                false => AccountEvent::Taken { cents, transfer },
            };
            user.store().commit(commit_of::<Account>(account, [again])).await.unwrap();
        }
    }
}

/// The stored names of the events of `account` that are about `transfer` and move money.
async fn of_transfer(bank: &Annals, account: &str, transfer: &str) -> Vec<String> {
    let history = movements(bank, account).await;
    history.into_iter().filter(|(of, cents, _)| of == transfer && *cents > 0).map(|(.., name)| name).collect()
}

/// What holds of every end of transfers from ada, who had 100 cents, to bob, who had none.
pub(crate) async fn check(bank: &Annals, transfers: &[String]) {
    let saga = saga(bank);
    let waiting = saga.waiting().await.unwrap();
    assert!(waiting.is_empty(), "{waiting:?}");
    assert!(movements(bank, "nobody").await.is_empty());
    for transfer in transfers {
        let timeline = saga.timeline(None, transfer).await.unwrap();
        // Or it has been forgotten.
        if let Some(instance) = saga.instance(None, transfer).await.unwrap() {
            assert_eq!(timeline.len() as u64, instance.steps, "{transfer} took a step twice");
        }
        assert!(timeline.last().unwrap().status.has_ended(), "{transfer}");
        let outcome = outcome(bank, transfer).await;
        let (ada, bob) = (of_transfer(bank, "ada", transfer).await, of_transfer(bank, "bob", transfer).await);
        let count = |events: &[String], name: &str| events.iter().filter(|event| *event == name).count();
        let taken = (count(&ada, "account.taken"), count(&ada, "account.returned"));
        let given = (count(&bob, "account.given"), count(&bob, "account.reclaimed"));
        match outcome.as_deref() {
            Some("moved") => assert_eq!((taken, given), ((1, 0), (1, 0)), "{transfer}"),
            Some("too poor") => assert_eq!((taken, given), ((0, 0), (0, 0)), "{transfer}"),
            Some("returned" | "late") => {
                assert!(taken.0 <= 1 && given.0 <= 1, "{transfer}: {taken:?} {given:?}");
                assert_eq!((taken.0, given.0), (taken.1, given.1), "{transfer}");
            }
            outcome => panic!("{transfer} ended as {outcome:?}"),
        }
    }
    assert_eq!(cents(bank, "ada").await + cents(bank, "bob").await, 100);
}

#[test]
fn every_history_ends_as_if_nothing_had_died() {
    let histories = soak::size("ANNALS_SOAK_SAGA_HISTORIES", 60);
    let mut runner = TestRunner::new(ProptestConfig { cases: u32::try_from(histories).unwrap(), ..Default::default() });
    let (deaths, moved, forgotten) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let timers = AtomicU64::new(0);
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runner
        .run(&lives(), |lives| {
            runtime().block_on(async {
                let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
                let mut world = World::default();
                let user = Annals::over(Arc::clone(&store)).open().await.unwrap();
                open_account(&user, "ada", 100).await;
                open_account(&user, "bob", 0).await;
                for life in &lives {
                    deaths.fetch_add(u64::from(world.live(&store, life).await), Ordering::Relaxed);
                }
                let bank = over(store, world.clock.clone()).await;
                saga(&bank).settled().await.unwrap();
                world.clock.advance(Duration::from_secs(3600));
                saga(&bank).settled().await.unwrap();
                check(&bank, &world.transfers).await;
                timers.fetch_add(world.moved as u64, Ordering::Relaxed);
                forgotten.fetch_add(world.forgotten as u64, Ordering::Relaxed);
                moved.fetch_add(world.transfers.len() as u64, Ordering::Relaxed);
                bank.shut_down().await;
            });
            Ok(())
        })
        .unwrap();
    let (deaths, moved, forgotten) = (deaths.into_inner(), moved.into_inner(), forgotten.into_inner());
    let timers = timers.into_inner();
    let forgot = format!("saga_instances_forgotten={forgotten} saga_timers_moved={timers}");
    soak::report(&format!("saga_histories={histories} saga_deaths={deaths} saga_instances={moved} {forgot}"));
    assert!(deaths >= histories / 10, "{deaths}");
}

//! T12, F27 to F29: one small saga, two steps with what undoes them and a timer, explored: wherever the process dies, whichever
//! answer gets lost, whatever is late or said twice, and whenever the timer is due.
//!
//! Every commit of the application is held until the exploration says what becomes of it, so that nothing is left to chance: a path
//! is the list of what was chosen. It is walked from the beginning, and then the last choice that had another possibility is made
//! otherwise, until there is none. What comes after is not walked again where the same was reached by another path.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use annals_conformance::soak;
use annals_core::{Annals, LoggedTable, MemoryStore, OpenError, Scan, Store, testing::commit_of};
use tokio::task::JoinHandle;

use crate::{
    bank::*,
    histories::check,
    holding::{Holding, Verdict},
};

/// More choices than any path has.
const CHOICES_MAX: usize = 100;

/// Longer than any pause that a saga makes by itself. The time of the runtime is virtual.
const LONG: Duration = Duration::from_secs(11);

/// What is asked for.
#[derive(Debug, Clone, Copy)]
struct World {
    transfer: &'static str,
    to: &'static str,
    cents: u64,
    /// What may come of it.
    outcomes: &'static [&'static str],
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// What has been under way for the longest time is taken.
    Take,
    /// The time comes for which the timer is set.
    Due,
    /// The same, and whatever is under way is overtaken by everything that comes of it.
    DueFirst,
    /// Nothing more happens.
    End,
    /// What has been under way for the longest time is taken, and the answer gets lost.
    Lose,
    /// It is overtaken by everything else.
    Delay,
    /// Somebody says once more what an account said.
    SayAgain(&'static str),
    /// The process dies, with all that is under way, and is started again.
    Die,
}

impl Choice {
    /// Whether it is one of those of which there are so many on a path.
    fn disturbs(self) -> bool {
        matches!(self, Self::Lose | Self::Delay | Self::SayAgain(_) | Self::Die)
    }
}

/// What is chosen: of each choice, which, and among which.
#[derive(Default)]
struct Path {
    choices: Vec<(usize, Vec<Choice>)>,
    told: Vec<String>,
}

impl Path {
    /// The next choice, if it was made on an earlier path.
    fn known(&self) -> Option<Choice> {
        self.choices.get(self.told.len()).map(|(chosen, among)| among[*chosen])
    }

    /// Makes the next choice: the first one.
    fn choose(&mut self, among: Vec<Choice>) -> Choice {
        assert!(self.choices.len() < CHOICES_MAX, "it does not end");
        self.choices.push((0, among));
        self.choices[self.choices.len() - 1].1[0]
    }

    /// The next path, if there is one: the same up to the last choice that can be made otherwise.
    fn turn(&mut self) -> bool {
        self.told.clear();
        while let Some((chosen, among)) = self.choices.pop() {
            if chosen + 1 < among.len() {
                self.choices.push((chosen + 1, among));
                return true;
            }
        }
        false
    }
}

/// A process, from its start on.
struct Process {
    holding: Holding,
    opening: JoinHandle<Option<OpenError>>,
    bank: Arc<Mutex<Option<Annals>>>,
}

impl Process {
    fn start(store: &Arc<dyn Store>, clock: &SetClock, courier: &Courier) -> Self {
        let holding = Holding::every(Arc::clone(store));
        let bank = Arc::<Mutex<_>>::default();
        let opened = Arc::clone(&bank);
        let opening = try_with(courier.clone(), Arc::new(holding.clone()), clock.clone());
        let opening = tokio::spawn(async move {
            match opening.await {
                Ok(bank) => *opened.lock().unwrap() = Some(bank),
                Err(error) => return Some(error),
            }
            None
        });
        Self { holding, opening, bank }
    }

    fn bank(&self) -> Option<Annals> {
        self.bank.lock().unwrap().clone()
    }

    /// Until it does nothing more unless it is decided about what it holds: only then time goes on.
    async fn rest(&mut self, store: &Arc<dyn Store>, clock: &SetClock, courier: &Courier) {
        tokio::time::sleep(LONG).await;
        // It cannot be opened when the answer to the first commit gets lost.
        while self.opening.is_finished() && self.bank().is_none() {
            self.die();
            *self = Self::start(store, clock, courier);
            tokio::time::sleep(LONG).await;
        }
    }

    fn die(&self) {
        self.holding.die();
        self.opening.abort();
        self.bank.lock().unwrap().take();
    }
}

/// What has happened, and may.
struct Life {
    world: World,
    store: Arc<dyn Store>,
    user: Annals,
    clock: SetClock,
    courier: Courier,
    process: Process,
    is_late: bool,
    said_again: bool,
    /// How many disturbances there may still be.
    left: u32,
}

impl Life {
    async fn begin(world: World, left: u32) -> Self {
        let (store, clock): (Arc<dyn Store>, _) = (Arc::new(MemoryStore::new()), SetClock::default());
        let user = Annals::over(Arc::clone(&store)).open().await.unwrap();
        open_account(&user, "ada", 100).await;
        open_account(&user, "bob", 0).await;
        let request = Request { from: "ada".into(), to: world.to.into(), cents: world.cents };
        user.on::<Transfer>(world.transfer).send(request).await.unwrap();
        let courier = Courier::default();
        let process = Process::start(&store, &clock, &courier);
        Self { world, store, user, clock, courier, process, is_late: false, said_again: false, left }
    }

    /// Follows `path` to its end, or to where another one was; says what came of it.
    async fn live(&mut self, path: &mut Path, seen: &mut HashSet<String>) -> Option<String> {
        loop {
            self.process.rest(&self.store, &self.clock, &self.courier).await;
            let choice = match path.known() {
                Some(choice) => choice,
                None if seen.insert(self.place().await) => path.choose(self.choices().await),
                None => return None,
            };
            path.told.push(format!("{choice:?} of {:?}", self.process.holding.names()));
            if choice == Choice::End {
                return Some(self.end().await);
            }
            self.left -= u32::from(choice.disturbs());
            self.act(choice).await;
        }
    }

    /// What may happen next; first what does when nothing disturbs it.
    async fn choices(&self) -> Vec<Choice> {
        let held = self.process.holding.names();
        let mut choices = Vec::new();
        if !held.is_empty() {
            choices.push(Choice::Take);
        }
        if !self.is_late && !self.rows(LoggedTable::TIMERS).await.is_empty() {
            choices.push(Choice::Due);
            choices.extend((!held.is_empty()).then_some(Choice::DueFirst));
        }
        if choices.is_empty() {
            choices.push(Choice::End);
        }
        if self.left > 0 {
            choices.push(Choice::Die);
            choices.extend((!held.is_empty()).then_some(Choice::Lose));
            let in_time = held.iter().filter(|(_, is_late)| !is_late).count();
            choices.extend((in_time > 1).then_some(Choice::Delay));
            for (account, said) in [("ada", "account.taken"), ("bob", "account.given")] {
                if types::<Account>(&self.user, account).await.iter().any(|name| name == said) {
                    choices.push(Choice::SayAgain(said));
                }
            }
        }
        choices
    }

    async fn act(&mut self, choice: Choice) {
        let holding = &self.process.holding;
        match choice {
            Choice::Take => holding.decide(Verdict::Taken),
            Choice::Lose => holding.decide(Verdict::Unanswered),
            Choice::Delay => holding.delay(1),
            Choice::Due | Choice::DueFirst => {
                if choice == Choice::DueFirst {
                    holding.delay(holding.names().len());
                }
                self.is_late = true;
                self.clock.advance(Duration::from_secs(60));
            }
            Choice::SayAgain(said) => self.say_again(said).await,
            Choice::Die => {
                self.process.die();
                self.process = Process::start(&self.store, &self.clock, &self.courier);
            }
            Choice::End => {}
        }
    }

    async fn say_again(&mut self, said: &str) {
        self.said_again = true;
        let (cents, transfer) = (0, self.world.transfer.to_owned());
        let commit = match said {
            "account.taken" => commit_of::<Account>("ada", [AccountEvent::Taken { cents, transfer }]),
            _ => commit_of::<Account>("bob", [AccountEvent::Given { cents, transfer }]),
        };
        self.store.commit(commit).await.unwrap();
    }

    /// Where it is: what is stored, less ids; what is under way, and since when; how far the saga has come.
    async fn place(&self) -> String {
        let mut rows = Vec::new();
        for table in [LoggedTable::SAGAS, LoggedTable::COMMANDS, LoggedTable::TIMERS, LoggedTable::ASIDE] {
            rows.extend(self.rows(table).await);
        }
        let status = self.process.bank().map(|bank| saga(&bank).status());
        let position = status.map(|status| (status.position, format!("{:?}", status.state)));
        let (log, held, left) = (all_types(&self.user).await, self.process.holding.names(), self.left);
        format!("{log:?} {rows:?} {held:?} {position:?} {left} {} {}", self.is_late, self.said_again)
    }

    /// The keys of the rows of a table, and how long each row is.
    async fn rows(&self, table: LoggedTable) -> Vec<(String, usize)> {
        let rows = self.store.scan(Scan::prefix(table, "")).await.unwrap().rows;
        rows.iter().map(|(key, value)| (format!("{key:?}"), value.len())).collect()
    }

    /// Whether it has ended as it should, and how.
    async fn end(&self) -> String {
        // Who looks at a saga lets it note how far it has come.
        self.process.holding.release();
        let (bank, transfer) = (self.process.bank().unwrap(), self.world.transfer);
        let saga = saga(&bank);
        saga.settled().await.unwrap();
        check(&bank, &[transfer.to_owned()]).await;
        assert!(saga.instance(None, transfer).await.unwrap().unwrap().status.has_ended());
        assert!(self.said_again || saga.aside().await.unwrap().is_empty(), "{:?}", saga.aside().await);
        let names = all_types(&bank).await;
        let places = |name: &str| {
            let places = names.iter().enumerate().filter(|(_, found)| *found == name);
            places.map(|(place, _)| place).collect::<Vec<_>>()
        };
        let (reclaimed, returned) = (places("account.reclaimed"), places("account.returned"));
        for once in [&reclaimed, &returned, &places("transfer.settled")] {
            assert!(once.len() <= 1, "{names:?}");
        }
        assert!(reclaimed.is_empty() || reclaimed < returned, "{names:?}");
        // Who was asked outside is not left alone: what it was asked for is done, and undone where it has to be.
        assert!(!self.courier.was_asked(transfer) || !places("account.given").is_empty(), "{names:?}");
        let outcome = outcome(&bank, transfer).await.unwrap();
        assert!(self.world.outcomes.contains(&outcome.as_str()), "{outcome}");
        self.process.die();
        outcome
    }
}

/// Walks all paths with so many disturbances, and says how many end in which way.
fn explore(world: World, disturbances: u32) -> BTreeMap<String, u64> {
    let (mut path, mut seen) = (Path::default(), HashSet::new());
    let mut outcomes = BTreeMap::new();
    loop {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let walk = async { Life::begin(world, disturbances).await.live(&mut path, &mut seen).await };
        let walked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(walk)));
        // What was wrong is told already.
        let outcome = walked.unwrap_or_else(|_| panic!("{world:?} by {:#?}", path.told));
        *outcomes.entry(outcome.unwrap_or_else(|| "seen".to_owned())).or_insert(0) += 1;
        if !path.turn() {
            return outcomes;
        }
    }
}

/// Every end is one of its `outcomes`, and each of these is reached.
fn explored(world: World, disturbances: u64) {
    let disturbances = u32::try_from(soak::size("ANNALS_SOAK_SAGA_DISTURBANCES", disturbances)).unwrap();
    let outcomes = world.outcomes;
    let ends = explore(world, disturbances);
    for outcome in outcomes {
        assert!(ends.contains_key(*outcome), "{world:?} never ended as {outcome}");
    }
    let paths: u64 = ends.values().sum();
    soak::report(&format!("saga_paths={paths}"));
}

#[test]
fn a_saga_ends_with_each_effect_once_on_every_path() {
    explored(World { transfer: "t", to: "bob", cents: 30, outcomes: &["moved", "late"] }, 2);
}

#[test]
fn a_saga_whose_first_command_is_refused_has_no_effect_on_any_path() {
    explored(World { transfer: "t", to: "bob", cents: 130, outcomes: &["too poor", "late"] }, 2);
}

#[test]
fn a_saga_whose_second_command_is_refused_undoes_the_first_once_on_every_path() {
    explored(World { transfer: "t", to: "nobody", cents: 30, outcomes: &["returned", "late"] }, 2);
}

#[test]
fn a_command_that_asks_outside_is_never_left_half_done_on_any_path() {
    explored(World { transfer: "bring", to: "bob", cents: 30, outcomes: &["moved", "late"] }, 1);
}

#[test]
fn a_saga_whose_second_command_fails_for_ever_undoes_the_first_once_on_every_path() {
    explored(World { transfer: "panic", to: "bob", cents: 30, outcomes: &["late"] }, 2);
}

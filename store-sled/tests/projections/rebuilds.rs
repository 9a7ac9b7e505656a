//! SIGKILL while rows are computed anew beside those that are read, compared and swapped.

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use annals_conformance::{random::Random, soak};
use annals_core::{Annals, DerivedTable, Scan, Store, codec::Bytes};
use annals_projections::{KeyBytes, ProjectionHandle, ReadModels, Rebuild, Shadow, ShadowError, State};

use super::{caught_up, options, store, store_of_killed};
use crate::{
    bank::{Balance, Balances, check, commit, deposited, handle, head, open, row, stop},
    support::process::{Running, STORE},
};

/// Events of a commit.
const AT_ONCE: u64 = 20;
/// So many commits are there before the first process is killed.
const COMMITS_BEFORE: u64 = 250;
/// So many processes follow each other on one store; then there is another one.
const ROUNDS_OF_A_FOLDER: u64 = 10;
/// Each commit has an event of this account, which is read all the time.
const READ: &str = "read";

const LANES: &str = "ANNALS_KILL_TEST_LANES";
const TEST: &str = "projections::rebuilds::child_rebuilds_until_it_is_killed";

/// Which build is read, and which runs beside it.
type Present = (u64, Option<u64>);

fn events(number: u64) -> Vec<annals_core::NewEvent> {
    let event = |index: u64| deposited(&format!("a{}", (number * AT_ONCE + index) * 31 % 997), 1);
    (1..AT_ONCE).map(event).chain([deposited(READ, 1)]).collect()
}

/// Runs in a process of its own, started by the test below; does nothing in an ordinary run. What it says about builds it says
/// before and after it happens, and `wrong` whenever something is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_rebuilds_until_it_is_killed() {
    let Ok(path) = std::env::var(STORE) else { return };
    let lanes = std::env::var(LANES).unwrap().parse().unwrap();
    let store = store(Path::new(&path));
    let annals = open(&store, &Balances::default(), options(lanes)).await;
    println!("ready");
    tokio::spawn(commits(Arc::clone(&store), annals.clone()));
    tokio::spawn(reads(annals.clone()));
    if let Err(error) = rebuilds(&annals).await {
        println!("wrong: {error}");
    }
    std::future::pending::<()>().await;
}

/// Commits, and waits now and then: what was waited for is in the rows, whichever are read.
async fn commits(store: Arc<dyn Store>, annals: Annals) {
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    for number in head(&store).get() / AT_ONCE.. {
        pace.tick().await;
        let receipt = commit(&store, events(number)).await;
        if number.is_multiple_of(3) && handle(&annals).wait_for(&receipt).await.is_ok() {
            let found = row(&annals, READ).await.map_or(0, |row| row.events);
            // Nobody else commits, and each commit has one.
            if found != number + 1 {
                println!("wrong: {found} events are read behind a wait for {}", number + 1);
            }
        }
    }
}

/// Reads: never what is older than what was read before.
async fn reads(annals: Annals) {
    let (mut before, mut pace) = (0, tokio::time::interval(Duration::from_millis(1)));
    loop {
        pace.tick().await;
        // Until the projection is live, there may be nothing to read.
        if let Ok(Some(row)) = annals.view::<Balance>().unwrap().get(READ.to_owned()).await {
            if row.events < before {
                println!("wrong: {} events are read after {before}", row.events);
            }
            if row.events > before {
                println!("read {}", row.events);
            }
            before = row.events;
        }
    }
}

/// Computes rows anew, compares, swaps; now and then it brings former rows back, or gives new ones up.
async fn rebuilds(annals: &Annals) -> Result<(), Box<dyn std::error::Error>> {
    let projection = handle(annals);
    projection.watch().wait_for(|status| status.state == State::Live).await?;
    // Each process begins elsewhere.
    for round in head(annals.store()).get() / AT_ONCE.. {
        let shadow = match projection.shadow() {
            Some(shadow) => shadow,
            None => {
                println!("beginning 0");
                begin_another(&projection, round).await?
            }
        };
        println!("begun {}", shadow.build());
        shadow.caught_up().await?;
        let difference = shadow.compare(3).await?;
        if !difference.is_empty() {
            println!("wrong: {}", difference.to_string().replace('\n', "; "));
        }
        if round % 5 == 4 {
            println!("abandoning {}", shadow.build());
            shadow.abandon().await?;
        } else {
            println!("swapping {}", shadow.build());
            shadow.swap("a round").await?;
        }
        println!("done {}", shadow.build());
    }
    Ok(())
}

async fn begin_another(projection: &ProjectionHandle, round: u64) -> Result<Shadow, ShadowError> {
    if round % 4 == 3 {
        match projection.bring_back().await {
            Err(ShadowError::NoPrevious { .. }) => {}
            brought => return brought,
        }
    }
    projection.rebuild(Rebuild::new()).await
}

/// What is known of a store and of what its processes did.
#[derive(Default)]
struct Known {
    /// What may be found after a kill, which can lose the newest batches of derived rows.
    possible: BTreeSet<Present>,
    present: Present,
    /// Whether something is begun whose number was not said yet.
    is_beginning: bool,
    /// The latest number of a build.
    latest: u64,
    /// How many events of the account were read at most.
    read: u64,
}

/// What all of them met.
#[derive(Default)]
struct Met {
    swapped: u64,
    /// Rebuilds that were found half done.
    half_done: u64,
}

impl Known {
    fn is(&mut self, present: Present) {
        self.present = present;
        self.possible.insert(present);
        self.latest = self.latest.max(present.0).max(present.1.unwrap_or(0));
    }

    /// Takes down what a process says; true if it is about builds.
    fn take_down(&mut self, line: &str, met: &mut Met) -> bool {
        assert!(!line.starts_with("wrong"), "{line}");
        let Some((what, number)) = line.split_once(' ') else { return false };
        let (number, (live, _)) = (number.parse().unwrap_or(0), self.present);
        match what {
            "read" => self.read = self.read.max(number),
            "beginning" => self.is_beginning = true,
            "begun" => {
                self.is_beginning = false;
                self.is((live, Some(number)));
            }
            "abandoning" => self.is((live, None)),
            "swapping" => self.is((number, None)),
            "done" => met.swapped += u64::from(self.present.0 == number),
            _ => return false,
        }
        what != "read"
    }

    /// Whether this may be found.
    fn allows(&self, present: Present) -> bool {
        self.possible.contains(&present) || (self.is_beginning && present.0 == self.present.0)
    }
}

/// Runs a child, and kills it after so many of its steps and a moment.
fn kill(path: &Path, lanes: usize, random: &mut Random, known: &mut Known, met: &mut Met) {
    let mut running = Running::start_with(path, TEST, &[(LANES, &lanes.to_string())]);
    running.reads("ready");
    let moment = Duration::from_micros(random.below(50_000));
    running.kill_after(random.below(12), moment, |line| known.take_down(line, met));
}

fn present(projection: &ProjectionHandle) -> Present {
    (projection.status().build, projection.shadow().map(|shadow| shadow.build()))
}

/// The build that was read is read, everything is in the rows once, a rebuild goes on.
async fn look(path: &Path, lanes: usize, known: &mut Known, met: &mut Met) {
    let store = store_of_killed(path);
    let annals = open(&store, &Balances::default(), options(lanes)).await;
    let projection = handle(&annals);
    let (found, position) = (present(&projection), projection.shadow().map(|shadow| shadow.status().position.get()));
    assert!(known.allows(found), "{found:?} is found, of {:?}", known.possible);
    met.half_done += u64::from(position.is_some_and(|position| position > 0 && position < head(&store).get()));
    caught_up(&annals).await;
    check(&annals).await;
    let read = row(&annals, READ).await.map_or(0, |row| row.events);
    assert!(read >= known.read, "{read} events are read, {} were before the kill", known.read);
    if let Some(shadow) = projection.shadow() {
        shadow.caught_up().await.unwrap();
        let difference = shadow.compare(3).await.unwrap();
        assert!(difference.is_empty(), "{difference}");
    }
    (known.possible, known.is_beginning) = (BTreeSet::new(), false);
    known.is(present(&projection));
    stop(annals).await;
    store.shut_down().await;
}

/// In the end there are rows of the build that is read, and of the one before, and of no other.
async fn unused_rows_are_gone(path: &Path, known: &Known) {
    let store = store(path);
    let annals = open(&store, &Balances::default(), options(1)).await;
    caught_up(&annals).await;
    if let Some(shadow) = handle(&annals).shadow() {
        shadow.swap("the end").await.unwrap();
    }
    check(&annals).await;
    let live = handle(&annals).status().build;
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let mut used = Vec::new();
            for build in 1..=known.latest + 1 {
                if has_rows(&store, build).await {
                    used.push(build);
                }
            }
            if used.len() <= 2 && used.contains(&live) {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
    waited.await.unwrap();
    stop(annals).await;
    store.shut_down().await;
}

async fn has_rows(store: &Arc<dyn Store>, build: u64) -> bool {
    let table = |name: &str| Scan::all(DerivedTable::new(&format!("balances:{build}:{name}")).unwrap());
    let own = Bytes::copy_from_slice(KeyBytes::of(&("balances", build)).as_slice());
    let of = |table| Scan::prefix(table, own.clone());
    let scans = [
        table("balances"),
        table("balances:cents"),
        of(DerivedTable::CHECKPOINTS),
        of(DerivedTable::PARKED),
        of(DerivedTable::UNPARKED),
    ];
    for scan in scans {
        if !store.scan(scan.limit(1)).await.unwrap().rows.is_empty() {
            return true;
        }
    }
    false
}

/// The store, with enough in it that computing rows anew takes a moment.
async fn begin(path: &Path, known: &mut Known) {
    let store = store(path);
    for number in 0..COMMITS_BEFORE {
        commit(&store, events(number)).await;
    }
    let annals = open(&store, &Balances::default(), options(1)).await;
    caught_up(&annals).await;
    known.is(present(&handle(&annals)));
    stop(annals).await;
    store.shut_down().await;
}

/// T11, P6: whenever the process is killed while rows are computed anew, compared and swapped, each event counts once, what is
/// computed goes on, and the rows that are read are those that were swapped last, or were read before that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_rebuilt_and_swapped_whenever_the_process_is_killed() {
    if std::env::var(STORE).is_ok() {
        return;
    }
    let rounds = soak::size("ANNALS_SOAK_REBUILD_KILLS", 20);
    let mut random = Random::new(soak::seed("rows_are_rebuilt_and_swapped_whenever_the_process_is_killed"));
    let (mut met, mut round) = (Met::default(), 0);
    while round < rounds {
        let (folder, mut known) = (tempfile::tempdir().unwrap(), Known::default());
        begin(folder.path(), &mut known).await;
        let end = (round + ROUNDS_OF_A_FOLDER).min(rounds);
        while round < end {
            let lanes = [1, 4, 4, 1, 3][usize::try_from(round % 5).unwrap()];
            kill(folder.path(), lanes, &mut random, &mut known, &mut met);
            look(folder.path(), lanes, &mut known, &mut met).await;
            round += 1;
        }
        unused_rows_are_gone(folder.path(), &known).await;
    }
    assert!(met.swapped > 0 && met.half_done > 0, "{} swapped, {} half done", met.swapped, met.half_done);
    soak::report(&format!(
        "rebuild_kills={rounds} rebuilds_swapped={} rebuilds_half_done={}",
        met.swapped, met.half_done
    ));
}

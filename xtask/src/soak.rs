//! The random tests in their long form, turn after turn until the time is over, and a table of what they reached.
//!
//! A test prints lines such as `soak: kills=800 lost=0`. The numbers of all turns are added up; of one whose name
//! begins with `most_` the largest counts. The first part that fails ends the soak, and what it wrote, its seed too, is
//! shown.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::{Outcome, command::Run, failure::Failure, runs::SCHEDULES, workspace::Workspace};

const WORKSPACE: &str = "Cargo.toml";

/// Tests of one program, and how large one turn of them is.
struct Part {
    manifest: &'static str,
    package: &'static str,
    program: &'static str,
    /// The tests of this module of the program, or of all.
    module: Option<&'static str>,
    /// Of them those whose names contain one of these, or all.
    filters: &'static [&'static str],
    sizes: Sizes,
    /// Run in the first turn alone.
    once: bool,
}

/// Environment variables and what they say.
type Sizes = &'static [(&'static str, &'static str)];

impl Part {
    const fn of_package(package: &'static str, module: &'static str, sizes: Sizes) -> Self {
        let module = Some(module);
        Self { manifest: WORKSPACE, package, program: "all", module, filters: &[], sizes, once: false }
    }

    /// A program of its own.
    const fn of_program(package: &'static str, program: &'static str, sizes: Sizes) -> Self {
        Self { manifest: WORKSPACE, package, program, module: None, filters: &[], sizes, once: false }
    }

    const fn of_store(module: &'static str, sizes: Sizes) -> Self {
        Self::of_package("annals-store-sled", module, sizes)
    }

    const fn of_contract(module: &'static str, filters: &'static [&'static str], sizes: Sizes) -> Self {
        Self { filters, ..Self::of_package("annals-conformance", module, sizes) }
    }

    const fn of_projections(module: &'static str, sizes: Sizes) -> Self {
        Self::of_package("annals-projections", module, sizes)
    }

    fn has(&self, test: &str) -> bool {
        let is_below = |module| test.strip_prefix(module).is_some_and(|rest| rest.starts_with("::"));
        let is_named = self.filters.is_empty() || self.filters.iter().any(|filter| test.contains(filter));
        is_named && self.module.is_none_or(is_below)
    }

    /// What to call it: `kill of annals-store-sled`.
    fn name(&self) -> String {
        format!("{} of {}", self.module.unwrap_or(self.program), self.package)
    }
}

/// Everything that is run, in this order. The sizes are such that a turn takes some 35 minutes on two cores, most of them
/// kills, and give way to what the environment says.
const PARTS: [Part; 26] = [
    Part::of_store("kill", &[("ANNALS_SOAK_KILLS", "5000"), ("ANNALS_SOAK_KEYED_KILLS", "500")]),
    Part::of_contract("sled", &["agrees_with_the_model"], &[("ANNALS_SOAK_OPERATIONS", "1000000")]),
    Part::of_contract("memory", &["agrees_with_the_model"], &[("ANNALS_SOAK_OPERATIONS", "500000")]),
    Part::of_contract(
        "sled",
        &["every_history"],
        &[("ANNALS_SOAK_HISTORIES", "1600"), ("ANNALS_SOAK_HISTORY_OPERATIONS", "2000")],
    ),
    Part::of_contract("sled", &["dropped::", "bad_inputs::"], &[]),
    Part {
        manifest: SCHEDULES,
        ..Part::of_program("annals-schedules", "schedules", &[("ANNALS_SOAK_SCHEDULES", "4000")])
    },
    Part::of_store("sweep", &[("ANNALS_SOAK_INDEX_FLIPS", "10000"), ("ANNALS_SOAK_LOG_BITS", "8")]),
    Part::of_store("kill_derived", &[]),
    Part::of_store("copy", &[("ANNALS_SOAK_COPY_KILLS", "100"), ("ANNALS_SOAK_COPY_EVENTS", "200000")]),
    Part::of_store("faults", &[]),
    Part::of_store("sled_calls", &[("ANNALS_SOAK_SLED_CALLS_STRIDE", "1"), ("ANNALS_SOAK_SLED_ABORTS_STRIDE", "1")]),
    Part::of_store("failing_disk", &[]),
    Part::of_store("interrupted_recovery", &[]),
    Part::of_store("power_cut", &[("ANNALS_SOAK_IMAGES", "20000")]),
    Part::of_store("loader_power_cut", &[("ANNALS_SOAK_LOAD_IMAGES", "5000")]),
    Part::of_contract("fuzz", &[], &[("ANNALS_SOAK_FUZZ_MILLIS", "15000")]),
    Part::of_program("annals-conformance", "hostile", &[]),
    Part::of_store("projections", &[("ANNALS_SOAK_PROJECTION_KILLS", "1000"), ("ANNALS_SOAK_REBUILD_KILLS", "200")]),
    Part::of_projections("faults", &[("ANNALS_SOAK_PROJECTION_FAULTS", "5000"), ("ANNALS_SOAK_LOST_SUFFIXES", "500")]),
    Part::of_projections("histories", &[("ANNALS_SOAK_PROJECTION_HISTORIES", "5000")]),
    Part::of_projections("batches", &[("ANNALS_SOAK_BATCHED_HISTORIES", "5000")]),
    Part::of_store("sagas", &[("ANNALS_SOAK_SAGA_KILLS", "500")]),
    Part::of_package("annals-sagas", "histories", &[("ANNALS_SOAK_SAGA_HISTORIES", "20000")]),
    Part { once: true, ..Part::of_package("annals-sagas", "explored", &[("ANNALS_SOAK_SAGA_DISTURBANCES", "3")]) },
    Part {
        once: true,
        ..Part::of_program("annals-projections", "backlog", &[("ANNALS_SOAK_PROJECTION_BACKLOG", "1000000")])
    },
    Part { once: true, ..Part::of_program("annals-store-sled", "bounds", &[("ANNALS_SOAK_BACKLOG", "1000000")]) },
];

/// What the numbers are called that the tests report, in the order of the table.
const NAMES: [(&str, &str); 58] = [
    ("turns", "turns of everything"),
    ("kills", "processes killed (SIGKILL)"),
    ("killed_at_open", "of them while they opened the store"),
    ("acknowledged", "commits acknowledged by them"),
    ("recovered", "commits found behind the kills, each whole"),
    ("torn_groups", "torn groups cut off"),
    ("keyed_kills", "processes killed (SIGKILL) while they sent keyed commands"),
    ("keyed_acknowledged", "keyed commands acknowledged by them, each answered again"),
    ("keyed_resolved", "keyed commands without an answer, sent again"),
    ("keyed_repeated", "of them found to have taken effect"),
    ("keyed_forgotten", "keys forgotten, none of them known again"),
    ("keyed_prunes_cut", "prunes ended half-way by a kill"),
    ("copies", "copies of a store, each killed until it ended"),
    ("copies_killed", "processes killed (SIGKILL) while they copied"),
    ("aborts", "processes ended at a call to the disk or a step in sled"),
    ("fault_points", "calls to the disk and steps in sled that failed"),
    ("sled_errors", "single calls to sled that failed"),
    ("sled_panics", "single calls to sled that panicked"),
    ("sled_aborts", "processes ended at a single call to sled"),
    ("interrupted_recoveries", "openings interrupted"),
    ("images", "images of a power cut"),
    ("images_torn", "of them with a torn group"),
    ("images_cut_again", "of them cut again while they were opened"),
    ("load_images", "images of a power cut while a store was loaded"),
    ("load_images_resumed", "of them unfinished, and completed"),
    ("load_images_cut_again", "of them cut again meanwhile"),
    ("flips", "damaged bytes"),
    ("operations", "operations compared with a model"),
    ("histories", "concurrent histories"),
    ("history_operations", "operations in them"),
    ("schedules", "schedules of the store's threads"),
    ("dropped", "futures dropped halfway"),
    ("bad_inputs", "bad inputs refused"),
    ("fuzz_executions", "fuzzed inputs"),
    ("projection_kills", "processes killed (SIGKILL) while they projected"),
    ("projected", "events projected, each counted once"),
    ("projection_parked", "of them set aside, and taken in later"),
    ("rebuild_kills", "processes killed (SIGKILL) while they rebuilt read models"),
    ("rebuilds_swapped", "rebuilds swapped by them"),
    ("rebuilds_half_done", "of other rebuilds found half done, each gone on with"),
    ("projection_faults", "calls to a store that failed under a projection"),
    ("lost_batches", "batches of a projection lost behind its back"),
    ("projection_histories", "random histories of a projection"),
    ("projection_discards", "events discarded in them"),
    ("batched_histories", "random histories handed over in groups and singly"),
    ("saga_kills", "processes killed (SIGKILL) while their sagas were at work"),
    ("saga_transfers", "instances of sagas behind them, each at its end"),
    ("saga_histories", "random histories of sagas"),
    ("saga_deaths", "of their processes that died at a commit"),
    ("saga_instances", "instances of sagas in them"),
    ("saga_instances_forgotten", "of these forgotten once they had ended"),
    ("saga_timers_moved", "timers of sagas moved by hand in them"),
    ("saga_paths", "paths of small sagas, with up to three disturbances"),
    ("most_projection_backlog", "longest backlog of a projection, in events"),
    ("most_backlog", "longest backlog, in events"),
    ("most_slow_readers", "slow readers over it"),
    ("most_growth_kib", "growth of memory meanwhile, in KiB"),
    ("lost", "**lost**"),
];

/// Runs for about so many minutes: the first turn in any case, another part only while there is time. What was reached is told
/// also when a part has failed.
pub(crate) fn run(workspace: &Workspace, of: u64) -> Result<Outcome, Failure> {
    let begun = Instant::now();
    let mut reached = BTreeMap::new();
    let ended = run_turns(workspace, of, begun, &mut reached);
    println!("\n{}", table(&reached, begun.elapsed()));
    ended.map(|()| Outcome::Done)
}

fn run_turns(
    workspace: &Workspace,
    of: u64,
    begun: Instant,
    reached: &mut BTreeMap<String, u64>,
) -> Result<(), Failure> {
    for turn in 0.. {
        let is_over = || turn > 0 && begun.elapsed() >= Duration::from_secs(of * 60);
        if is_over() {
            break;
        }
        for part in PARTS.iter().filter(|part| turn == 0 || !part.once) {
            if is_over() {
                break;
            }
            let before = Instant::now();
            run_part(workspace, part, reached)?;
            let (seconds, minutes) = (before.elapsed().as_secs(), begun.elapsed().as_secs() / 60);
            eprintln!("{} took {seconds} s; {minutes} of {of} minutes", part.name());
        }
        *reached.entry("turns".to_owned()).or_default() += 1;
    }
    Ok(())
}

fn run_part(workspace: &Workspace, part: &Part, reached: &mut BTreeMap<String, u64>) -> Result<(), Failure> {
    let list = cargo(workspace, part).argument("--list").output()?;
    let list = String::from_utf8_lossy(&list);
    let tests = list.lines().filter_map(|line| line.strip_suffix(": test")).filter(|test| part.has(test));
    let mut tests = tests.peekable();
    if tests.peek().is_none() {
        return Err(Failure::NoTest { part: part.name() });
    }
    let mut run = tests.fold(cargo(workspace, part).argument("--nocapture").argument("--exact"), Run::argument);
    // What the caller has set counts.
    for (name, value) in part.sizes.iter().filter(|(name, _)| std::env::var_os(name).is_none()) {
        run = run.environment(name, value);
    }
    let output = run.output_of_tests()?;
    count(&output, reached);
    Ok(())
}

/// The program of a part, with arguments to follow.
fn cargo(workspace: &Workspace, part: &Part) -> Run {
    let arguments =
        ["test", "--release", "--manifest-path", part.manifest, "-p", part.package, "--test", part.program, "--"];
    // Nothing is measured here, and to link so many programs so well takes longer than to run them.
    workspace.cargo(&arguments).environment("CARGO_PROFILE_RELEASE_LTO", "off")
}

/// Adds up what the lines of a test's output say.
fn count(output: &str, reached: &mut BTreeMap<String, u64>) {
    // A line of a test may follow what the harness has printed without an end of line.
    for line in output.lines().filter_map(|line| line.split_once("soak: ").map(|(_, numbers)| numbers)) {
        for (name, number) in line.split_whitespace().filter_map(|pair| pair.split_once('=')) {
            let Ok(number) = number.parse::<u64>() else { continue };
            let sum = reached.entry(name.to_owned()).or_default();
            *sum = if name.starts_with("most_") { number.max(*sum) } else { *sum + number };
        }
    }
}

fn table(reached: &BTreeMap<String, u64>, time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    let mut lines = vec![format!("| reached in {minutes} minutes | |"), "|---|---:|".to_owned()];
    let named = NAMES.iter().filter_map(|(name, words)| Some((*words, reached.get(*name)?)));
    let others = reached.iter().filter(|(name, _)| NAMES.iter().all(|(known, _)| known != name));
    let others = others.map(|(name, number)| (name.as_str(), number));
    lines.extend(others.chain(named).map(|(words, number)| format!("| {words} | {number} |")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_the_tests_below_its_module_alone() {
        let part = Part::of_store("kill", &[]);
        assert!(part.has("kill::kills") && part.has("kill::keyed::kills"));
        for other in ["copy::kill::kills", "kill_derived::kills", "kill"] {
            assert!(!part.has(other), "{other}");
        }
        let part = Part::of_contract("memory", &["agrees", "bad_inputs::"], &[]);
        assert!(part.has("memory::store_agrees") && part.has("memory::bad_inputs::names"));
        assert!(!part.has("sled::tail_in_memory::store_agrees") && !part.has("memory::append"));
        assert!(Part::of_program("annals-store-sled", "bounds", &[]).has("readers"));
    }

    #[test]
    fn numbers_are_added_up_and_the_most_is_kept() {
        let mut reached = BTreeMap::new();
        count("test a ... soak: kills=3 lost=0 most_new=7\nnothing=9\nsoak: kills=4 most_new=5\n", &mut reached);
        let expected = [("kills", 7), ("lost", 0), ("most_new", 7)].map(|(name, number)| (name.to_owned(), number));
        assert_eq!(reached, BTreeMap::from(expected));
        let table = table(&reached, Duration::from_secs(130));
        let lines = ["| most_new | 7 |", "| processes killed (SIGKILL) | 7 |", "| **lost** | 0 |"];
        assert_eq!(
            table,
            ["| reached in 2 minutes | |", "|---|---:|"].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
        );
    }
}

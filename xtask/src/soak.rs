//! The random tests in their long form, turn after turn until the time is over, and a table of what they reached.
//!
//! A test prints lines such as `soak: kills=800 lost=0`. The numbers of all turns are added up; of one whose name
//! begins with `most_` the largest counts.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::{Outcome, failure::Failure, workspace::Workspace};

/// A test program, and how large one turn of it is.
struct Part {
    package: &'static str,
    program: &'static str,
    filters: &'static [&'static str],
    sizes: &'static [(&'static str, &'static str)],
    /// Run in the first turn alone.
    once: bool,
}

impl Part {
    const fn of_store(program: &'static str, sizes: &'static [(&'static str, &'static str)]) -> Self {
        Self { package: "annals-store-sled", program, filters: &[], sizes, once: false }
    }

    const fn of_contract(
        program: &'static str,
        filters: &'static [&'static str],
        sizes: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self { package: "annals-conformance", program, filters, sizes, once: false }
    }
}

/// Everything that is run, in this order. The sizes are of a turn of some minutes, and give way to what the environment
/// says.
const PARTS: [Part; 14] = [
    Part::of_store("kill", &[("ANNALS_SOAK_KILLS", "900")]),
    Part::of_contract("sled", &["agrees_with_the_model"], &[("ANNALS_SOAK_OPERATIONS", "500000")]),
    Part::of_contract("memory", &["agrees_with_the_model"], &[("ANNALS_SOAK_OPERATIONS", "500000")]),
    Part::of_contract(
        "sled",
        &["every_history"],
        &[("ANNALS_SOAK_HISTORIES", "800"), ("ANNALS_SOAK_HISTORY_OPERATIONS", "2000")],
    ),
    Part::of_contract("sled", &["dropped::", "bad_inputs::"], &[]),
    Part::of_store("sweep", &[("ANNALS_SOAK_INDEX_FLIPS", "4000")]),
    Part::of_store("kill_derived", &[]),
    Part::of_store("faults", &[]),
    Part::of_store("failing_disk", &[]),
    Part::of_store("interrupted_recovery", &[]),
    Part::of_store("power_cut", &[("ANNALS_SOAK_IMAGES", "20000")]),
    Part::of_contract("fuzz", &[], &[("ANNALS_SOAK_FUZZ_MILLIS", "15000")]),
    Part::of_contract("hostile", &[], &[]),
    Part { once: true, ..Part::of_store("bounds", &[("ANNALS_SOAK_BACKLOG", "1000000")]) },
];

/// Runs for about so many minutes: the first turn in any case, another part only while there is time.
pub(crate) fn run(workspace: &Workspace, minutes: u64) -> Result<Outcome, Failure> {
    let begun = Instant::now();
    let mut reached = BTreeMap::new();
    let mut turns = 0;
    while turns == 0 || begun.elapsed() < Duration::from_secs(minutes * 60) {
        for part in &PARTS {
            let is_over = turns > 0 && begun.elapsed() >= Duration::from_secs(minutes * 60);
            if is_over || part.once && turns > 0 {
                continue;
            }
            run_part(workspace, part, &mut reached)?;
        }
        turns += 1;
    }
    reached.insert("turns".to_owned(), turns);
    println!("\n{}", table(&reached, begun.elapsed()));
    Ok(Outcome::Done)
}

fn run_part(workspace: &Workspace, part: &Part, reached: &mut BTreeMap<String, u64>) -> Result<(), Failure> {
    let mut run = workspace.cargo(&["test", "--release", "-p", part.package, "--test", part.program, "--"]);
    for argument in part.filters.iter().chain(&["--nocapture"]) {
        run = run.argument(argument);
    }
    // What the caller has set counts.
    for (name, value) in part.sizes.iter().filter(|(name, _)| std::env::var_os(name).is_none()) {
        run = run.environment(name, value);
    }
    let output = run.output_of_tests()?;
    count(&output, reached);
    Ok(())
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
    for (name, number) in reached.iter().filter(|(name, _)| *name != "lost") {
        lines.push(format!("| {} | {number} |", name.replace('_', " ")));
    }
    lines.push(format!("| **lost** | **{}** |", reached.get("lost").copied().unwrap_or_default()));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_added_up_and_the_most_is_kept() {
        let mut reached = BTreeMap::new();
        count("test a ... soak: kills=3 lost=0 most_kib=7\nnothing=9\nsoak: kills=4 most_kib=5\n", &mut reached);
        let expected = [("kills", 7), ("lost", 0), ("most_kib", 7)].map(|(name, number)| (name.to_owned(), number));
        assert_eq!(reached, BTreeMap::from(expected));
        let table = table(&reached, Duration::from_secs(130));
        assert!(table.starts_with("| reached in 2 minutes | |\n|---|---:|\n| kills | 7 |"), "{table}");
        assert!(table.ends_with("| **lost** | **0** |"), "{table}");
    }
}

//! All tasks, one after the other.

use std::time::Instant;

use crate::{Outcome, Task, failure::Failure, workspace::Workspace};

/// In this order: what fails fast comes first, `Deny` and `Import` last because they need what a machine may not have.
const TASKS: [Task; 11] = [
    Task::Fmt,
    Task::Lint,
    Task::Example,
    Task::Test,
    Task::Docs,
    Task::Edges,
    Task::Sizes,
    Task::Paths,
    Task::Deny,
    Task::Import,
    Task::Bench,
];

/// Runs every task, stops at the first that fails, and says at the end what was skipped.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome, Failure> {
    let mut report = Vec::new();
    for task in TASKS {
        println!("\n==== {task:?} ====");
        let start = Instant::now();
        let outcome = task.run(workspace)?;
        let seconds = start.elapsed().as_secs();
        report.push(match outcome {
            Outcome::Done => format!("{task:?}: done in {seconds} s"),
            Outcome::Skipped { why } => format!("{task:?}: SKIPPED, {why}"),
        });
        report.last().iter().for_each(|line| println!("{line}"));
    }
    println!("\n==== All passed ====\n{}", report.join("\n"));
    Ok(Outcome::Done)
}

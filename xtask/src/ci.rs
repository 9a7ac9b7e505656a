//! All tasks, one after the other.

use std::time::Instant;

use crate::{Outcome, Task, failure::Failure, workspace::Workspace};

/// In this order: what fails fast comes first, what a machine may lack the means for comes late.
const TASKS: [Task; 13] = [
    Task::Fmt,
    Task::Lint,
    Task::Example,
    Task::Test,
    Task::Schedules,
    Task::Docs,
    Task::Edges,
    Task::Sizes,
    Task::Paths,
    Task::Orphans,
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
        let line = match outcome {
            Outcome::Done => format!("{task:?}: done in {seconds} s"),
            Outcome::Skipped { why } => format!("{task:?}: SKIPPED: {why}"),
        };
        println!("{line}");
        report.push(line);
    }
    println!("\n==== All passed ====\n{}", report.join("\n"));
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use clap::{Command, Subcommand};

    use super::*;

    #[test]
    fn ci_runs_every_task_but_itself_and_the_soak() {
        let all = Task::augment_subcommands(Command::new("xtask"));
        assert_eq!(TASKS.len() + 2, all.get_subcommands().count());
        assert!(!TASKS.contains(&Task::Ci));
        for (index, task) in TASKS.iter().enumerate() {
            assert!(!TASKS[..index].contains(task), "{task:?} runs twice");
        }
    }
}

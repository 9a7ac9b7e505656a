//! Everything that CI does, one command each: `cargo xtask <command>`.
#![allow(clippy::print_stdout, reason = "a tool at the command line speaks on its standard output")]

mod command;
mod failure;
mod workspace;

mod edges;
mod orphans;
mod paths;
mod sizes;

mod ci;
mod deny;
mod runs;
mod soak;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{failure::Failure, workspace::Workspace};

/// Everything that CI does, one command each.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

/// One thing that can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
enum Task {
    /// Is everything formatted?
    Fmt,
    /// Does clippy find nothing?
    Lint,
    /// Do all tests pass?
    Test,
    /// Does the store hold in many orders of its threads? A workspace of its own.
    Schedules,
    /// Do the docs build without warnings?
    Docs,
    /// Do crates depend only on crates that they may depend on?
    Edges,
    /// Are all files and functions short enough?
    Sizes,
    /// Does every file of tests belong to a program?
    Orphans,
    /// Do the paths that ARCHITECTURE.md names exist?
    Paths,
    /// Are the licences and sources of all dependencies allowed, and is none of them known to be bad?
    Deny,
    /// Runs each example twice on a temporary store.
    Example,
    /// Imports the accounts of a real bank from `$ANNALS_DATA/berka` into a temporary store.
    Import,
    /// Is the benchmark, a workspace of its own, in order? Nothing is measured.
    Bench,
    /// All of the above.
    Ci,
    /// The random tests in their long form, and a table of what they reached.
    Soak {
        /// For about so many minutes, and one turn of everything at least.
        #[arg(long, default_value_t = 60)]
        minutes: u64,
    },
}

/// How a task that did not fail ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Done,
    Skipped { why: String },
}

impl Task {
    fn run(self, workspace: &Workspace) -> Result<Outcome, Failure> {
        match self {
            Self::Fmt => runs::fmt(workspace),
            Self::Lint => runs::lint(workspace),
            Self::Test => runs::test(workspace),
            Self::Schedules => runs::schedules(workspace),
            Self::Docs => runs::docs(workspace),
            Self::Edges => edges::check(workspace),
            Self::Sizes => sizes::check(workspace),
            Self::Orphans => orphans::check(workspace),
            Self::Paths => paths::check(workspace),
            Self::Deny => deny::check(workspace),
            Self::Example => runs::example(workspace),
            Self::Import => runs::import(workspace),
            Self::Bench => runs::bench(workspace),
            Self::Ci => ci::run(workspace),
            Self::Soak { minutes } => soak::run(workspace, minutes),
        }
    }
}

fn main() -> ExitCode {
    let task = Arguments::parse().task;
    match Workspace::of_this_tool().and_then(|workspace| task.run(&workspace)) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Skipped { why }) => {
            println!("SKIPPED: {why}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

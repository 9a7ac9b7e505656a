//! What annals costs, beside hand-written yardsticks in the same run: see RESULTS.md.
#![allow(clippy::print_stdout, reason = "a tool at the command line speaks on its standard output")]

mod child;
mod event;
mod figures;
mod fill;
mod load;
mod machine;
mod random;
mod subject;
mod table;
mod work;
mod writers;

use std::{error::Error, path::PathBuf};

use clap::Parser;

/// What goes wrong in a benchmark ends it; nobody distinguishes.
type Failure = Box<dyn Error + Send + Sync>;

/// Where the files go when nothing is said.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target");

/// What annals costs, beside hand-written yardsticks in the same run.
#[derive(Debug, Parser)]
#[command(name = "bench", disable_help_subcommand = true)]
enum Arguments {
    /// Durable appends of one event each, by 1, 8 and 64 writers.
    Append(work::append::Options),
    /// Batches of one caller, drained and closed.
    Batches(work::batches::Options),
    /// Commits with conditions on tags and types, and what they cost others.
    Conditions(work::conditions::Options),
    /// Whole commands beside bare appends, aggregates loaded, decisions on boundaries.
    Commands(work::commands::Options),
    /// Events read in their present form, and through steps from forms of the past.
    Forms(work::forms::Options),
    /// Scans of the log, reads of streams.
    Reads(work::reads::Options),
    /// Opening after a close and after a kill, rebuilding the index, space on the disk, memory.
    Open(work::open::Options),
    /// Derived rows, as a projection writes them.
    Rows(work::rows::Options),
    /// Projections beside a bare scan, several on one log, and how soon a commit is seen.
    Projections(work::projections::Options),
    /// A saga beside the commits that it needs, and timers that sleep.
    Sagas(work::sagas::Options),
    /// The main figures at several sizes of the log.
    Growth(work::growth::Options),
    /// All of the above, one after the other.
    All(AllOptions),
    /// What the others start as a process of its own.
    #[command(subcommand, hide = true)]
    Child(child::Task),
}

#[derive(Debug, clap::Args)]
struct AllOptions {
    /// Only to see whether everything works: the figures say nothing.
    #[arg(long)]
    quick: bool,
    /// Where the files go.
    #[arg(long, default_value = FOLDER)]
    folder: PathBuf,
}

const ALL: [&str; 15] = [
    "append",
    "append --streams new --subjects growing,preallocated,store",
    "append --streams new-ordered --subjects growing,preallocated,store --writers 64",
    "batches",
    "conditions",
    "conditions --events 10000000 --on types --seconds 10",
    "commands",
    "forms",
    "reads",
    "open",
    "open --ids uuid --streams 1000000",
    "rows",
    "projections",
    "sagas",
    "growth",
];

const ALL_QUICK: [&str; 12] = [
    "append --rounds 1 --seconds 1",
    "append --rounds 1 --seconds 1 --streams new --subjects preallocated,store",
    "batches --rounds 1 --events 20000",
    "conditions --rounds 1 --seconds 1 --events 20000",
    "commands --rounds 1 --seconds 1 --aggregates 1000 --callers 1,8 --events 2000,20000 --boundary-callers 8",
    "forms --rounds 1 --events 20000",
    "reads --rounds 1 --events 20000",
    "open --rounds 1 --events 20000 --streams 1000,20000 --ids uuid",
    "rows --rounds 1 --events 20000",
    "projections --rounds 1 --events 20000 --seconds 1",
    "sagas --rounds 1 --concurrent 1,8 --instances 20 --timers 1000",
    "growth --rounds 1 --seconds 1 --events 10000,20000",
];

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    if !matches!(arguments, Arguments::Child(_)) {
        println!("{}\n", machine::line());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    runtime.block_on(run(arguments))
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments {
        Arguments::Append(options) => work::append::run(&options).await,
        Arguments::Batches(options) => work::batches::run(&options).await,
        Arguments::Conditions(options) => work::conditions::run(&options).await,
        Arguments::Commands(options) => work::commands::run(&options).await,
        Arguments::Forms(options) => work::forms::run(&options).await,
        Arguments::Reads(options) => work::reads::run(&options).await,
        Arguments::Open(options) => work::open::run(&options).await,
        Arguments::Rows(options) => work::rows::run(&options).await,
        Arguments::Projections(options) => work::projections::run(&options).await,
        Arguments::Sagas(options) => work::sagas::run(&options).await,
        Arguments::Growth(options) => work::growth::run(&options).await,
        Arguments::All(options) => run_all(&options).await,
        Arguments::Child(task) => child::run(task).await,
    }
}

/// What fails does not keep the rest from being measured.
async fn run_all(options: &AllOptions) -> Result<(), Failure> {
    let lines: &[&str] = if options.quick { &ALL_QUICK } else { &ALL };
    let folder = options.folder.to_str().ok_or("the folder is no text")?;
    let mut failed = Vec::new();
    for line in lines {
        println!("## `{line}`\n");
        let arguments = ["bench"].into_iter().chain(line.split(' ')).chain(["--folder", folder]);
        if let Err(error) = Box::pin(run(Arguments::try_parse_from(arguments)?)).await {
            println!("failed: {error}\n");
            failed.push(*line);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join("; ")).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_all_is_understood() {
        for line in ALL.iter().chain(&ALL_QUICK) {
            Arguments::try_parse_from(["bench"].into_iter().chain(line.split(' '))).expect(line);
        }
    }
}

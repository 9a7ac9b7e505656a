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

use std::error::Error;

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
    /// Scans of the log, reads of streams.
    Reads(work::reads::Options),
    /// Opening after a close and after a kill, rebuilding the index, space on the disk, memory.
    Open(work::open::Options),
    /// Derived rows, as a projection writes them.
    Rows(work::rows::Options),
    /// What the others start as a process of its own.
    #[command(subcommand, hide = true)]
    Child(child::Task),
}

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    match Arguments::parse() {
        Arguments::Append(options) => runtime.block_on(work::append::run(&options)),
        Arguments::Batches(options) => runtime.block_on(work::batches::run(&options)),
        Arguments::Conditions(options) => runtime.block_on(work::conditions::run(&options)),
        Arguments::Reads(options) => runtime.block_on(work::reads::run(&options)),
        Arguments::Open(options) => runtime.block_on(work::open::run(&options)),
        Arguments::Rows(options) => runtime.block_on(work::rows::run(&options)),
        Arguments::Child(task) => runtime.block_on(child::run(task)),
    }
}

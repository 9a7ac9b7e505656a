//! What annals costs, beside hand-written yardsticks in the same run: see RESULTS.md.
#![allow(clippy::print_stdout, reason = "a tool at the command line speaks on its standard output")]

mod figures;
mod load;
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
}

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    match Arguments::parse() {
        Arguments::Append(options) => runtime.block_on(work::append::run(&options)),
    }
}

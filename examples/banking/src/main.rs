//! `cargo run --release -p banking`: see `--help`, or the README beside this crate.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> miette::Result<ExitCode> {
    banking::cli::run().await
}

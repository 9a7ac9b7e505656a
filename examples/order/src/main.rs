//! `cargo run --release -p order`: see `--help`, or the README beside this crate.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> miette::Result<ExitCode> {
    order::cli::run().await
}

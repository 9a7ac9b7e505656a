//! `cargo run --release -p order`: see `--help`, or the README beside this crate.

fn main() {}

//! The bank as a person and a program meet it, a file for each part; one program, so that it is linked once.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

mod audit;
mod cli;
mod generations;
mod import;
mod laws;
mod lock;
mod migrate;
mod quarter;
mod read_models;
mod rebuild;

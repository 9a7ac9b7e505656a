//! What is promised of the shop, a file each.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod dying;

mod cli;
mod contention;
mod import;
mod kills;
mod lock;
mod processes;
mod replay;

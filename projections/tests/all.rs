//! What is promised of projections, a file each; one program, so that it is linked once. `backlog.rs` is another: it
//! looks at the memory of its process.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod bank;
mod stores;

mod at_most_once;
mod batches;
mod builds;
mod cases;
mod engine;
mod faults;
mod gathered;
mod health;
mod histories;
mod keys_anew;
mod parked_history;
mod parking;
mod rebuilds;
mod rebuilt;
mod selecting;
mod unstorable;

//! What is promised of the embedded store, a file each; one program, so that it is linked once. `bounds.rs` is another:
//! it looks at the memory, files and threads of its process. Processes that are killed are this program once more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

// Those of the crates `projections` and `sagas`, whose own tests know no store on disk.
#[path = "../../projections/tests/bank/mod.rs"]
mod bank;
#[path = "../../projections/tests/stores/mod.rs"]
mod stores;
#[path = "../../sagas/tests/bank.rs"]
#[allow(dead_code, reason = "the tests of sagas use all of it")]
mod transfers;

mod conditions;
mod copy;
mod derived;
mod event_cache;
mod failing_disk;
mod faults;
mod golden;
mod index;
mod interrupted_recovery;
mod kill;
mod kill_derived;
mod loader;
mod loader_power_cut;
mod log_reader;
mod names;
mod once;
mod power_cut;
mod projections;
mod reads;
mod recovery;
mod sagas;
mod sled_calls;
mod sweep;
mod tools;

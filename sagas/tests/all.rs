//! What is promised of sagas, a file each, on a store in memory.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod bank;
mod holding;

mod compensation;
mod delayed;
mod delivery;
mod explored;
mod histories;
mod inputs;
mod kit;
mod reactions;
mod timers;
mod transfers;

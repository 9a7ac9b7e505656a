//! Sagas on a store in memory.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod bank;

mod compensation;
mod delayed;
mod delivery;
mod inputs;
mod kit;
mod reactions;
mod timers;
mod transfers;

//! What is promised of sagas, a file each, on a store in memory.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod bank;
mod holding;

mod compensation;
mod delayed;
mod delivery;
mod ended;
mod explored;
mod health;
mod histories;
mod inputs;
mod joint;
mod kit;
mod metrics;
mod pauses;
mod reactions;
mod timers;
mod together;
mod transfers;
mod under_way;
mod unruly;

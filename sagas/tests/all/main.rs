//! Sagas on a store in memory.

mod bank;
mod store;

mod compensation;
mod delivery;
mod inputs;
mod timers;
mod transfers;

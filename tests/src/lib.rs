//! What every store of annals must do.
//!
//! A store brings a [`Harness`] and one line, and every sentence of the [`Store`](annals_core::Store) contract becomes
//! a test of it, together with a comparison against an obviously correct model:
//!
//! ```
//! use annals_conformance::MemoryHarness;
//! annals_conformance::suite!(MemoryHarness);
//! # fn main() {}
//! ```
//!
//! The cases are plain functions, one file per subject, listed once in [`for_each_case!`]. Their names are claims;
//! their docs cite the acceptance cases (`A.8`, `G.16`), the failure modes (`F14`) and the promises (`P4`) that they
//! stand for. They run on a runtime of two threads, wait for signals and never sleep, and need nothing from each other.
//!
//! Planted faults show that the suite bites: see [`planted`].
//!
//! # What is left out
//! * B.2: negative limits and starts cannot be written down.
//! * B.4: a closed stream is not deleted, it reads as before.
//! * B.18: streams are not cut by count or age.
//! * C.12: positions are not looked up by event id, which need not be unique.
//! * G.10: a read does not report the head beside its records; the head has its own signal.
//! * G.30: repetitions are recognised by idempotency keys, not by event ids: see `once`.
//! * G.32: an empty commit is allowed, and writes nothing.
//! * G from 38 on are examples of decisions: they are the test program `dcb`, which runs on every store.
//! * E is about aggregates, and is tested where those are, but for what commands with an idempotency key promise, which is
//!   tested on every store.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the whole crate is test code: it says by a panic what does not hold"
)]

mod fixture;
mod harness;
mod race;
mod seats;
mod suite;

pub mod append;
pub mod apply;
pub mod bad_inputs;
pub mod boundary;
pub mod cancel;
pub mod closed;
pub mod concurrency;
pub mod conditions;
pub mod dropped;
pub mod durable;
pub mod follow;
pub mod head;
pub mod keyed;
pub mod limits;
pub mod log;
pub mod names;
pub mod once;
pub mod prune;
pub mod reads;
pub mod rows;
pub mod scan;
pub mod shut_down;
pub mod streams;
pub mod time;

pub mod histories;
pub mod model;
pub mod planted;

pub mod random;
pub mod soak;
pub mod tally;

pub use harness::{Harness, ManualClock, MemoryHarness, Setup};
pub use race::at_once;
pub use suite::{Case, cases, run, survives};

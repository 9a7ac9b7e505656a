//! Tests of decisions. With feature `testing`.
//!
//! * [`given`] these events, when this command, then these events: a rule, tested without a store. The same for several
//!   aggregates at once ([`together`]) and for a boundary ([`given_boundary`]). Both the given and the emitted events go
//!   through their encoding and back, so that a test fails where a real store would lose something. Time stands still and
//!   new ids are counted, so that tests repeat.
//! * [`laws`]: what holds for every aggregate, as a test of one line.
//! * [`schema_lock!`](crate::schema_lock): what is stored cannot change unnoticed.
//! * [`FaultyStore`]: conflicts, failures, lost answers and delays, where the test wants them.

mod boundary;
mod differ;
mod faults;
mod given;
mod hex;
pub mod laws;
mod lock;
mod stored;
mod together;
mod when;

pub use boundary::{GivenBoundary, InStream, emitted, given_boundary};
pub use faults::{CommitFault, FaultyStore, ReadFault, Reads};
pub use given::{Given, given};
pub use lock::{lock_schemas, schemas_are_locked};
pub use stored::commit_of;
use stored::recoded;
pub use together::{GivenTogether, Histories, together};
pub use when::{Then, When, claims, releases, transfers};

#[track_caller]
#[expect(clippy::panic, reason = "a test says that it failed by panicking")]
fn fail(message: &str) -> ! {
    panic!("{message}")
}

#[cfg(test)]
mod tests;

//! Projections: read models that follow the log and can neither miss nor double-count an event.
//!
//! Read in the order of the modules: what rows are and what they are found by ([`Row`], [`RowKey`]), what a projection is
//! ([`Projection`], [`Subscription`]), what its handlers read and write ([`Rows`]).

#![expect(dead_code, reason = "the engine that uses it is not here yet")]

mod key;
mod name;
mod row;

mod projection;
mod subscription;
mod tables;

mod rows;

mod chunk;

#[doc(hidden)]
pub mod derived;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use key::{KeyBytes, RowKey, StartsWith};
pub use name::InvalidName;
pub use projection::{BoxError, EventContext, Incoming, NoSuchId, Projection};
pub use row::{Row, RowIndex, TableIndex};
pub use rows::{Rows, RowsError};
pub use subscription::Subscription;
pub use tables::Tables;

//! Event sourcing and CQRS: derive macros on your own types, and a store that needs no server.
//!
//! ```
//! use annals::prelude::*;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, Clone, Serialize, Deserialize, Event)]
//! #[event(prefix = "account")]
//! enum AccountEvent {
//!     Opened { owner: String },
//!     Deposited { cents: u64 },
//! }
//!
//! #[derive(Debug, Default, Clone, Aggregate)]
//! #[aggregate(name = "account", event = AccountEvent)]
//! struct Account {
//!     open: bool,
//!     cents: u64,
//! }
//!
//! impl Evolve<AccountEvent> for Account {
//!     fn evolve(&mut self, event: &AccountEvent) {
//!         match event {
//!             AccountEvent::Opened { .. } => self.open = true,
//!             AccountEvent::Deposited { cents } => self.cents += cents,
//!         }
//!     }
//! }
//!
//! struct Deposit {
//!     cents: u64,
//! }
//!
//! impl Handle<Deposit> for Account {
//!     type Reply = u64;
//!     type Error = &'static str;
//!     fn handle(account: &mut Decision<Self>, command: Deposit) -> Result<u64, &'static str> {
//!         if !account.open {
//!             return Err("the account is not open");
//!         }
//!         account.emit(AccountEvent::Deposited { cents: command.cents });
//!         Ok(account.cents)
//!     }
//! }
//! ```
//!
//! This crate holds no logic: it exports [`annals_core`], the derives of `annals_macros`, each beside its trait, what a
//! projection is written with ([`projections`] has the rest), and the [`embedded`] store.

pub mod embedded;
#[cfg(any(test, doctest))]
mod guide;
pub mod prelude;

pub use annals_core::*;
pub use annals_macros::{Aggregate, AggregateId, Command, Event, FormerState, Row, RowKey, Shape, projection};
pub use annals_projections as projections;
#[doc(hidden)]
pub use annals_projections::derived;
pub use annals_projections::{
    BoxError, Delivered, EventContext, Incoming, KeyBytes, Projection, Row, RowIndex, RowKey, Rows, Subscription,
    TableIndex, Tables,
};

/// Compiles and runs the program of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

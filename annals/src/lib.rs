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
//! This crate holds no logic: it exports [`annals_core`], the macros of `annals_macros`, each beside its trait, what a
//! projection and a saga are written with ([`projections`] and [`sagas`] have the rest), and the [`embedded`] store.

pub mod embedded;
#[cfg(any(test, doctest))]
mod guide;
pub mod prelude;

// What it has of the name `Step` is hidden by that of sagas.
pub use annals_core::{Step as HistoryStep, *};
pub use annals_macros::{
    Aggregate, AggregateId, Command, Event, FormerState, Row, RowKey, Shape, projection, reaction, saga,
};
pub use annals_projections as projections;
pub use annals_projections::{
    BoxError, Delivered, EventContext, Incoming, KeyBytes, Projection, Row, RowIndex, RowKey, Rows, Subscription,
    TableIndex, Tables,
};
pub use annals_sagas as sagas;
#[doc(hidden)]
pub use annals_sagas::derived;
pub use annals_sagas::{
    Commands, Joint, Otherwise, Reaction, Reception, Refusal, RunningSagas, Saga, SendLater, SendsTo, Step, Undo,
    WithSagas,
};

/// Compiles and runs the program of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

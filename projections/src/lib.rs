//! Projections: read models that follow the log and can neither miss nor double-count an event.
//!
//! Read in the order of the modules: what rows are and what they are found by ([`Row`], [`RowKey`]), what a projection is
//! ([`Projection`], [`Subscription`]), what its handlers read and write ([`Rows`]), how it is run ([`ProjectionOptions`]), and
//! what can be asked of it while it runs ([`ProjectionHandle`], [`View`]).

mod key;
mod key_range;
mod name;
mod row;

mod options;
mod projection;
mod subscription;
mod tables;

mod rows;

mod chunk;
mod feed;
mod run;

mod builds;
mod checkpoint;
mod consumer;
mod decision;
mod pace;
mod parked;
mod pulse;
mod rebuild;
mod seen;
mod status;
mod tenants;
mod unused;

mod alarm;
mod health;
mod monitor;
mod thresholds;

pub mod metrics;

mod control;
mod lane;
mod runner;
mod session;
mod worker;

mod reading;
mod view;

mod on_annals;
mod projections;
mod registration;

#[doc(hidden)]
pub mod derived;
#[doc(hidden)]
pub mod engine;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use alarm::{ALARM_TARGET, Alarm, AlarmChange, SAGA_ALARM_TARGET};
pub use decision::DiscardedEvent;
pub use health::{Cause, Concern, Health, Level, Subject};
pub use key::{KeyBytes, RowKey, StartsWith};
pub use name::InvalidName;
pub use on_annals::{AndWait, ReadModels, Waited, Waiting, WithProjections};
pub use options::{Delivery, Failed, LaneKey, OnFailure, Order, ProjectionOptions, Reaction, Retry};
pub use parked::{FailedAttempt, Outcome, ParkedKey, Unparked};
pub use projection::{BoxError, Delivered, EventContext, Incoming, NoSuchId, Projection};
pub use projections::{
    Difference, OperatorError, ProjectionHandle, ProjectionSet, Projections, RowDifference, Shadow, ShadowError,
    TableDifference, WaitError,
};
pub use rebuild::Rebuild;
pub use registration::RegistrationError;
pub use row::{Row, RowIndex, TableIndex};
pub use rows::{IndexRows, Rows, RowsError, UnreadableRow};
pub use run::{HandlerPanic, HandlerTimeout};
pub use status::{Failure, Lag, State, Status};
pub use subscription::Subscription;
pub use tables::Tables;
pub use thresholds::{Threshold, Thresholds};
pub use view::{Cursor, IndexView, InvalidCursor, RowQuery, View, ViewError, ViewPage};

//! What the code of a domain names every day: `use annals::prelude::*`.

pub use crate::embedded::Embedded;
pub use annals_core::{
    Aggregate, AggregateId, Annals, Command, Decision, Event, Evolve, FormerState, Handle, Timestamp, Version,
};
pub use annals_macros::{
    Aggregate, AggregateId, Command, Event, FormerState, Row, RowKey, Shape, projection, reaction, saga,
};
pub use annals_projections::{
    AndWait, BoxError, Delivered, EventContext, Projection, ReadModels, Row, RowKey, Rows, WithProjections,
};
pub use annals_sagas::{
    Commands, Joint, Otherwise, Reaction, Reception, Refusal, RunningSagas, Saga, SendLater, SendsTo, Step, Undo,
    WithSagas,
};

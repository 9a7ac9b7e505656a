//! What is measured: a file a row of the table of figures.

pub(crate) mod append;
pub(crate) mod batches;
pub(crate) mod commands;
pub(crate) mod conditions;
pub(crate) mod forms;
pub(crate) mod growth;
pub(crate) mod open;
pub(crate) mod projections;
pub(crate) mod reads;
pub(crate) mod rows;
pub(crate) mod sagas;

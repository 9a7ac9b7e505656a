//! What is measured: a file a row of the table of figures.

pub(crate) mod append;

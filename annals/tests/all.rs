//! The facade as an application uses it, a file for each part; one program, so that it is linked once.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod copied_requests;
mod derive;
mod evolution;
mod former_states;
#[cfg(feature = "testing")]
mod laws;
mod lock;
mod projection_grammar;
mod reaction_grammar;
mod registry;
mod saga_grammar;

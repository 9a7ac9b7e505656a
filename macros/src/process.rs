//! Processes, which answer events and the refusals of commands with commands: what `#[saga]` and `#[reaction]` have in common.

pub(crate) mod expand;
pub(crate) mod handler;
pub(crate) mod inputs;
pub(crate) mod key;
pub(crate) mod on;
pub(crate) mod sends;

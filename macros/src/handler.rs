//! Methods that take events in, in the block of a type: what `#[projection]`, `#[saga]` and `#[reaction]` have in common. The
//! pattern is the subscription.

pub(crate) mod block;
pub(crate) mod events;
pub(crate) mod expand;
pub(crate) mod ignored;
pub(crate) mod parameter;
pub(crate) mod pattern;

//! Commands that are expected to be sent.

use std::fmt;

use annals_core::{
    Aggregate, Command, JointCommand,
    codec::{self, EncodeError},
};

use crate::stored::StoredCommand;

/// A command to an aggregate. Two are the same when they would be stored as the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Sent(pub(super) StoredCommand);

/// `command`, sent to the aggregate `id`.
///
/// # Panics
/// When the command cannot be encoded.
#[track_caller]
pub fn sent<A, C>(id: impl Into<A::Id>, command: C) -> Sent
where
    A: Aggregate,
    C: Command,
{
    encoded(StoredCommand::new::<A, C>(&id.into(), &command))
}

/// `command`, about which [several things](JointCommand) decide together.
///
/// # Panics
/// When the command cannot be encoded.
#[track_caller]
pub fn sent_joint<C: JointCommand>(command: C) -> Sent {
    encoded(StoredCommand::joint(&command))
}

#[track_caller]
fn encoded(command: Result<StoredCommand, EncodeError>) -> Sent {
    match command {
        Ok(stored) => Sent(stored),
        Err(error) => super::fail(&error.to_string()),
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StoredCommand { aggregate, id, name, content, .. } = &self.0;
        let mut shown = f.debug_struct(name);
        shown.field("to", &format_args!("{aggregate}-{id}"));
        match codec::decode_value(content) {
            Ok(content) => shown.field("content", &format_args!("{content}")),
            Err(_) => shown.field("content", content),
        };
        shown.finish()
    }
}

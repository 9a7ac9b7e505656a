//! Forms in which events were stored in the past, and how they are read today.
//!
//! The functions are the pieces of which `derive(Event)` makes the reading of a form: the payload, then step by step.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::{
    Decoded, Event, Record, Upcast, UpcastError,
    codec::{self, Value},
    decode::DecodeProblem,
};

/// A form in which events were stored in the past: a stored name and a version that are no longer written.
pub struct Past<E> {
    /// The stored name.
    pub name: &'static str,
    /// The version.
    pub version: u32,
    /// The kinds of events that it is read as today, as indexes into [`Event::KINDS`]. Whoever selects one of them
    /// also selects this form.
    pub kinds: &'static [usize],
    /// Reads a record of this form.
    pub read: fn(&Record) -> Result<Decoded<E>, DecodeProblem>,
}

impl<E> fmt::Debug for Past<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {}", self.name, self.version)
    }
}

/// The payload of `record` as the type that stands for its form.
///
/// # Errors
/// [`DecodeProblem::Payload`].
pub fn payload<T: DeserializeOwned>(record: &Record) -> Result<T, DecodeProblem> {
    codec::decode(record.payload()).map_err(|problem| DecodeProblem::payload(record, problem))
}

/// The payload of `record` as a tree.
///
/// # Errors
/// [`DecodeProblem::Payload`].
pub fn value(record: &Record) -> Result<Value, DecodeProblem> {
    codec::decode_value(record.payload()).map_err(|problem| DecodeProblem::payload(record, problem))
}

/// The step from version `from` to the next one, or into an event.
///
/// # Errors
/// [`DecodeProblem::Upcast`].
pub fn step<S: Upcast<T>, T>(record: &Record, from: u32, old: S) -> Result<T, DecodeProblem> {
    old.upcast().map_err(|error| DecodeProblem::upcast(record, from, error))
}

/// The step from version `from` to the next one on a tree.
///
/// # Errors
/// [`DecodeProblem::Upcast`].
pub fn value_step(
    record: &Record,
    from: u32,
    old: Value,
    step: fn(Value, &Record) -> Result<Value, UpcastError>,
) -> Result<Value, DecodeProblem> {
    step(old, record).map_err(|error| DecodeProblem::upcast(record, from, error))
}

/// What the step from version `from` on a tree gave, as the type that stands for the next version.
///
/// # Errors
/// [`DecodeProblem::Upcast`].
pub fn typed<T: DeserializeOwned>(record: &Record, from: u32, tree: &Value) -> Result<T, DecodeProblem> {
    encoded(tree)
        .and_then(|bytes| Ok(codec::decode(&bytes)?))
        .map_err(|error| DecodeProblem::upcast(record, from, error))
}

/// What the step from version `from` on a tree gave, as the event `KINDS[kind]`.
///
/// # Errors
/// [`DecodeProblem::Upcast`].
pub fn event<E: Event>(record: &Record, from: u32, tree: &Value, kind: usize) -> Result<E, DecodeProblem> {
    encoded(tree)
        .and_then(|bytes| Ok(E::decode(kind, &bytes)?))
        .map_err(|error| DecodeProblem::upcast(record, from, error))
}

fn encoded(tree: &Value) -> Result<codec::Bytes, UpcastError> {
    Ok(codec::encode("the tree that a step gave", tree)?)
}

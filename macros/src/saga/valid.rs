//! The mistakes that can be seen in a saga, and what is sure when there are none.

mod inputs;
mod key;

use darling::{Error, Result, error::Accumulator};
use quote::ToTokens;

use super::{ast::Saga, sends::Sent};
use crate::{
    handler::{
        block,
        events::{self, Events},
    },
    name::SAGA,
    past::PastForm,
    value::Version,
};

pub(super) use inputs::{Given, Received, Refused, Timeout};
pub(super) use key::{CONTEXT, named};

/// A saga in order.
pub(super) struct Valid<'a> {
    pub(super) name: &'a str,
    pub(super) version: Version,
    pub(super) past: Vec<PastForm>,
    pub(super) sends: Vec<&'a Sent>,
    /// Its enums, in the order in which they occur.
    pub(super) enums: Vec<Events<'a, Received<'a>>>,
    pub(super) refused: Vec<Refused<'a>>,
    pub(super) timeouts: Vec<Timeout<'a>>,
}

pub(super) fn check(saga: &Saga) -> Result<Valid<'_>> {
    let mut errors = Error::accumulator();
    let name = errors.handle(name(saga));
    let version = saga.attr.version.unwrap_or(Version::FIRST);
    let past = saga.attr.from.as_ref().map_or(Ok(Vec::new()), |from| from.forms(version, "state"));
    let past = errors.handle(past).unwrap_or_default();
    let sends = errors.handle(sends(saga)).unwrap_or_default();
    errors.handle(begins(saga));
    let enums = enums(saga, &mut errors);
    let (mut refused, mut timeouts) = (Vec::new(), Vec::new());
    for handler in &saga.handlers {
        errors.handle(inputs::check_method(&handler.method));
        errors.handle(inputs::add_refused(&mut refused, handler, &sends));
        errors.handle(inputs::add_timeouts(&mut timeouts, handler));
    }
    errors.finish()?;
    let name = name.ok_or_else(|| Error::custom("the saga lacks a name"))?;
    Ok(Valid { name, version, past, sends, enums, refused, timeouts })
}

fn name(saga: &Saga) -> Result<&str> {
    block::name(saga.attr.name.as_ref(), &SAGA, &saga.block, |example| {
        format!(
            "the saga has no name: `#[saga(name = \"{}\", ..)]` is what its instances are kept under, for ever",
            example.as_deref().unwrap_or("fulfilment")
        )
    })
}

/// Whether there is an event that an instance begins with.
fn begins(saga: &Saga) -> Result<()> {
    let message = match saga.handlers.iter().flat_map(|handler| &handler.on).collect::<Vec<_>>().as_slice() {
        [] => "the saga is given no event: give a method `#[on(Enum::Variant { .. }, starts)]`",
        on if !on.iter().any(|on| on.reception.starts) => {
            "no event begins an instance: say so of one, `#[on(Enum::Variant { .. }, starts)]`"
        }
        _ => return Ok(()),
    };
    Err(Error::custom(message).with_span(&saga.block.self_ty))
}

fn sends(saga: &Saga) -> Result<Vec<&Sent>> {
    let mut errors = Error::accumulator();
    let mut sends: Vec<&Sent> = Vec::new();
    for sent in saga.attr.sends.iter().flat_map(|sends| &sends.0) {
        if sends.iter().any(|other| other.aggregate == sent.aggregate && other.command == sent.command) {
            let (command, aggregate) = (sent.command.to_token_stream(), sent.aggregate.to_token_stream());
            let message = format!("that `{command}` is sent to `{aggregate}` is said already");
            errors.push(Error::custom(message).with_span(&sent.command));
        } else {
            sends.push(sent);
        }
    }
    errors.finish_with(sends)
}

fn enums<'a>(saga: &'a Saga, errors: &mut Accumulator) -> Vec<Events<'a, Received<'a>>> {
    let mut enums = Vec::new();
    for handler in &saga.handlers {
        for arm in errors.handle(inputs::arms(handler)).into_iter().flatten() {
            errors.handle(events::handle(&mut enums, arm));
        }
    }
    errors.handle(events::ignore(&mut enums, &saga.attr.ignore));
    enums
}

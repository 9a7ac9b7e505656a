//! The mistakes that can be seen in a saga, and what is sure when there are none.

mod methods;

use darling::{Error, Result};

use super::{ast::Saga, on::Reception};
use crate::{
    handler::{block, events::Events},
    name::SAGA,
    past::PastForm,
    process::{
        inputs::{self, Received, Refused},
        sends::{self, Sent},
    },
    value::Version,
};

pub(super) use methods::Timeout;

/// A saga in order.
pub(super) struct Valid<'a> {
    pub(super) name: &'a str,
    pub(super) version: Version,
    pub(super) past: Vec<PastForm>,
    pub(super) sends: Vec<&'a Sent>,
    /// Its enums, in the order in which they occur.
    pub(super) enums: Vec<Events<'a, Received<'a, Reception>>>,
    pub(super) refused: Vec<Refused<'a>>,
    pub(super) timeouts: Vec<Timeout<'a>>,
}

pub(super) fn check(saga: &Saga) -> Result<Valid<'_>> {
    let mut errors = Error::accumulator();
    let name = errors.handle(name(saga));
    let version = saga.attr.version.unwrap_or(Version::FIRST);
    let past = saga.attr.from.as_ref().map_or(Ok(Vec::new()), |from| from.forms(version, "state"));
    let past = errors.handle(past).unwrap_or_default();
    let sends = errors.handle(sends::each_once(&saga.attr.sends)).unwrap_or_default();
    errors.handle(begins(saga));
    let enums = errors.handle(inputs::enums(&saga.handlers, &saga.attr.ignore)).unwrap_or_default();
    errors.handle(methods::check(&saga.handlers));
    let refused = errors.handle(inputs::refusals(&saga.handlers, &sends)).unwrap_or_default();
    let timeouts = errors.handle(methods::timeouts(&saga.handlers)).unwrap_or_default();
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
        on if !on.iter().any(|on| on.said.starts) => {
            "no event begins an instance: say so of one, `#[on(Enum::Variant { .. }, starts)]`"
        }
        _ => return Ok(()),
    };
    Err(Error::custom(message).with_span(&saga.block.self_ty))
}

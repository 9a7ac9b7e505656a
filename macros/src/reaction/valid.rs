//! The mistakes that can be seen in a reaction, and what is sure when there are none.

use darling::{Error, Result};

use super::{ast::Reaction, attr::OfState, on::Keyed};
use crate::{
    handler::{block, events::Events, parameter::refuse_receiver},
    name::REACTION,
    process::{
        handler::Handler,
        inputs::{self, Received, Refused, refuse_waiting},
        sends::{self, Sent},
    },
};

/// A reaction in order.
pub(super) struct Valid<'a> {
    pub(super) name: &'a str,
    pub(super) sends: Vec<&'a Sent>,
    /// Its enums, in the order in which they occur.
    pub(super) enums: Vec<Events<'a, Received<'a, Keyed>>>,
    pub(super) refused: Vec<Refused<'a>>,
}

pub(super) fn check(reaction: &Reaction) -> Result<Valid<'_>> {
    let mut errors = Error::accumulator();
    let name = errors.handle(name(reaction));
    errors.handle(remembers_nothing(reaction));
    let sends = errors.handle(sends::each_once(&reaction.attr.sends)).unwrap_or_default();
    errors.handle(answers(reaction));
    let enums = errors.handle(inputs::enums(&reaction.handlers, &reaction.attr.ignore)).unwrap_or_default();
    errors.handle(check_functions(&reaction.handlers));
    let refused = errors.handle(inputs::refusals(&reaction.handlers, &sends)).unwrap_or_default();
    errors.finish()?;
    let name = name.ok_or_else(|| Error::custom("the reaction lacks a name"))?;
    Ok(Valid { name, sends, enums, refused })
}

fn name(reaction: &Reaction) -> Result<&str> {
    block::name(reaction.attr.name.as_ref(), &REACTION, &reaction.block, |example| {
        format!(
            "the reaction has no name: `#[reaction(name = \"{}\", ..)]` is what its place in the log is kept under, for ever",
            example.as_deref().unwrap_or("greets")
        )
    })
}

/// Refuses what is said of a state.
fn remembers_nothing(reaction: &Reaction) -> Result<()> {
    let mut errors = Error::accumulator();
    for OfState(place) in [&reaction.attr.version, &reaction.attr.from].into_iter().flatten() {
        let message = "a reaction has no state that could be of a version: what remembers is a saga, `#[saga(..)]`";
        errors.push(Error::custom(message).with_span(place));
    }
    errors.finish()
}

fn answers(reaction: &Reaction) -> Result<()> {
    if reaction.handlers.iter().any(|handler| !handler.on.is_empty()) {
        return Ok(());
    }
    let message = "the reaction answers no event: give a function `#[on(Enum::Variant { .. })]`";
    Err(Error::custom(message).with_span(&reaction.block.self_ty))
}

/// Whether the functions can be those of a reaction at all.
fn check_functions(handlers: &[Handler<Keyed>]) -> Result<()> {
    let mut errors = Error::accumulator();
    for Handler { method, .. } in handlers {
        errors.handle(refuse_waiting::<Keyed>(&method.signature));
        let message = "a handler of a reaction takes no `self`, because there is nothing that it remembers: what has a state is a saga, `#[saga(..)]`";
        errors.handle(refuse_receiver(&method.signature, message));
    }
    errors.finish()
}

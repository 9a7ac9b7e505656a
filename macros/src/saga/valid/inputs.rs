//! Which method takes which input, and what its parameters are given.

use darling::{Error, Result};
use quote::ToTokens;
use syn::{LitStr, Path};

use super::key;
use crate::{
    handler::{
        block::Method,
        events::Arm,
        parameter::{Argument, Offer, check_receiver, of_pattern, of_types},
    },
    saga::{
        ast::Handler,
        on::{On, Reception},
        sends::Sent,
    },
};

/// What a parameter is given beside the event's fields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::saga) enum Given {
    /// What is known of the event beside its content.
    Context,
    /// The command that was refused.
    Command,
    /// That it was, and why.
    Refusal,
    /// What is to be done.
    Step,
}

/// What is to be known of a method that takes an event.
pub(in crate::saga) struct Received<'a> {
    pub(in crate::saga) reception: &'a Reception,
    pub(in crate::saga) arguments: Vec<Argument<'a, Given>>,
}

/// A method that takes the refusal of a command.
pub(in crate::saga) struct Refused<'a> {
    pub(in crate::saga) method: &'a Method,
    pub(in crate::saga) command: &'a Path,
    pub(in crate::saga) arguments: Vec<Given>,
}

/// A method that takes a timer.
pub(in crate::saga) struct Timeout<'a> {
    pub(in crate::saga) method: &'a Method,
    pub(in crate::saga) timer: &'a LitStr,
    pub(in crate::saga) arguments: Vec<Given>,
}

fn step() -> Offer<Given> {
    Offer::once("Step", Given::Step, "the step is given to one parameter alone")
}

/// Whether the method can be one of a saga at all.
pub(super) fn check_method(method: &Method) -> Result<()> {
    let mut errors = Error::accumulator();
    if let Some(awaits) = &method.signature.asyncness {
        let message = "a handler of a saga is a plain `fn`, because it is run again when something came in between: what has to be waited for is a command";
        errors.push(Error::custom(message).with_span(awaits));
    }
    let message = "a handler of a saga takes `&mut self`, the state of the instance";
    errors.handle(check_receiver(&method.signature, false, message));
    errors.finish()
}

/// The arms of `handler`, one for each of its patterns.
pub(super) fn arms(handler: &Handler) -> Result<Vec<Arm<'_, Received<'_>>>> {
    let method = &handler.method;
    let offers = [Offer::of("EventContext", Given::Context), step()];
    let types = "`&EventContext<'_>` or `&mut Step<'_, Self>`";
    let mut errors = Error::accumulator();
    let mut arms = Vec::new();
    for On { pattern, reception } in &handler.on {
        let key = reception.key.as_ref();
        errors.handle(key.map_or(Ok(()), |key| key::check(key, pattern)));
        let is_used = |binding: &_| key.is_some_and(|key| key::named(key, binding).is_some());
        let arguments = errors.handle(of_pattern(&method.signature, pattern, &offers, types, is_used));
        arms.extend(arguments.map(|arguments| Arm { method, pattern, given: Received { reception, arguments } }));
    }
    errors.finish_with(arms)
}

pub(super) fn add_refused<'a>(all: &mut Vec<Refused<'a>>, handler: &'a Handler, sends: &[&Sent]) -> Result<()> {
    let mut errors = Error::accumulator();
    let method = &handler.method;
    for command in &handler.refused {
        let name = command.to_token_stream();
        if !sends.iter().any(|sent| sent.command == *command) {
            let message = format!("`{name}` is not among what the saga sends: `#[saga(.., sends(Aggregate: {name}))]`");
            errors.push(Error::custom(message).with_span(command));
        }
        if let Some(other) = all.iter().find(|other| other.command == command && !other.method.excludes(method)) {
            let message = format!("that `{name}` is refused is handled by `{}` already", other.method.signature.ident);
            errors.push(Error::custom(message).with_span(command));
        }
        let mut offers = vec![Offer::of("Refusal", Given::Refusal), step()];
        offers.extend(command.segments.last().map(|last| Offer::of(&last.ident, Given::Command)));
        let message = format!("a parameter is `&{name}`, `&Refusal<'_>` or `&mut Step<'_, Self>`");
        let arguments = errors.handle(of_types(&method.signature, &offers, &message)).unwrap_or_default();
        all.push(Refused { method, command, arguments });
    }
    errors.finish()
}

pub(super) fn add_timeouts<'a>(all: &mut Vec<Timeout<'a>>, handler: &'a Handler) -> Result<()> {
    let mut errors = Error::accumulator();
    let method = &handler.method;
    for timer in &handler.timeouts {
        let same = |other: &&Timeout<'_>| other.timer.value() == timer.value() && !other.method.excludes(method);
        if let Some(other) = all.iter().find(same) {
            let name = timer.value();
            let message = format!("the timer {name:?} is handled by `{}` already", other.method.signature.ident);
            errors.push(Error::custom(message).with_span(timer));
        }
        let message = "a parameter of a method for a timer is `&mut Step<'_, Self>`";
        let arguments = errors.handle(of_types(&method.signature, &[step()], message)).unwrap_or_default();
        all.push(Timeout { method, timer, arguments });
    }
    errors.finish()
}

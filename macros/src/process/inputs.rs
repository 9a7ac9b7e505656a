//! Which method takes which input, and what its parameters are given.

use darling::{Error, Result};
use quote::ToTokens;
use syn::{Path, Signature};

use super::{
    handler::Handler,
    key,
    on::{On, Said},
    sends::Sent,
};
use crate::handler::{
    block::Method,
    events::{self, Arm, Events},
    ignored::Ignored,
    parameter::{Argument, Offer, of_pattern, of_types},
};

/// What a parameter is given beside the event's fields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
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
pub(crate) struct Received<'a, T> {
    pub(crate) said: &'a T,
    pub(crate) arguments: Vec<Argument<'a, Given>>,
}

/// A method that takes the refusal of a command.
pub(crate) struct Refused<'a> {
    pub(crate) method: &'a Method,
    pub(crate) command: &'a Path,
    pub(crate) arguments: Vec<Given>,
}

pub(crate) fn step() -> Offer<Given> {
    Offer::once("Step", Given::Step, "the step is given to one parameter alone")
}

/// Refuses a method that waits.
pub(crate) fn refuse_waiting<T: Said>(signature: &Signature) -> Result<()> {
    let Some(waits) = &signature.asyncness else { return Ok(()) };
    let message = format!(
        "a handler of a {} is a plain `fn`, because it is run again when something came in between: what has to be waited for is a command",
        T::PROCESS
    );
    Err(Error::custom(message).with_span(waits))
}

/// What becomes of the events of each enum.
pub(crate) fn enums<'a, T: Said>(
    handlers: &'a [Handler<T>],
    ignored: &'a [Ignored],
) -> Result<Vec<Events<'a, Received<'a, T>>>> {
    let mut errors = Error::accumulator();
    let mut enums = Vec::new();
    for handler in handlers {
        for arm in errors.handle(arms(handler)).into_iter().flatten() {
            errors.handle(events::handle(&mut enums, arm));
        }
    }
    errors.handle(events::ignore(&mut enums, ignored));
    errors.finish_with(enums)
}

/// The arms of `handler`, one for each of its patterns.
fn arms<T: Said>(handler: &Handler<T>) -> Result<Vec<Arm<'_, Received<'_, T>>>> {
    let method = &handler.method;
    let offers = [Offer::of("EventContext", Given::Context), step()];
    let types = "`&EventContext<'_>` or `&mut Step<'_, Self>`";
    let mut errors = Error::accumulator();
    let mut arms = Vec::new();
    for On { pattern, said } in &handler.on {
        let key = said.key();
        errors.handle(key.map_or(Ok(()), |key| key::check(key, pattern)));
        let is_used = |binding: &_| key.is_some_and(|key| key::named(key, binding).is_some());
        let arguments = errors.handle(of_pattern(&method.signature, pattern, &offers, types, is_used));
        arms.extend(arguments.map(|arguments| Arm { method, pattern, given: Received { said, arguments } }));
    }
    errors.finish_with(arms)
}

/// The methods that take refusals, of what is among `sends`.
pub(crate) fn refusals<'a, T: Said>(handlers: &'a [Handler<T>], sends: &[&Sent]) -> Result<Vec<Refused<'a>>> {
    let mut errors = Error::accumulator();
    let mut all: Vec<Refused<'a>> = Vec::new();
    let every = handlers.iter().flat_map(|handler| handler.refused.iter().map(move |command| (handler, command)));
    for (Handler { method, .. }, command) in every {
        let name = command.to_token_stream();
        if !sends.iter().any(|sent| sent.command == *command) {
            let process = T::PROCESS;
            let message =
                format!("`{name}` is not among what the {process} sends: `#[{process}(.., sends(Aggregate: {name}))]`");
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
    errors.finish_with(all)
}

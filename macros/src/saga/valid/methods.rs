//! Methods as a saga has them.

use darling::{Error, Result};
use syn::LitStr;

use crate::{
    handler::{
        block::Method,
        parameter::{check_receiver, of_types},
    },
    process::{
        handler::Handler,
        inputs::{Given, refuse_waiting, step},
    },
    saga::on::Reception,
};

/// A method that takes a timer.
pub(in crate::saga) struct Timeout<'a> {
    pub(in crate::saga) method: &'a Method,
    pub(in crate::saga) timer: &'a LitStr,
    pub(in crate::saga) arguments: Vec<Given>,
}

/// Whether methods can be those of a saga at all.
pub(super) fn check(handlers: &[Handler<Reception>]) -> Result<()> {
    let mut errors = Error::accumulator();
    for Handler { method, .. } in handlers {
        errors.handle(refuse_waiting::<Reception>(&method.signature));
        let message = "a handler of a saga takes `&mut self`, the state of the instance";
        errors.handle(check_receiver(&method.signature, false, message));
    }
    errors.finish()
}

/// The methods that take timers.
pub(super) fn timeouts(handlers: &[Handler<Reception>]) -> Result<Vec<Timeout<'_>>> {
    let mut errors = Error::accumulator();
    let mut all: Vec<Timeout<'_>> = Vec::new();
    let every = handlers.iter().flat_map(|handler| handler.timeouts.iter().map(move |timer| (&handler.method, timer)));
    for (method, timer) in every {
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
    errors.finish_with(all)
}

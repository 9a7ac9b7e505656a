//! What a handler's parameters are given.

use darling::{Error, Result};
use syn::{FnArg, Ident, Pat, PatIdent, PatType, ReceiverKind, Signature, Type, spanned::Spanned};

use super::Arm;
use crate::projection::{ast::Handler, pattern::Pattern};

/// What a parameter is given.
pub(in crate::projection) enum Argument<'a> {
    /// A field of the event: what the pattern binds under the parameter's name.
    Binding(&'a Ident),
    /// What is known of the event beside its content.
    Context,
    /// The rows.
    Rows,
}

/// The arms of `handler`, one for each of its patterns.
pub(super) fn arms(handler: &Handler) -> Result<Vec<Arm<'_>>> {
    let mut errors = Error::accumulator();
    errors.handle(check_receiver(&handler.signature));
    let mut arms = Vec::new();
    for pattern in &handler.patterns {
        if let Some(arguments) = errors.handle(arguments(&handler.signature, pattern)) {
            arms.push(Arm { handler, pattern, arguments });
        }
    }
    errors.finish_with(arms)
}

pub(super) fn check_receiver(signature: &Signature) -> Result<()> {
    let message = "a handler takes `&self`: what it is to remember belongs into rows";
    match signature.receiver() {
        Some(receiver) => match &receiver.kind {
            ReceiverKind::Reference(_, _, None) => Ok(()),
            _ => Err(Error::custom(message).with_span(&receiver.self_token)),
        },
        None => Err(Error::custom(message).with_span(&signature.ident)),
    }
}

pub(super) const ROWS_ONCE: &str = "the rows are given to one parameter alone";

/// The parameters less `self`.
pub(super) fn parameters(signature: &Signature) -> impl Iterator<Item = &PatType> {
    signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(parameter) => Some(parameter),
        FnArg::Receiver(_) => None,
    })
}

fn arguments<'a>(signature: &'a Signature, pattern: &Pattern) -> Result<Vec<Argument<'a>>> {
    let mut errors = Error::accumulator();
    let mut arguments = Vec::new();
    for parameter in parameters(signature) {
        let Some(argument) = errors.handle(argument(parameter, pattern)) else { continue };
        if matches!(argument, Argument::Rows) && arguments.iter().any(|other| matches!(other, Argument::Rows)) {
            errors.push(Error::custom(ROWS_ONCE).with_span(parameter));
        }
        arguments.push(argument);
    }
    let taken =
        |name: &Ident| arguments.iter().any(|argument| matches!(argument, Argument::Binding(of) if *of == name));
    let untaken = pattern.bindings.iter().filter(|binding| !taken(binding));
    // A parameter with a mistake may have been meant to take it.
    let is_sound = arguments.len() + 1 >= signature.inputs.len();
    for binding in untaken.filter(|_| is_sound) {
        let message = format!(
            "`{binding}` is bound, and no parameter of `{}` takes it: add a parameter of this name, or leave it to `..`",
            signature.ident
        );
        errors.push(Error::custom(message).with_span(binding));
    }
    errors.finish_with(arguments)
}

/// A name that the pattern binds is that field, whatever its type.
fn argument<'a>(parameter: &'a PatType, pattern: &Pattern) -> Result<Argument<'a>> {
    let name = match &*parameter.pat {
        Pat::Ident(PatIdent { by_ref: None, subpat: None, ident, .. }) => Some(ident),
        _ => None,
    };
    if let Some(name) = name.filter(|name| pattern.bindings.contains(name)) {
        return Ok(Argument::Binding(name));
    }
    match referred(&parameter.ty) {
        Some(name) if name == "EventContext" => return Ok(Argument::Context),
        Some(name) if name == "Rows" => return Ok(Argument::Rows),
        _ => {}
    }
    let bound: Vec<_> = pattern.bindings.iter().map(|binding| format!("`{binding}`")).collect();
    let bound = if bound.is_empty() { "which binds nothing".to_owned() } else { bound.join(", ") };
    let message = format!(
        "a parameter is named as a binding of `{}` ({bound}), or is `&EventContext<'_>` or `&mut Rows<'_>`",
        pattern.name()
    );
    Err(Error::custom(message).with_span(&parameter.pat.span()))
}

/// `Rows` of a type that is written as `&mut annals::Rows<'_>`.
pub(super) fn referred(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Group(group) => referred(&group.elem),
        Type::Reference(reference) => name_of(&reference.elem),
        _ => None,
    }
}

/// `Rows` of a type that is written as `annals::Rows<'_>`.
pub(super) fn name_of(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|last| &last.ident),
        _ => None,
    }
}

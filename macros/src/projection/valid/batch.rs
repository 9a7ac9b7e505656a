//! The method that takes several events at once.

use darling::{Error, Result};
use syn::{Ident, PatType, Type};

use super::arguments::{RECEIVER, ROWS_ONCE};
use crate::{
    handler::parameter::{check_receiver, name_of, parameters, referred},
    projection::ast::BatchHandler,
};

/// A method that takes several events at once, in order.
pub(in crate::projection) struct Batch<'a> {
    pub(in crate::projection) handler: &'a BatchHandler,
    pub(in crate::projection) arguments: Vec<BatchArgument>,
}

/// What a parameter is given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::projection) enum BatchArgument {
    Events,
    Rows,
}

/// There may be several only if one of them is there at a time.
pub(super) fn check(handlers: &[BatchHandler]) -> Result<Vec<Batch<'_>>> {
    let mut errors = Error::accumulator();
    let mut batches: Vec<Batch<'_>> = Vec::new();
    for handler in handlers {
        if let Some(other) = batches.iter().find(|other| !other.handler.method.excludes(&handler.method)) {
            let message =
                format!("several events at once are taken by `{}` already", other.handler.method.signature.ident);
            errors.push(Error::custom(message).with_span(&handler.method.signature.ident));
        }
        let arguments = errors.handle(arguments(handler)).unwrap_or_default();
        batches.push(Batch { handler, arguments });
    }
    errors.finish_with(batches)
}

fn arguments(handler: &BatchHandler) -> Result<Vec<BatchArgument>> {
    let mut errors = Error::accumulator();
    errors.handle(check_receiver(&handler.method.signature, true, RECEIVER));
    let (mut arguments, mut is_sound) = (Vec::new(), true);
    for parameter in parameters(&handler.method.signature) {
        match argument(parameter) {
            Ok(argument) if arguments.contains(&argument) => {
                let message = match argument {
                    BatchArgument::Events => "the events are given to one parameter alone",
                    BatchArgument::Rows => ROWS_ONCE,
                };
                errors.push(Error::custom(message).with_span(parameter));
            }
            Ok(argument) => arguments.push(argument),
            Err(error) => {
                is_sound = false;
                errors.push(error);
            }
        }
    }
    // A parameter with a mistake may have been meant to take them.
    if is_sound && !arguments.contains(&BatchArgument::Events) {
        let method = &handler.method.signature.ident;
        let message = format!("no parameter of `{method}` takes the events: add `events: &[Delivered<'_>]`");
        errors.push(Error::custom(message).with_span(method));
    }
    errors.finish_with(arguments)
}

fn argument(parameter: &PatType) -> Result<BatchArgument> {
    if delivered(&parameter.ty).is_some_and(|name| name == "Delivered") {
        return Ok(BatchArgument::Events);
    }
    if referred(&parameter.ty).is_some_and(|name| name == "Rows") {
        return Ok(BatchArgument::Rows);
    }
    let message = "a parameter of a method for several events is `&[Delivered<'_>]` or `&mut Rows<'_>`";
    Err(Error::custom(message).with_span(&parameter.pat))
}

/// `Delivered` of a type that is written as `&[annals::Delivered<'_>]`.
fn delivered(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Group(group) => delivered(&group.elem),
        Type::Reference(reference) => match &*reference.elem {
            Type::Slice(slice) => name_of(&slice.elem),
            _ => None,
        },
        _ => None,
    }
}

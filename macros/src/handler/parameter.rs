//! What the parameters of a method are given.

use darling::{Error, Result, error::Accumulator};
use syn::{FnArg, Ident, Pat, PatIdent, PatType, ReceiverKind, Signature, Type, spanned::Spanned};

use super::pattern::Pattern;

/// What a parameter is given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Argument<'a, T> {
    /// What the pattern binds under the parameter's name.
    Binding(&'a Ident),
    /// What its type asks for.
    Typed(T),
}

/// What a parameter may ask for by its type.
pub(crate) struct Offer<T> {
    /// The last part of the type that is referred to: `Rows` of `&mut annals::Rows<'_>`.
    pub(crate) name: String,
    pub(crate) is: T,
    /// Why it is given to one parameter alone, if it is.
    pub(crate) once: Option<&'static str>,
}

impl<T> Offer<T> {
    /// For as many parameters as ask for it.
    pub(crate) fn of(name: impl ToString, is: T) -> Self {
        Self { name: name.to_string(), is, once: None }
    }

    /// For one parameter alone; `message` says so.
    pub(crate) fn once(name: impl ToString, is: T, message: &'static str) -> Self {
        Self { once: Some(message), ..Self::of(name, is) }
    }
}

/// Whether the method takes itself as a reference; one that `must_not_change` takes no other.
pub(crate) fn check_receiver(signature: &Signature, must_not_change: bool, message: &str) -> Result<()> {
    match signature.receiver() {
        Some(receiver) => match &receiver.kind {
            ReceiverKind::Reference(_, _, None) => Ok(()),
            ReceiverKind::Reference(..) if !must_not_change => Ok(()),
            _ => Err(Error::custom(message).with_span(&receiver.self_token)),
        },
        None => Err(Error::custom(message).with_span(&signature.ident)),
    }
}

/// Refuses a method that takes itself.
pub(crate) fn refuse_receiver(signature: &Signature, message: &str) -> Result<()> {
    match signature.receiver() {
        Some(receiver) => Err(Error::custom(message).with_span(&receiver.self_token)),
        None => Ok(()),
    }
}

/// The parameters less `self`.
pub(crate) fn parameters(signature: &Signature) -> impl Iterator<Item = &PatType> {
    signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(parameter) => Some(parameter),
        FnArg::Receiver(_) => None,
    })
}

/// What the parameters are given of what `pattern` binds and of what is offered, which is written as `types`. What is bound
/// is taken by one of them, or `is_used` elsewhere.
pub(crate) fn of_pattern<'a, T: Copy + PartialEq>(
    signature: &'a Signature,
    pattern: &Pattern,
    offers: &[Offer<T>],
    types: &str,
    is_used: impl Fn(&Ident) -> bool,
) -> Result<Vec<Argument<'a, T>>> {
    let mut errors = Error::accumulator();
    let bound: Vec<_> = pattern.bindings.iter().map(|binding| format!("`{binding}`")).collect();
    let bound = if bound.is_empty() { "which binds nothing".to_owned() } else { bound.join(", ") };
    let message = format!("a parameter is named as a binding of `{}` ({bound}), or is {types}", pattern.name());
    let arguments = taken_by(signature, &pattern.bindings, offers, &message, &mut errors);
    let taken =
        |name: &Ident| arguments.iter().any(|argument| matches!(argument, Argument::Binding(of) if *of == name));
    let untaken = pattern.bindings.iter().filter(|binding| !taken(binding) && !is_used(binding));
    // A parameter with a mistake may have been meant to take it.
    let is_sound = arguments.len() == parameters(signature).count();
    for binding in untaken.filter(|_| is_sound) {
        let message = format!(
            "`{binding}` is bound, and no parameter of `{}` takes it: add a parameter of this name, or leave it to `..`",
            signature.ident
        );
        errors.push(Error::custom(message).with_span(binding));
    }
    errors.finish_with(arguments)
}

/// What the parameters are given where nothing is bound: what is offered, or what `message` says.
pub(crate) fn of_types<T: Copy + PartialEq>(
    signature: &Signature,
    offers: &[Offer<T>],
    message: &str,
) -> Result<Vec<T>> {
    let mut errors = Error::accumulator();
    let arguments = taken_by(signature, &[], offers, message, &mut errors);
    let typed = arguments.into_iter().filter_map(|argument| match argument {
        Argument::Binding(_) => None,
        Argument::Typed(is) => Some(is),
    });
    errors.finish_with(typed.collect())
}

fn taken_by<'a, T: Copy + PartialEq>(
    signature: &'a Signature,
    bindings: &[Ident],
    offers: &[Offer<T>],
    message: &str,
    errors: &mut Accumulator,
) -> Vec<Argument<'a, T>> {
    let mut arguments = Vec::new();
    for parameter in parameters(signature) {
        if let Some(name) = name_of_parameter(parameter).filter(|name| bindings.contains(name)) {
            // Whatever its type.
            arguments.push(Argument::Binding(name));
            continue;
        }
        let offer = referred(&parameter.ty).and_then(|name| offers.iter().find(|offer| name == &offer.name));
        let Some(Offer { is, once, .. }) = offer else {
            errors.push(Error::custom(message).with_span(&parameter.pat.span()));
            continue;
        };
        let argument = Argument::Typed(*is);
        if let Some(message) = once.filter(|_| arguments.contains(&argument)) {
            errors.push(Error::custom(message).with_span(parameter));
        }
        arguments.push(argument);
    }
    arguments
}

fn name_of_parameter(parameter: &PatType) -> Option<&Ident> {
    match &*parameter.pat {
        Pat::Ident(PatIdent { by_ref: None, subpat: None, ident, .. }) => Some(ident),
        _ => None,
    }
}

/// `Rows` of a type that is written as `&mut annals::Rows<'_>`.
pub(crate) fn referred(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Group(group) => referred(&group.elem),
        Type::Reference(reference) => name_of(&reference.elem),
        _ => None,
    }
}

/// `Rows` of a type that is written as `annals::Rows<'_>`.
pub(crate) fn name_of(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|last| &last.ident),
        _ => None,
    }
}

//! What becomes of the events of each enum.

use darling::{Error, Result};
use proc_macro2::Span;
use syn::{Ident, Path, spanned::Spanned};

use super::{
    block::Method,
    ignored::{Ignored, Which},
    pattern::{Pattern, name},
};

/// What becomes of the events of one enum; `T` is what an attribute has to say of each handler.
pub(crate) struct Events<'a, T> {
    pub(crate) path: &'a Path,
    pub(crate) arms: Vec<Arm<'a, T>>,
    /// Variants that nothing is done about.
    pub(crate) ignored: Vec<(&'a Ident, &'a Path)>,
    /// Whether nothing is done about all others, either.
    pub(crate) ignores_rest: bool,
}

/// What becomes of the events of one variant.
pub(crate) struct Arm<'a, T> {
    pub(crate) method: &'a Method,
    pub(crate) pattern: &'a Pattern,
    pub(crate) given: T,
}

/// Adds an arm. Methods of which only one is there at a time may handle the same variant.
pub(crate) fn handle<'a, T>(enums: &mut Vec<Events<'a, T>>, arm: Arm<'a, T>) -> Result<()> {
    let events = events_of(enums, &arm.pattern.events);
    let same = events.arms.iter().find(|other| other.pattern.variant == arm.pattern.variant);
    if let Some(other) = same.filter(|other| !other.method.excludes(arm.method)) {
        let (name, method) = (arm.pattern.name(), &other.method.signature.ident);
        let message = format!("`{name}` is handled by `{method}` already");
        return Err(Error::custom(message).with_span(&arm.pattern.path));
    }
    events.arms.push(arm);
    Ok(())
}

/// Adds all that nothing is done about, once everything that is handled is there.
pub(crate) fn ignore<'a, T>(enums: &mut Vec<Events<'a, T>>, ignored: &'a [Ignored]) -> Result<()> {
    let mut errors = Error::accumulator();
    for one in ignored.iter().flat_map(|ignored| &ignored.0) {
        errors.handle(ignore_one(events_of(enums, &one.events), &one.which));
    }
    errors.finish()
}

/// The enum that is written as `path`.
#[expect(clippy::indexing_slicing, reason = "it was found or is pushed")]
fn events_of<'a, 'b, T>(enums: &'b mut Vec<Events<'a, T>>, path: &'a Path) -> &'b mut Events<'a, T> {
    let number = enums.iter().position(|events| events.path == path).unwrap_or(enums.len());
    if number == enums.len() {
        enums.push(Events { path, arms: Vec::new(), ignored: Vec::new(), ignores_rest: false });
    }
    &mut enums[number]
}

fn ignore_one<'a, T>(events: &mut Events<'a, T>, which: &'a Which) -> Result<()> {
    let fail = |message: String, place: Span| Err(Error::custom(message).with_span(&place));
    match which {
        Which::Rest(star) if events.ignores_rest => {
            fail(format!("`{}::*` is ignored already", name(events.path)), *star)
        }
        Which::Rest(_) => {
            events.ignores_rest = true;
            Ok(())
        }
        Which::Variant(variant, path) => {
            if let Some(arm) = events.arms.iter().find(|arm| arm.pattern.variant == *variant) {
                let method = &arm.method.signature.ident;
                return fail(format!("`{}` is handled by `{method}`: it cannot be ignored", name(path)), path.span());
            }
            if events.ignored.iter().any(|(other, _)| *other == variant) {
                return fail(format!("`{}` is ignored already", name(path)), path.span());
            }
            events.ignored.push((variant, path));
            Ok(())
        }
    }
}

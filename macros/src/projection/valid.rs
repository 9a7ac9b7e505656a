//! The mistakes that can be seen in a projection, and what is sure when there are none.

mod arguments;
mod batch;

use darling::{Error, Result};
use proc_macro2::Span;
use quote::ToTokens;
use syn::{Ident, Path, Type, spanned::Spanned};

use super::{
    ast::{Handler, Projection},
    attr::Which,
    pattern::{Pattern, name},
};
use crate::{
    name::{PROJECTION, snake_case},
    value::Version,
};

pub(super) use arguments::Argument;
pub(super) use batch::{Batch, BatchArgument};

/// A projection in order.
pub(super) struct Valid<'a> {
    pub(super) name: &'a str,
    pub(super) version: Version,
    pub(super) tables: Vec<&'a Type>,
    /// Its enums, in the order in which they occur.
    pub(super) enums: Vec<Events<'a>>,
    /// What takes several events at once: one method, or several of which one is there at a time.
    pub(super) batches: Vec<Batch<'a>>,
}

/// What becomes of the events of one enum.
pub(super) struct Events<'a> {
    pub(super) path: &'a Path,
    pub(super) arms: Vec<Arm<'a>>,
    /// Variants that nothing is done about.
    pub(super) ignored: Vec<(&'a Ident, &'a Path)>,
    /// Whether nothing is done about all others, either.
    pub(super) ignores_rest: bool,
}

/// What becomes of the events of one variant.
pub(super) struct Arm<'a> {
    pub(super) handler: &'a Handler,
    pub(super) pattern: &'a Pattern,
    pub(super) arguments: Vec<Argument<'a>>,
}

pub(super) fn check(projection: &Projection) -> Result<Valid<'_>> {
    let mut errors = Error::accumulator();
    let name = errors.handle(projection_name(projection));
    if projection.handlers.is_empty() {
        let message = "the projection handles no event: give a method `#[on(Enum::Variant { .. })]`";
        errors.push(Error::custom(message).with_span(&projection.block.self_ty));
    }
    let tables = errors.handle(tables(projection)).unwrap_or_default();
    let mut enums = Vec::new();
    for handler in &projection.handlers {
        for arm in errors.handle(arguments::arms(handler)).into_iter().flatten() {
            errors.handle(add_arm(&mut enums, arm));
        }
    }
    for ignored in projection.attr.ignore.iter().flat_map(|ignored| &ignored.0) {
        errors.handle(add_ignored(&mut enums, &ignored.events, &ignored.which));
    }
    let batches = errors.handle(batch::check(&projection.batch_handlers)).unwrap_or_default();
    errors.finish()?;
    let name = name.ok_or_else(|| Error::custom("the projection lacks a name"))?;
    let version = projection.attr.version.unwrap_or(Version::FIRST);
    Ok(Valid { name, version, tables, enums, batches })
}

fn projection_name(projection: &Projection) -> Result<&str> {
    let Some(name) = &projection.attr.name else {
        let example = match &*projection.block.self_ty {
            Type::Path(ty) => ty.path.segments.last().map(|last| snake_case(&last.ident)),
            _ => None,
        };
        let message = format!(
            "the projection has no name: `#[projection(name = \"{}\", ..)]` is what its rows and its checkpoint are kept under",
            example.as_deref().unwrap_or("balances")
        );
        return Err(Error::custom(message).with_span(&projection.block.self_ty));
    };
    PROJECTION.check_text(name)?;
    Ok(&name.text)
}

fn tables(projection: &Projection) -> Result<Vec<&Type>> {
    let mut errors = Error::accumulator();
    let mut tables: Vec<&Type> = Vec::new();
    for table in projection.attr.tables.iter().flat_map(|rows| &rows.0) {
        if tables.contains(&table) {
            let message = format!("the table of `{}` is named already", table.to_token_stream());
            errors.push(Error::custom(message).with_span(table));
        } else {
            tables.push(table);
        }
    }
    errors.finish_with(tables)
}

/// The enum that is written as `path`.
#[expect(clippy::indexing_slicing, reason = "it was found or is pushed")]
fn events_of<'a, 'b>(enums: &'b mut Vec<Events<'a>>, path: &'a Path) -> &'b mut Events<'a> {
    let number = enums.iter().position(|events| events.path == path).unwrap_or(enums.len());
    if number == enums.len() {
        enums.push(Events { path, arms: Vec::new(), ignored: Vec::new(), ignores_rest: false });
    }
    &mut enums[number]
}

/// Methods of which only one is there at a time may handle the same variant.
fn add_arm<'a>(enums: &mut Vec<Events<'a>>, arm: Arm<'a>) -> Result<()> {
    let events = events_of(enums, &arm.pattern.events);
    let same = events.arms.iter().find(|other| other.pattern.variant == arm.pattern.variant);
    if let Some(other) = same.filter(|other| other.is_unconditional() || arm.is_unconditional()) {
        let (name, method) = (arm.pattern.name(), &other.handler.signature.ident);
        let message = format!("`{name}` is handled by `{method}` already");
        return Err(Error::custom(message).with_span(&arm.pattern.path));
    }
    events.arms.push(arm);
    Ok(())
}

fn add_ignored<'a>(enums: &mut Vec<Events<'a>>, events: &'a Path, which: &'a Which) -> Result<()> {
    let events = events_of(enums, events);
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
                let method = &arm.handler.signature.ident;
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

impl Arm<'_> {
    fn is_unconditional(&self) -> bool {
        self.handler.conditions.is_empty()
    }
}

//! The mistakes that can be seen in an event enum, and what is sure when there are none.

mod past;

use std::collections::HashMap;

use darling::{Error, Result};
use proc_macro2::{Span, TokenStream};
use syn::{Expr, Ident, Member, PathArguments, Type, ext::IdentExt, spanned::Spanned};

use super::{
    ast::{EventEnum, EventVariant, TagField},
    serde,
};
use crate::{
    name::{PREFIX, STORED, TAG, snake_case},
    shape,
    value::Version,
};

pub(super) use past::{Chain, Target};

/// A variant whose stored name, version and tags are in order.
pub(super) struct Kind<'a> {
    pub(super) ident: &'a Ident,
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) version: Version,
    pub(super) tags: Vec<Tag>,
    /// How many fields are read.
    pub(super) fields: usize,
    /// What its payload is stored as, an expression.
    pub(super) shape: TokenStream,
    pub(super) examples: Vec<Expr>,
}

/// A tag of a variant.
pub(super) struct Tag {
    pub(super) member: Member,
    pub(super) name: String,
    /// Where the field's type stands, to which an error about it belongs.
    pub(super) span: Span,
    /// Whether the field is an `Option`, which gives a tag only when it is `Some`.
    pub(super) optional: bool,
}

/// An enum in order.
pub(super) struct Valid<'a> {
    pub(super) kinds: Vec<Kind<'a>>,
    pub(super) past: Vec<Chain<'a>>,
}

pub(super) fn check<'a>(events: &EventEnum<'a>) -> Result<Valid<'a>> {
    let kinds = kinds(events)?;
    let past = past::check(events, &kinds)?;
    Ok(Valid { kinds, past })
}

fn kinds<'a>(events: &EventEnum<'a>) -> Result<Vec<Kind<'a>>> {
    let mut errors = Error::accumulator();
    errors.handle(serde::check_enum(events.attrs));
    let prefix = errors.handle(prefix(events));
    let mut kinds = Vec::new();
    for variant in &events.variants {
        errors.handle(serde::check_variant(&variant.syntax.attrs));
        let name = prefix.and_then(|prefix| errors.handle(stored_name(prefix, variant)));
        let version = variant.attr.version.map_or(Version::FIRST, |placed| placed.version);
        let aliases = variant.attr.alias.iter().map(|alias| alias.text.clone()).collect();
        let tags = variant.tags.iter().filter_map(|field| errors.handle(tag(field))).collect();
        let fields = shape::fields_read(variant.syntax);
        let shape = errors.handle(shape::of_variant(&events.root, events.attrs, variant.syntax));
        let examples = variant.attr.example.iter().map(|example| example.0.clone()).collect();
        if let (Some(name), Some(shape)) = (name, shape) {
            let ident = &variant.syntax.ident;
            kinds.push((variant, Kind { ident, name, aliases, version, tags, fields, shape, examples }));
        }
    }
    errors.handle(check_unique(&kinds));
    errors.finish_with(kinds.into_iter().map(|(_, kind)| kind).collect())
}

/// The prefix; it may be missing where no variant needs it.
fn prefix<'a>(events: &'a EventEnum<'_>) -> Result<Option<&'a str>> {
    if let Some(prefix) = &events.attr.prefix {
        PREFIX.check_text(prefix)?;
        return Ok(Some(&prefix.text));
    }
    match events.variants.iter().find(|variant| variant.attr.name.is_none()) {
        None => Ok(None),
        Some(nameless) => {
            let message = format!(
                "`{}` has no stored name: give the enum `#[event(prefix = \"..\")]` or the variant `#[event(name = \"..\")]`",
                nameless.syntax.ident
            );
            Err(Error::custom(message).with_span(&nameless.syntax.ident))
        }
    }
}

fn stored_name(prefix: Option<&str>, variant: &EventVariant<'_>) -> Result<String> {
    if let Some(name) = &variant.attr.name {
        STORED.check_text(name)?;
        return Ok(name.text.clone());
    }
    let ident = &variant.syntax.ident;
    let name = format!("{}.{}", prefix.unwrap_or_default(), snake_case(ident));
    STORED.check(&name).map_err(|error| error.with_span(ident))?;
    Ok(name)
}

fn check_unique(kinds: &[(&EventVariant<'_>, Kind<'_>)]) -> Result<()> {
    let mut errors = Error::accumulator();
    let mut taken = HashMap::new();
    for (variant, kind) in kinds {
        if let Some(first) = taken.get(&kind.name) {
            let message = format!("{:?} is the stored name of `{first}` already", kind.name);
            let span = variant.attr.name.as_ref().map_or_else(|| kind.ident.span(), |name| name.span);
            errors.push(Error::custom(message).with_span(&span));
        } else {
            taken.insert(&kind.name, kind.ident);
        }
    }
    errors.finish()
}

fn tag(field: &TagField<'_>) -> Result<Tag> {
    let name = match (&field.attr.name, &field.field.ident) {
        (Some(name), _) => {
            TAG.check_text(name)?;
            name.text.clone()
        }
        (None, Some(ident)) => ident.unraw().to_string(),
        (None, None) => {
            let message = "a field without a name needs one for its tag: `#[tag(name = \"..\")]`";
            return Err(Error::custom(message).with_span(&field.field.ty));
        }
    };
    let ty = &field.field.ty;
    Ok(Tag {
        member: field.member.clone(),
        name,
        span: Span::call_site().located_at(ty.span()),
        optional: is_option(ty),
    })
}

/// Whether the type is written as an `Option`.
fn is_option(ty: &Type) -> bool {
    match ty {
        Type::Group(group) => is_option(&group.elem),
        Type::Paren(paren) => is_option(&paren.elem),
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|last| {
                last.ident == "Option" && matches!(last.arguments, PathArguments::AngleBracketed(_))
            })
        }
        _ => false,
    }
}

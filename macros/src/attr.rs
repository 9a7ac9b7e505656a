//! What the derives have in common when they read attributes.

use darling::{Error, FromMeta, Result, ast::NestedMeta};
use syn::{Attribute, Data, DeriveInput, Field, Meta, parse::Parser};

use crate::value::TypePath;

/// The path behind `key` in attributes called `name`, however broken the rest of them is; for fallbacks.
pub(crate) fn peek(attrs: &[Attribute], name: &str, key: &str) -> Option<TypePath> {
    entries(attrs, name)
        .iter()
        .filter(|entry| entry.path().is_ident(key))
        .find_map(|entry| TypePath::from_expr(&entry.require_name_value().ok()?.value).ok())
}

/// The entries of all attributes called `name`, less those that are not even well-formed.
pub(crate) fn entries(attrs: &[Attribute], name: &str) -> Vec<Meta> {
    attrs
        .iter()
        .filter(|attr| attr.path().is_ident(name))
        .filter_map(|attr| NestedMeta::parse_meta_list(attr.meta.require_list().ok()?.tokens.clone()).ok())
        .flatten()
        .filter_map(|entry| match entry {
            NestedMeta::Meta(meta) => Some(meta),
            _ => None,
        })
        .collect()
}

/// What `parser` reads in the parentheses of `item`; `expected` shows how it is written.
pub(crate) fn listed<T>(item: &Meta, parser: impl Parser<Output = T>, expected: &str) -> Result<T> {
    match item {
        Meta::List(list) => list.parse_args_with(parser).map_err(Error::from),
        other => Err(Error::custom(format!("{expected} is expected here")).with_span(other)),
    }
}

/// Refuses an attribute called `name`, which does nothing here: it belongs to `place`.
pub(crate) fn refuse(attrs: &[Attribute], name: &str, place: &str) -> Result<()> {
    match attrs.iter().find(|attr| attr.path().is_ident(name)) {
        Some(attr) => {
            Err(Error::custom(format!("`#[{name}]` has no meaning here: it belongs to {place}")).with_span(attr.path()))
        }
        None => Ok(()),
    }
}

/// Refuses an attribute called `name` on anything inside the type: it belongs to `place`.
pub(crate) fn refuse_inside(input: &DeriveInput, name: &str, place: &str) -> Result<()> {
    let mut errors = Error::accumulator();
    if let Data::Enum(data) = &input.data {
        for variant in &data.variants {
            errors.handle(refuse(&variant.attrs, name, place));
        }
    }
    for field in fields(input) {
        errors.handle(refuse(&field.attrs, name, place));
    }
    errors.finish()
}

/// Refuses type parameters, constant parameters and lifetimes: one name stands for one type.
pub(crate) fn refuse_generics(input: &DeriveInput) -> Result<()> {
    let Some(parameter) = input.generics.params.first() else {
        return Ok(());
    };
    let message = "one stored name stands for one type: generic parameters are not supported";
    Err(Error::custom(message).with_span(parameter))
}

fn fields(input: &DeriveInput) -> Vec<&Field> {
    match &input.data {
        Data::Struct(data) => data.fields.iter().collect(),
        Data::Enum(data) => data.variants.iter().flat_map(|variant| &variant.fields).collect(),
        Data::Union(data) => data.fields.named.iter().collect(),
    }
}

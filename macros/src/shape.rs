//! `derive(Shape)`, and the shapes of what other derives look at.

mod ast;
mod attr;
mod case;
mod expand;
mod fallback;
mod form;
mod serde;
#[cfg(test)]
mod tests;
mod valid;

use darling::Result;
use proc_macro2::TokenStream;
use syn::{Attribute, DeriveInput, Path, Variant};

pub(crate) use fallback::fallback;

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let shaped = ast::parse(input)?;
    let form = valid::form(shaped.input)?;
    Ok(expand::code(&shaped, &form))
}

/// What a whole type is stored as: an expression of type `Shape`, in which `types` is a `&mut Types`.
pub(crate) fn of_type(root: &Path, input: &DeriveInput) -> Result<TokenStream> {
    valid::form(input).map(|form| expand::shape(root, &form))
}

/// What the content of a variant is stored as when its name is stored elsewhere, as an event's is: a map by field name, an
/// empty one for a variant without fields, the value itself for one unnamed field. `enum_attrs` are those of its enum.
///
/// An expression of type `Shape`, in which `types` is a `&mut Types`.
pub(crate) fn of_variant(root: &Path, enum_attrs: &[Attribute], variant: &Variant) -> Result<TokenStream> {
    valid::content_of(enum_attrs, variant).map(|form| expand::shape(root, &form))
}

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
use quote::quote;
use syn::{Attribute, DeriveInput, Path, Variant};

use serde::Told;

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

/// The method `schema` of a type whose shape is the expression that [`of_type`] gave.
pub(crate) fn schema_method(root: &Path, shape: &TokenStream) -> TokenStream {
    quote! {
        #[allow(unused_variables, reason = "a type may be of no other type")]
        fn schema() -> ::core::option::Option<#root::shape::Schema> {
            ::core::option::Option::Some(#root::shape::Schema::describe(|types| #shape))
        }
    }
}

/// What the content of a variant is stored as when its name is stored elsewhere, as an event's is: a map by field name, an
/// empty one for a variant without fields, the value itself for one unnamed field. `enum_attrs` are those of its enum.
///
/// An expression of type `Shape`, in which `types` is a `&mut Types`.
pub(crate) fn of_variant(root: &Path, enum_attrs: &[Attribute], variant: &Variant) -> Result<TokenStream> {
    valid::content_of(enum_attrs, variant).map(|form| expand::shape(root, &form))
}

/// How many fields of a variant are read.
pub(crate) fn fields_read(variant: &Variant) -> usize {
    variant.fields.iter().filter(|field| Told::of(&field.attrs).is_read()).count()
}

//! What the stubs have in common that stand beside the messages, so that one mistake gives one error.

use darling::Error;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, DeriveInput, Generics, Path, WherePredicate};

use crate::{attr, root::Part};

/// Where `part` of annals is, if the attribute called `name` says so or the manifest does.
pub(crate) fn root(part: &Part, attrs: &[Attribute], name: &str) -> Option<Path> {
    part.find(attr::peek(attrs, name, "crate").as_ref()).ok()
}

/// The generic parameters, which are a mistake themselves, with `bounds` taken for granted.
pub(crate) fn generics(input: &DeriveInput, bounds: WherePredicate) -> Generics {
    let mut generics = input.generics.clone();
    if !generics.params.is_empty() {
        generics.make_where_clause().predicates.push(bounds);
    }
    generics
}

/// A type that stands for one that cannot be made out: the first message again, inside a type. rustc shows it once, and has
/// nothing to say of what depends on such a type.
pub(crate) fn unknown_type(error: &Error) -> TokenStream {
    let message = error.clone().into_iter().next().map(Error::write_errors);
    quote!([(); #message])
}

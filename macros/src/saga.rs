//! `#[saga]`.

mod ast;
mod attr;
mod expand;
mod fallback;
mod on;
mod sends;
#[cfg(test)]
mod tests;
mod valid;

use darling::Result;
use proc_macro2::TokenStream;
use quote::format_ident;
use syn::{Attribute, Generics, parse_quote};

pub(crate) use fallback::fallback;

/// The attribute as it stands in the code; a procedural macro is only given what is in it.
pub(crate) fn attribute(arguments: &TokenStream) -> Attribute {
    parse_quote!(#[saga(#arguments)])
}

pub(crate) fn expand(attribute: &Attribute, item: TokenStream) -> Result<TokenStream> {
    let saga = ast::parse(attribute, item)?;
    let valid = valid::check(&saga)?;
    Ok(expand::code(&saga, &valid))
}

/// The parameters of an implementation, and type parameters of its own beside them.
fn and_types<const N: usize>(generics: &Generics, own: [&str; N]) -> Generics {
    let mut generics = generics.clone();
    generics.params.extend(own.map(|name| {
        let name = format_ident!("{name}");
        let parameter: syn::GenericParam = parse_quote!(#name);
        parameter
    }));
    generics
}

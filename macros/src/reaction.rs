//! `#[reaction]`.

mod ast;
mod attr;
mod expand;
mod fallback;
mod on;
#[cfg(test)]
mod tests;
mod valid;

use darling::Result;
use proc_macro2::TokenStream;
use syn::{Attribute, parse_quote};

pub(crate) use fallback::fallback;

/// The attribute as it stands in the code; a procedural macro is only given what is in it.
pub(crate) fn attribute(arguments: &TokenStream) -> Attribute {
    parse_quote!(#[reaction(#arguments)])
}

pub(crate) fn expand(attribute: &Attribute, item: TokenStream) -> Result<TokenStream> {
    let reaction = ast::parse(attribute, item)?;
    let valid = valid::check(&reaction)?;
    Ok(expand::code(&reaction, &valid))
}

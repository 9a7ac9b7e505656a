//! `derive(Event)`.

mod ast;
mod attr;
mod expand;
mod fallback;
mod serde;
#[cfg(test)]
mod tests;
mod valid;

use darling::Result;
use proc_macro2::TokenStream;
use syn::DeriveInput;

pub(crate) use fallback::fallback;

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let events = ast::parse(input)?;
    let valid = valid::check(&events)?;
    Ok(expand::code(&events, &valid))
}

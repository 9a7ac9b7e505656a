//! `derive(Aggregate)`.

mod ast;
mod attr;
mod expand;
mod fallback;
pub(crate) mod shape;
#[cfg(test)]
mod tests;
mod valid;

use darling::Result;
use proc_macro2::TokenStream;
use syn::DeriveInput;

pub(crate) use fallback::fallback;

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let state = ast::parse(input)?;
    let aggregate = valid::check(&state)?;
    Ok(expand::code(&state, &aggregate))
}

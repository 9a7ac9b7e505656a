//! `derive(Row)`.

mod ast;
mod attr;
mod expand;
mod fallback;
#[cfg(test)]
mod tests;
mod valid;

use darling::Result;
use proc_macro2::TokenStream;
use syn::DeriveInput;

pub(crate) use fallback::fallback;

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let row = ast::parse(input)?;
    let valid = valid::check(&row)?;
    Ok(expand::code(&row, &valid))
}

//! Expansions as a reader would see them, for the snapshots beside each derive.

use darling::Result;
use proc_macro2::TokenStream;
use syn::DeriveInput;

/// The code that `expand` writes for `input`, formatted.
pub(crate) fn formatted(expand: fn(&DeriveInput) -> Result<TokenStream>, input: &DeriveInput) -> String {
    unparsed(expand(input))
}

/// Code, formatted.
pub(crate) fn unparsed(code: Result<TokenStream>) -> String {
    let code = code.unwrap_or_else(|error| panic!("{error}"));
    prettyplease::unparse(&syn::parse2(code).unwrap())
}

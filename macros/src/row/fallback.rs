//! A stub of `Row` beside the messages.

use darling::Error;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Path};

use super::{ast, expand, valid};
use crate::{root, stub};

/// Key and indexes stay the user's if they can be made out, so that the code around the row still fits.
///
/// Generic parameters and unions get no stub: only the user's own derives could prove the bounds of `Row` for it.
pub(crate) fn fallback(input: &DeriveInput, error: &Error) -> TokenStream {
    let is_provable = input.generics.params.is_empty() && !matches!(input.data, Data::Union(_));
    let Some(root) = stub::root(&root::PROJECTIONS, &input.attrs, "row").filter(|_| is_provable) else {
        return TokenStream::new();
    };
    let row = ast::parse(input).ok();
    let key = row.as_ref().and_then(|row| valid::key(row).ok().map(|key| expand::tuple(&key)));
    let indexes = row.as_ref().and_then(|row| expand::constants(row, "", &valid::indexes(row).ok()?));
    let code = code(&root, input, key.unwrap_or_else(|| stub::unknown_type(error)));
    quote!(#code #indexes)
}

fn code(root: &Path, input: &DeriveInput, key: TokenStream) -> TokenStream {
    let ident = &input.ident;
    quote! {
        #[automatically_derived]
        impl #root::Row for #ident {
            const TABLE: &'static str = "";
            type Key = #key;
            fn write_key(&self, _: &mut #root::KeyBytes) {}
            fn write_index(&self, _: usize, _: &mut #root::KeyBytes) {}
        }
    }
}

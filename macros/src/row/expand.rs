//! The implementation of `Row`, and a constant for each index.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Path, parse_quote, spanned::Spanned};

use super::{
    ast::{RowField, RowStruct},
    valid::{Index, Valid},
};
use crate::shape;

pub(super) fn code(row: &RowStruct<'_>, valid: &Valid<'_>) -> TokenStream {
    let RowStruct { root, input, .. } = row;
    let Valid { table, key, indexes, shape } = valid;
    let ident = &input.ident;
    let list = (!indexes.is_empty()).then(|| list(root, indexes));
    let by_lane = row.attr.keyed_by_lane.is_present().then(|| {
        quote!(
            const KEYED_BY_LANE: bool = true;
        )
    });
    let key_type = tuple(key);
    let write_key = writes(key);
    let write_index = write_index(root, indexes);
    let schema = shape::schema_method(&parse_quote!(#root::derived), shape);
    let constants = constants(row, table, indexes);
    quote! {
        #[automatically_derived]
        impl #root::Row for #ident {
            const TABLE: &'static str = #table;
            #list
            #by_lane

            type Key = #key_type;

            fn write_key(&self, key: &mut #root::KeyBytes) {
                use #root::RowKey;
                #write_key
            }

            #write_index

            #schema
        }

        #constants
    }
}

fn list(root: &Path, indexes: &[Index<'_>]) -> TokenStream {
    let indexes = indexes.iter().map(|index| {
        let name = &index.name.text;
        match index.is_unique {
            true => quote!(#root::RowIndex::unique(#name)),
            false => quote!(#root::RowIndex::new(#name)),
        }
    });
    quote!(const INDEXES: &'static [#root::RowIndex] = &[#(#indexes),*];)
}

/// The type of one field, or a tuple of those of several.
pub(super) fn tuple(fields: &[&RowField<'_>]) -> TokenStream {
    let types = fields.iter().map(|field| &field.field.ty);
    match fields {
        [_] => quote!(#(#types)*),
        _ => quote!((#(#types),*)),
    }
}

fn writes(fields: &[&RowField<'_>]) -> TokenStream {
    let writes = fields.iter().map(|RowField { member, field, .. }| {
        let place = Span::call_site().located_at(field.ty.span());
        quote_spanned!(place=> RowKey::write(&self.#member, key);)
    });
    quote!(#(#writes)*)
}

fn write_index(root: &Path, indexes: &[Index<'_>]) -> TokenStream {
    if indexes.is_empty() {
        return quote!(fn write_index(&self, _: usize, _: &mut #root::KeyBytes) {});
    }
    let arms = indexes.iter().enumerate().map(|(number, index)| {
        let (number, writes) = (Literal::usize_unsuffixed(number), writes(&index.fields));
        quote!(#number => { #writes })
    });
    quote! {
        fn write_index(&self, index: usize, key: &mut #root::KeyBytes) {
            use #root::RowKey;
            match index {
                #(#arms)*
                _ => {}
            }
        }
    }
}

/// The constants by which rows are looked up: as visible as the row.
pub(super) fn constants(row: &RowStruct<'_>, table: &str, indexes: &[Index<'_>]) -> Option<TokenStream> {
    let RowStruct { root, input, .. } = row;
    let (ident, visibility) = (&input.ident, &input.vis);
    let constants = indexes.iter().enumerate().map(|(number, index)| {
        let (name, number, ty) = (index.constant(), Literal::usize_unsuffixed(number), tuple(&index.fields));
        let one = if index.is_unique { "The one row" } else { "The rows" };
        let doc = format!(" {one} of table `{table}` by index `{}`.", index.name.text);
        quote! {
            #[doc = #doc]
            #[allow(dead_code, reason = "an index may be looked up by none")]
            #visibility const #name: #root::TableIndex<Self, #ty> = #root::TableIndex::at(#number);
        }
    });
    (!indexes.is_empty()).then(|| quote!(impl #ident { #(#constants)* }))
}

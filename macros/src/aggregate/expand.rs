//! The implementation of `Aggregate`.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::{
    ast::State,
    shape,
    valid::{Aggregate, FormerState, Snapshot},
};
use crate::value::{Count, TypePath};

pub(super) fn code(state: &State<'_>, aggregate: &Aggregate<'_>) -> TokenStream {
    let State { root, ident, .. } = state;
    let Aggregate { name, event, .. } = aggregate;
    let id = state.attr.id.as_ref().map_or_else(|| quote!(::std::string::String), |TypePath(id)| quote!(#id));
    let snapshots = aggregate.snapshot.as_ref().map(|snapshot| snapshots(state, name, snapshot));
    quote! {
        #[automatically_derived]
        impl #root::Aggregate for #ident {
            const NAME: &'static str = #name;

            type Id = #id;
            type Event = #event;

            #snapshots
        }
    }
}

fn snapshots(state: &State<'_>, name: &str, snapshot: &Snapshot) -> TokenStream {
    let root = &state.root;
    let what = format!("the state of {name}");
    let shape = shape::text(state.data);
    let version = snapshot.version;
    let policy = match snapshot.every {
        None => quote!(#root::SnapshotPolicy::Explicit),
        Some(Count(every)) => {
            let every = Literal::u64_unsuffixed(every.get());
            quote! {
                #root::SnapshotPolicy::Every(const {
                    match ::core::num::NonZeroU64::new(#every) {
                        ::core::option::Option::Some(every) => every,
                        ::core::option::Option::None => ::core::num::NonZeroU64::MIN,
                    }
                })
            }
        }
    };
    let (past, functions) = past(state, &snapshot.past);
    quote! {
        fn snapshots() -> ::core::option::Option<#root::Snapshots<Self>> {
            #functions
            ::core::option::Option::Some(#root::Snapshots {
                policy: #policy,
                version: #version,
                shape: #shape,
                past: #past,
                encode: |state| #root::codec::encode(#what, state),
                decode: |bytes| #root::codec::decode(bytes),
            })
        }
    }
}

/// How states of the past are read, and the functions that do it: one for each, which takes one step and calls the next.
fn past(state: &State<'_>, past: &[FormerState]) -> (TokenStream, TokenStream) {
    let State { root, ident, .. } = state;
    if past.is_empty() {
        return (quote!(&[]), TokenStream::new());
    }
    let function = |former: &FormerState| format_ident!("from_{}", former.version.0.get());
    let count = Literal::usize_unsuffixed(past.len());
    let rows = past.iter().map(|former| {
        let FormerState { version, path } = former;
        let function = function(former);
        let shape = quote_spanned!(path.span()=> <#path as #root::FormerState>::SHAPE);
        quote! {
            #root::PastSnapshot {
                version: #version,
                shape: #shape,
                decode: |bytes| #function(#root::codec::decode(bytes)?),
            }
        }
    });
    let functions = past.iter().enumerate().map(|(index, former)| {
        let (name, old) = (function(former), &former.path);
        let upcast = |new: TokenStream| {
            let upcast = quote_spanned!(old.span()=> <#old as #root::Upcast<#new>>::upcast);
            quote!(#upcast(old))
        };
        let step = match past.get(index + 1) {
            Some(next) => {
                let (function, new) = (function(next), &next.path);
                let step = upcast(quote!(#new));
                quote!(#function(#step?))
            }
            None => upcast(quote!(#ident)),
        };
        quote! {
            fn #name(old: #old) -> ::core::result::Result<#ident, #root::UpcastError> {
                #step
            }
        }
    });
    let functions = quote! {
        static PAST: [#root::PastSnapshot<#ident>; #count] = [#(#rows),*];
        #(#functions)*
    };
    (quote!(&PAST), functions)
}

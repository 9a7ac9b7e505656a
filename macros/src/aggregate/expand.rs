//! The implementation of `Aggregate`.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Generics, spanned::Spanned};

use super::{
    ast::State,
    shape,
    valid::{Aggregate, Snapshot},
};
use crate::{
    past::{Past, PastForm},
    value::{Count, TypePath},
};

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
    let (past, items) = past(state, &snapshot.past);
    quote! {
        fn snapshots() -> ::core::option::Option<#root::Snapshots<Self>> {
            #items
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

/// How states of the past are read, and what that needs.
fn past(state: &State<'_>, forms: &[PastForm]) -> (TokenStream, TokenStream) {
    let State { root, ident, .. } = state;
    if forms.is_empty() {
        return (quote!(&[]), TokenStream::new());
    }
    let Past { functions, decode } = Past::of(root, forms, ident, &Generics::default());
    let count = Literal::usize_unsuffixed(forms.len());
    let rows = forms.iter().zip(decode).map(|(PastForm { version, path }, decode)| {
        let shape = quote_spanned!(path.span()=> <#path as #root::FormerState>::SHAPE);
        quote! {
            #root::PastSnapshot {
                version: #version,
                shape: #shape,
                decode: #decode,
            }
        }
    });
    let items = quote! {
        static PAST: [#root::PastSnapshot<#ident>; #count] = [#(#rows),*];
        #functions
    };
    (quote!(&PAST), items)
}

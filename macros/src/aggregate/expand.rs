//! The implementation of `Aggregate`.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{
    ast::State,
    shape,
    valid::{Aggregate, Snapshot},
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
    quote! {
        fn snapshots() -> ::core::option::Option<#root::Snapshots<Self>> {
            ::core::option::Option::Some(#root::Snapshots {
                policy: #policy,
                version: #version,
                shape: #shape,
                encode: |state| #root::codec::encode(#what, state),
                decode: |bytes| #root::codec::decode(bytes),
            })
        }
    }
}

//! A stub of `Event` beside the messages.

use darling::Error;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_quote};

use crate::{root, stub};

pub(crate) fn fallback(input: &DeriveInput, _: &Error) -> TokenStream {
    let Some(root) = stub::root(&root::CORE, &input.attrs, "event") else {
        return TokenStream::new();
    };
    let ident = &input.ident;
    let bounds = parse_quote!(Self: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static);
    let generics = stub::generics(input, bounds);
    let (parameters, arguments, bounds) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #parameters #root::Event for #ident #arguments #bounds {
            const KINDS: &'static [#root::EventKind] = &[];

            fn kind(&self) -> &'static #root::EventKind {
                ::core::unimplemented!()
            }
            fn tags(&self) -> ::core::result::Result<::std::vec::Vec<#root::Tag>, #root::InvalidText> {
                ::core::unimplemented!()
            }
            fn encode(&self) -> ::core::result::Result<#root::codec::Bytes, #root::codec::EncodeError> {
                ::core::unimplemented!()
            }
            fn decode(_: usize, _: &[u8]) -> ::core::result::Result<Self, #root::codec::PayloadError> {
                ::core::unimplemented!()
            }
        }
    }
}

//! A stub of `Aggregate` beside the messages.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_quote};

use crate::{attr, stub};

/// The event type stays the user's if it can be made out, so that the code around the aggregate still fits.
pub(crate) fn fallback(input: &DeriveInput) -> TokenStream {
    let Some(root) = stub::root(input, "aggregate") else {
        return TokenStream::new();
    };
    let ident = &input.ident;
    let generics = stub::generics(
        input,
        parse_quote! {
            Self: ::core::default::Default + ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static
        },
    );
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let id = attr::peek(&input.attrs, "aggregate", "id").unwrap_or_else(|| parse_quote!(::std::string::String));
    let (event, nothing) = match attr::peek(&input.attrs, "aggregate", "event") {
        Some(event) => (quote!(#event), None),
        None => (quote!(Nothing), Some(nothing(&root, ident, &generics))),
    };
    quote! {
        const _: () = {
            #nothing

            #[automatically_derived]
            impl #parameters #root::Aggregate for #ident #arguments #bounds {
                const NAME: &'static str = "";
                type Id = #id;
                type Event = #event;
            }
        };
    }
}

/// An event type that cannot happen.
fn nothing(root: &syn::Path, ident: &syn::Ident, generics: &syn::Generics) -> TokenStream {
    let (parameters, arguments, bounds) = generics.split_for_impl();
    quote! {
        #[derive(Clone)]
        pub enum Nothing {}

        impl #root::Event for Nothing {
            const KINDS: &'static [#root::EventKind] = &[];
            fn kind(&self) -> &'static #root::EventKind {
                match *self {}
            }
            fn tags(&self) -> ::core::result::Result<::std::vec::Vec<#root::Tag>, #root::InvalidText> {
                match *self {}
            }
            fn encode(&self) -> ::core::result::Result<#root::codec::Bytes, #root::codec::EncodeError> {
                match *self {}
            }
            fn decode(_: usize, _: &[u8]) -> ::core::result::Result<Self, #root::codec::PayloadError> {
                ::core::unimplemented!()
            }
        }

        impl #parameters #root::Evolve<Nothing> for #ident #arguments #bounds {
            fn evolve(&mut self, event: &Nothing) {
                match *event {}
            }
        }
    }
}

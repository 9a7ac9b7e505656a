//! A stub of `Shaped` beside the messages.

use darling::Error;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_quote};

use crate::{root, stub};

pub(crate) fn fallback(input: &DeriveInput, _: &Error) -> TokenStream {
    let Some(root) = stub::root(&root::CORE, &input.attrs, "shape") else {
        return TokenStream::new();
    };
    let ident = &input.ident;
    let generics = stub::generics(input, parse_quote!(Self: 'static));
    let (parameters, arguments, bounds) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #parameters #root::shape::Shaped for #ident #arguments #bounds {
            fn shape(_: &mut #root::shape::Types) -> #root::shape::Shape {
                ::core::unimplemented!()
            }
        }
    }
}

//! A stub of `Aggregate` beside the messages.

use darling::Error;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{DeriveInput, parse_quote};

use crate::{attr, root, stub, value::TypePath};

/// The event type stays the user's if it can be made out, so that the code around the aggregate still fits.
pub(crate) fn fallback(input: &DeriveInput, error: &Error) -> TokenStream {
    let Some(root) = stub::root(&root::CORE, &input.attrs, "aggregate") else {
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
    let id = attr::peek(&input.attrs, "aggregate", "id").map_or_else(|| quote!(::std::string::String), path);
    let event = attr::peek(&input.attrs, "aggregate", "event").map_or_else(|| stub::unknown_type(error), path);
    quote! {
        #[automatically_derived]
        impl #parameters #root::Aggregate for #ident #arguments #bounds {
            const NAME: &'static str = "";
            type Id = #id;
            type Event = #event;
        }
    }
}

fn path(TypePath(path): TypePath) -> TokenStream {
    path.to_token_stream()
}

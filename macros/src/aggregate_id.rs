//! `derive(AggregateId)`: small enough for one file.

#[cfg(test)]
mod tests;

use darling::{Error, FromAttributes, Result};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, Ident, Path, Type, parse_quote};

use crate::{attr, root, stub, value::TypePath};

/// The grammar of `#[aggregate_id(..)]`.
#[derive(Default, FromAttributes)]
#[darling(attributes(aggregate_id), default)]
struct AggregateIdAttr {
    #[darling(rename = "crate")]
    root: Option<TypePath>,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let mut errors = Error::accumulator();
    errors.handle(attr::refuse_generics(input));
    errors.handle(attr::refuse_inside(input, "aggregate_id", "the id itself"));
    let attr = errors.handle(AggregateIdAttr::from_attributes(&input.attrs)).unwrap_or_default();
    let inner = errors.handle(inner(input));
    let root = errors.handle(root::CORE.find(attr.root.as_ref()));
    errors.finish()?;
    match (root, inner) {
        (Some(root), Some(inner)) => Ok(code(&root, &input.ident, inner)),
        _ => Err(Error::custom("the id lacks a type")),
    }
}

/// The type that the newtype is around.
fn inner(input: &DeriveInput) -> Result<&Type> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first().map(|field| &field.ty),
            _ => None,
        },
        _ => None,
    }
    .ok_or_else(|| {
        let message = format!("an id is a struct with one unnamed field: `struct {}(String);`", input.ident);
        Error::custom(message).with_span(&input.ident)
    })
}

fn code(root: &Path, ident: &Ident, inner: &Type) -> TokenStream {
    let from_text = is_string(inner).then(|| from_text(ident));
    quote! {
        #[automatically_derived]
        impl #root::AggregateId for #ident {
            fn to_key(&self) -> ::std::string::String {
                ::std::string::ToString::to_string(self)
            }
            fn from_key(key: &str) -> ::core::option::Option<Self> {
                <Self as ::core::str::FromStr>::from_str(key).ok()
            }
        }

        #[automatically_derived]
        impl ::core::fmt::Display for #ident {
            fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(&self.0, formatter)
            }
        }

        #[automatically_derived]
        impl ::core::str::FromStr for #ident {
            type Err = <#inner as ::core::str::FromStr>::Err;
            fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
                <#inner as ::core::str::FromStr>::from_str(text).map(Self)
            }
        }

        #[automatically_derived]
        impl ::core::convert::From<#inner> for #ident {
            fn from(inner: #inner) -> Self {
                Self(inner)
            }
        }

        #from_text
    }
}

fn from_text(ident: &Ident) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl ::core::convert::From<&str> for #ident {
            fn from(text: &str) -> Self {
                Self(::std::string::String::from(text))
            }
        }
    }
}

/// Whether the type is written as `String`.
fn is_string(ty: &Type) -> bool {
    match ty {
        Type::Group(group) => is_string(&group.elem),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "String"),
        _ => false,
    }
}

pub(crate) fn fallback(input: &DeriveInput, _: &Error) -> TokenStream {
    let Some(root) = stub::root(&root::CORE, &input.attrs, "aggregate_id") else {
        return TokenStream::new();
    };
    if let (Ok(inner), true) = (inner(input), input.generics.params.is_empty()) {
        return code(&root, &input.ident, inner);
    }
    let ident = &input.ident;
    let generics = stub::generics(
        input,
        parse_quote! {
            Self: ::core::clone::Clone + ::core::fmt::Debug + ::core::cmp::PartialEq + ::core::marker::Send + ::core::marker::Sync + 'static
        },
    );
    let (parameters, arguments, bounds) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #parameters #root::AggregateId for #ident #arguments #bounds {
            fn to_key(&self) -> ::std::string::String {
                ::core::unimplemented!()
            }
            fn from_key(_: &str) -> ::core::option::Option<Self> {
                ::core::unimplemented!()
            }
        }
    }
}

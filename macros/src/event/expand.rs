//! The implementation of `Event`.

mod past;

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::{Ident, ext::IdentExt};

use super::{
    ast::EventEnum,
    valid::{Kind, Valid},
};

pub(super) fn code(events: &EventEnum<'_>, Valid { kinds, past }: &Valid<'_>) -> TokenStream {
    let EventEnum { root, ident, .. } = events;
    let forms = past::forms(events, past);
    let named = past::named(events, past);
    let table = table(events, kinds);
    let kind = kind(kinds);
    let tags = tags(events, kinds);
    let described = described(events, kinds);
    let fields = fields(kinds);
    quote! {
        const _: () = {
            #table
            #forms

            #[automatically_derived]
            impl #root::Event for #ident {
                const KINDS: &'static [#root::EventKind] = &KINDS;
                #named

                fn kind(&self) -> &'static #root::EventKind {
                    #kind
                }

                fn tags(&self) -> ::core::result::Result<::std::vec::Vec<#root::Tag>, #root::InvalidText> {
                    #tags
                }

                fn encode(&self) -> ::core::result::Result<#root::codec::Bytes, #root::codec::EncodeError> {
                    #root::codec::encode_variant(self)
                }

                #described

                fn decode(kind: usize, payload: &[u8]) -> ::core::result::Result<Self, #root::codec::PayloadError> {
                    #fields
                    let fields = FIELDS.get(kind).copied().unwrap_or_default();
                    #root::codec::decode_variant_of(u32::try_from(kind).unwrap_or(u32::MAX), fields, payload)
                }
            }
        };
    }
}

fn table(events: &EventEnum<'_>, kinds: &[Kind<'_>]) -> TokenStream {
    let root = &events.root;
    let count = Literal::usize_unsuffixed(kinds.len());
    let rows = kinds.iter().map(|kind| {
        let Kind { ident, name, aliases, version, .. } = kind;
        let variant = ident.unraw().to_string();
        let formerly = (!aliases.is_empty()).then(|| quote!(.formerly(&[#(#aliases),*])));
        quote!(#root::EventKind::new(#variant, #name, #version) #formerly)
    });
    quote!(static KINDS: [#root::EventKind; #count] = [#(#rows),*];)
}

fn kind(kinds: &[Kind<'_>]) -> TokenStream {
    if kinds.is_empty() {
        return quote!(match *self {});
    }
    let arms = kinds.iter().enumerate().map(|(index, kind)| {
        let (ident, index) = (kind.ident, Literal::usize_unsuffixed(index));
        quote!(Self::#ident { .. } => &KINDS[#index])
    });
    quote!(match self { #(#arms),* })
}

fn tags(events: &EventEnum<'_>, kinds: &[Kind<'_>]) -> TokenStream {
    let tagged: Vec<_> = kinds.iter().filter(|kind| !kind.tags.is_empty()).collect();
    if tagged.is_empty() {
        return quote!(::core::result::Result::Ok(::std::vec::Vec::new()));
    }
    let rest = (tagged.len() < kinds.len()).then(|| quote!(_ => {}));
    let arms = tagged.into_iter().map(|kind| arm(events, kind));
    quote! {
        let mut tags = ::std::vec::Vec::new();
        match self {
            #(#arms)*
            #rest
        }
        ::core::result::Result::Ok(tags)
    }
}

/// What each kind is stored as; nothing for an enum without variants.
fn described(events: &EventEnum<'_>, kinds: &[Kind<'_>]) -> TokenStream {
    let root = &events.root;
    let forms = kinds.iter().map(|Kind { shape, tags, examples, .. }| {
        let tags = tags.iter().map(|tag| &tag.name);
        quote! {
            #root::EventForm {
                schema: #root::shape::Schema::describe(|types| #shape),
                tags: &[#(#tags),*],
                examples: ::std::vec::Vec::from([#(#examples),*]),
            }
        }
    });
    if kinds.is_empty() {
        return TokenStream::new();
    }
    quote! {
        #[allow(unused_variables, reason = "a kind may be of no other type")]
        fn forms() -> ::std::vec::Vec<#root::EventForm<Self>> {
            ::std::vec::Vec::from([#(#forms),*])
        }
    }
}

/// How many fields each kind reads.
fn fields(kinds: &[Kind<'_>]) -> TokenStream {
    let count = Literal::usize_unsuffixed(kinds.len());
    let fields = kinds.iter().map(|kind| Literal::usize_unsuffixed(kind.fields));
    quote!(const FIELDS: [usize; #count] = [#(#fields),*];)
}

fn arm(events: &EventEnum<'_>, kind: &Kind<'_>) -> TokenStream {
    let (root, ident) = (&events.root, kind.ident);
    let members = kind.tags.iter().map(|tag| &tag.member);
    let values = kind.tags.iter().enumerate();
    let values: Vec<_> = values.map(|(index, tag)| Ident::new(&format!("value_{index}"), tag.span)).collect();
    let pushes = kind.tags.iter().zip(&values).map(|(tag, value)| {
        let name = &tag.name;
        let push = quote!(tags.push(#root::Tag::of(#name, #value)?););
        if tag.optional { quote!(if let ::core::option::Option::Some(#value) = #value { #push }) } else { push }
    });
    quote! {
        Self::#ident { #(#members: #values,)* .. } => {
            #(#pushes)*
        }
    }
}

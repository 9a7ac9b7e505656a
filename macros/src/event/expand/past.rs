//! How the forms of the past are read.
//!
//! A chain becomes a function for each of its forms, which takes one step and calls the next, so that a step that is
//! missing is one error, at the type that lacks it.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use crate::{
    event::{
        ast::EventEnum,
        valid::{Chain, Target},
    },
    form::{Form, Step},
};

/// The table of forms and the functions that read them; nothing for an enum without a past.
pub(super) fn forms(events: &EventEnum<'_>, chains: &[Chain<'_>]) -> TokenStream {
    if chains.is_empty() {
        return TokenStream::new();
    }
    let (root, ident) = (&events.root, events.ident);
    let count = Literal::usize_unsuffixed(chains.iter().map(|chain| chain.forms.len()).sum());
    let rows = chains.iter().enumerate().flat_map(|(number, chain)| rows(events, number, chain));
    let functions = chains.iter().enumerate().flat_map(|(number, chain)| functions(events, number, chain));
    quote! {
        static PAST: [#root::Past<#ident>; #count] = [#(#rows),*];
        #(#functions)*
    }
}

/// The constants of the implementation, where there is something to say.
pub(super) fn named(events: &EventEnum<'_>, chains: &[Chain<'_>]) -> TokenStream {
    let root = &events.root;
    let past = (!chains.is_empty()).then(|| quote!(const PAST: &'static [#root::Past<Self>] = &PAST;));
    let retired: Vec<_> = events.attr.retired.iter().flat_map(|retired| &retired.0).map(|name| &name.text).collect();
    let retired = (!retired.is_empty()).then(|| quote!(const RETIRED: &'static [&'static str] = &[#(#retired),*];));
    quote!(#past #retired)
}

fn rows<'a>(events: &'a EventEnum<'_>, number: usize, chain: &'a Chain<'_>) -> impl Iterator<Item = TokenStream> + 'a {
    let (root, name) = (&events.root, &chain.name);
    let kinds: Vec<_> = chain.target.kinds().into_iter().map(Literal::usize_unsuffixed).collect();
    chain.forms.iter().map(move |form| {
        let (version, function) = (form.version, function(number, form));
        let payload = match &form.step {
            Step::Typed(path) => quote_spanned!(path.span()=> #root::past::payload::<#path>(record)?),
            Step::Value(_) => quote!(#root::past::value(record)?),
        };
        quote! {
            #root::Past {
                name: #name,
                version: #version,
                kinds: &[#(#kinds),*],
                read: |record| #function(record, #payload),
            }
        }
    })
}

fn functions<'a>(
    events: &'a EventEnum<'_>,
    number: usize,
    chain: &'a Chain<'_>,
) -> impl Iterator<Item = TokenStream> + 'a {
    let (root, ident) = (&events.root, events.ident);
    chain.forms.iter().enumerate().map(move |(index, form)| {
        let name = function(number, form);
        let old = match &form.step {
            Step::Typed(path) => quote!(#path),
            Step::Value(_) => quote!(#root::codec::Value),
        };
        let body = match chain.forms.get(index + 1) {
            Some(next) => step_to(events, form, next, &function(number, next)),
            None => last_step(events, form, &chain.target),
        };
        quote! {
            fn #name(
                record: &#root::Record,
                old: #old,
            ) -> ::core::result::Result<#root::Decoded<#ident>, #root::DecodeProblem> {
                #body
            }
        }
    })
}

fn function(chain: usize, form: &Form) -> Ident {
    format_ident!("chain_{}_from_{}", chain, form.version.0.get())
}

fn step_to(events: &EventEnum<'_>, form: &Form, next: &Form, function: &Ident) -> TokenStream {
    let (root, version) = (&events.root, form.version);
    match (&form.step, &next.step) {
        (Step::Typed(old), Step::Typed(new)) => {
            let step = quote_spanned!(old.span()=> #root::past::step::<#old, #new>);
            quote!(#function(record, #step(record, #version, old)?))
        }
        (Step::Value(step), Step::Typed(new)) => quote! {
            let tree = #root::past::value_step(record, #version, old, #step)?;
            #function(record, #root::past::typed::<#new>(record, #version, &tree)?)
        },
        // A type is never followed by a tree.
        (Step::Value(step), _) | (Step::Typed(step), Step::Value(_)) => {
            quote!(#function(record, #root::past::value_step(record, #version, old, #step)?))
        }
    }
}

fn last_step(events: &EventEnum<'_>, form: &Form, target: &Target<'_>) -> TokenStream {
    let (root, ident, version) = (&events.root, events.ident, form.version);
    match (&form.step, target) {
        (Step::Typed(old), Target::Event { .. }) => {
            let step = quote_spanned!(old.span()=> #root::past::step::<#old, #ident>);
            quote!(::core::result::Result::Ok(#root::Decoded::One(#step(record, #version, old)?)))
        }
        (Step::Typed(old), Target::Payload { variant, payload, .. }) => {
            let step = quote_spanned!(old.span()=> #root::past::step::<#old, #payload>);
            quote! {
                let payload = #step(record, #version, old)?;
                ::core::result::Result::Ok(#root::Decoded::One(#ident::#variant(payload)))
            }
        }
        (Step::Typed(old), Target::Events { .. }) => {
            let step = quote_spanned!(old.span()=> #root::past::step::<#old, ::std::vec::Vec<#ident>>);
            quote!(::core::result::Result::Ok(#root::Decoded::Many(#step(record, #version, old)?)))
        }
        (Step::Value(step), target) => {
            let kind = target.kinds().first().copied().map(Literal::usize_unsuffixed);
            quote! {
                let tree = #root::past::value_step(record, #version, old, #step)?;
                ::core::result::Result::Ok(#root::Decoded::One(#root::past::event(record, #version, &tree, #kind)?))
            }
        }
    }
}

impl Target<'_> {
    /// The kinds of what it gives, by index.
    fn kinds(&self) -> Vec<usize> {
        match self {
            Self::Event { kind } | Self::Payload { kind, .. } => vec![*kind],
            Self::Events { kinds } => kinds.clone(),
        }
    }
}

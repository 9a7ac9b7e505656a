//! The code that both write.

mod key;
mod sends;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;

use super::inputs::{Given, Received, Refused};
use crate::handler::{
    events::Events,
    expand::{matched, outcome, place, subscribed},
    parameter::Argument,
};

pub(crate) use key::{by_key, key};
pub(crate) use sends::{commands, everything_to_everyone, sends};

/// The parameters of the methods. What a pattern binds is never one of them, whatever it is called.
pub(crate) struct Names {
    pub(crate) event: Ident,
    pub(crate) context: Ident,
    pub(crate) command: Ident,
    pub(crate) refusal: Ident,
    pub(crate) step: Ident,
}

impl Names {
    pub(crate) fn new() -> Self {
        let name = |name| Ident::new(name, Span::mixed_site());
        Self {
            event: name("event"),
            context: name("context"),
            command: name("command"),
            refusal: name("refusal"),
            step: name("step"),
        }
    }

    pub(crate) fn of(&self, given: Given) -> &Ident {
        match given {
            Given::Context => &self.context,
            Given::Command => &self.command,
            Given::Refusal => &self.refusal,
            Given::Step => &self.step,
        }
    }
}

/// The function `subscription`.
pub(crate) fn subscription<T>(root: &Path, enums: &[Events<'_, T>]) -> TokenStream {
    let subscribed = enums.iter().filter(|events| !events.arms.is_empty()).map(subscribed);
    quote! {
        fn subscription() -> #root::Subscription {
            #root::Subscription::new() #(#subscribed)*
        }
    }
}

/// The function `name`, with `receiver`, which takes events.
pub(crate) fn events<T>(
    root: &Path,
    names: &Names,
    name: &Ident,
    receiver: Option<&TokenStream>,
    enums: &[Events<'_, Received<'_, T>>],
) -> TokenStream {
    let Names { event, context, step, .. } = names;
    let rest = quote!(::core::result::Result::Ok(()));
    let enums = enums.iter().map(|events| {
        matched(event, events, &rest, |arm| {
            let arguments = arm.given.arguments.iter().map(|argument| match argument {
                Argument::Binding(name) => *name,
                Argument::Typed(given) => names.of(*given),
            });
            outcome(&arm.method.signature, arguments)
        })
    });
    quote! {
        #[allow(unused_variables, unreachable_patterns, reason = "handlers take what they need, of as many variants as there are")]
        fn #name(
            #receiver
            #event: #root::Incoming<'_>,
            #context: &#root::EventContext<'_>,
            #step: &mut #root::Step<'_, Self>,
        ) -> ::core::result::Result<(), #root::BoxError> {
            #(#enums)*
            #rest
        }
    }
}

/// The function `refused`, with `receiver`; nothing where no refusal is taken.
pub(crate) fn refused(
    root: &Path,
    names: &Names,
    receiver: Option<&TokenStream>,
    refused: &[Refused<'_>],
) -> Option<TokenStream> {
    let Names { refusal, command, step, .. } = names;
    let commands = refused.iter().map(|Refused { method, command: path, arguments }| {
        let conditions = &method.conditions;
        let outcome = outcome(&method.signature, arguments.iter().map(|given| names.of(*given)));
        let get = quote_spanned!(place(*path)=> command::<#path>());
        quote! {
            #(#conditions)*
            if let ::core::option::Option::Some(#command) = #refusal.#get {
                return #outcome;
            }
        }
    });
    (!refused.is_empty()).then(|| {
        quote! {
            #[allow(unused_variables, reason = "handlers take what they need")]
            fn refused(
                #receiver
                #refusal: &#root::Refusal<'_>,
                #step: &mut #root::Step<'_, Self>,
            ) -> ::core::result::Result<(), #root::BoxError> {
                #(#commands)*
                ::core::result::Result::Err(::core::convert::Into::into(#root::derived::Unhandled::refusal(#refusal)))
            }
        }
    })
}

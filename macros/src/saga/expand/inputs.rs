//! What becomes of events, refusals and timers.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;

use super::Names;
use crate::{
    handler::{
        expand::{matched, outcome, place},
        parameter::Argument,
    },
    saga::valid::{Given, Refused, Timeout, Valid},
};

pub(super) fn methods(root: &Path, names: &Names, valid: &Valid<'_>) -> TokenStream {
    let handle = handle(root, names, valid);
    let refused = (!valid.refused.is_empty()).then(|| refused(root, names, &valid.refused));
    let timeout = (!valid.timeouts.is_empty()).then(|| timeout(root, names, &valid.timeouts));
    quote!(#handle #refused #timeout)
}

fn handle(root: &Path, names: &Names, valid: &Valid<'_>) -> TokenStream {
    let Names { event, context, step, .. } = names;
    let rest = quote!(::core::result::Result::Ok(()));
    let enums = valid.enums.iter().map(|events| {
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
        fn handle(
            &mut self,
            #event: #root::Incoming<'_>,
            #context: &#root::EventContext<'_>,
            #step: &mut #root::Step<'_, Self>,
        ) -> ::core::result::Result<(), #root::BoxError> {
            #(#enums)*
            #rest
        }
    }
}

fn refused(root: &Path, names: &Names, refused: &[Refused<'_>]) -> TokenStream {
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
    quote! {
        #[allow(unused_variables, reason = "handlers take what they need")]
        fn refused(
            &mut self,
            #refusal: &#root::Refusal<'_>,
            #step: &mut #root::Step<'_, Self>,
        ) -> ::core::result::Result<(), #root::BoxError> {
            #(#commands)*
            ::core::result::Result::Err(::core::convert::Into::into(#root::derived::Unhandled::refusal(#refusal)))
        }
    }
}

fn timeout(root: &Path, names: &Names, timeouts: &[Timeout<'_>]) -> TokenStream {
    let Names { timer, step, .. } = names;
    let timers = timeouts.iter().map(|Timeout { method, timer, arguments }| {
        let conditions = &method.conditions;
        let outcome = outcome(&method.signature, arguments.iter().map(|given| names.of(*given)));
        quote!(#(#conditions)* #timer => #outcome,)
    });
    quote! {
        #[allow(unused_variables, reason = "handlers take what they need")]
        fn timeout(
            &mut self,
            #timer: &str,
            #step: &mut #root::Step<'_, Self>,
        ) -> ::core::result::Result<(), #root::BoxError> {
            match #timer {
                #(#timers)*
                _ => ::core::result::Result::Err(::core::convert::Into::into(#root::derived::Unhandled::timer(#timer))),
            }
        }
    }
}

impl Names {
    fn of(&self, given: Given) -> &Ident {
        match given {
            Given::Context => &self.context,
            Given::Command => &self.command,
            Given::Refusal => &self.refusal,
            Given::Step => &self.step,
        }
    }
}

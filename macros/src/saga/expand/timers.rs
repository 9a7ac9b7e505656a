//! What becomes of timers.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Path;

use crate::{handler::expand::outcome, process::expand::Names, saga::valid::Timeout};

/// The names of its timers, those included whose method is not there under all conditions.
pub(super) fn names(timeouts: &[Timeout<'_>]) -> Option<TokenStream> {
    let names = timeouts.iter().map(|timeout| timeout.timer);
    (!timeouts.is_empty()).then(|| quote!(const TIMERS: &'static [&'static str] = &[#(#names),*];))
}

/// The method `timeout`; nothing where there are no timers.
pub(super) fn timeout(root: &Path, names: &Names, timeouts: &[Timeout<'_>]) -> Option<TokenStream> {
    let (timer, step) = (Ident::new("timer", Span::mixed_site()), &names.step);
    let timers = timeouts.iter().map(|Timeout { method, timer, arguments }| {
        let conditions = &method.conditions;
        let outcome = outcome(&method.signature, arguments.iter().map(|given| names.of(*given)));
        quote!(#(#conditions)* #timer => #outcome,)
    });
    (!timeouts.is_empty()).then(|| {
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
    })
}

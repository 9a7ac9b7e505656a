//! The block, and the implementation of `Saga` beside it.

mod inputs;
mod reception;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{ItemImpl, Path, parse_quote};

use super::{
    and_types,
    ast::Saga,
    sends::Sent,
    valid::{Timeout, Valid},
};
use crate::{
    handler::expand::{covered, place, subscribed},
    past::Past,
};

/// The parameters of the methods. What a pattern binds is never one of them, whatever it is called.
struct Names {
    event: Ident,
    context: Ident,
    command: Ident,
    refusal: Ident,
    timer: Ident,
    step: Ident,
}

impl Names {
    fn new() -> Self {
        let name = |name| Ident::new(name, Span::mixed_site());
        Self {
            event: name("event"),
            context: name("context"),
            command: name("command"),
            refusal: name("refusal"),
            timer: name("timer"),
            step: name("step"),
        }
    }
}

pub(super) fn code(saga: &Saga, valid: &Valid<'_>) -> TokenStream {
    let Saga { root, block, .. } = saga;
    let Valid { name, version, enums, .. } = valid;
    let (ty, names) = (&block.self_ty, Names::new());
    let (parameters, _, bounds) = block.generics.split_for_impl();
    let derived: Path = parse_quote!(#root::derived);
    let past = Past::constant(&derived, "PastState", &valid.past, ty, &block.generics);
    let subscribed = enums.iter().filter(|events| !events.arms.is_empty()).map(subscribed);
    let timers = timers(&valid.timeouts);
    let commands = valid.sends.iter().map(|sent| known(sent));
    let receive = reception::receive(root, &names, enums);
    let inputs = inputs::methods(root, &names, valid);
    let sends = sends(&derived, block, &valid.sends);
    let covered = covered(root, enums);
    quote! {
        #block

        #[automatically_derived]
        impl #parameters #root::Saga for #ty #bounds {
            const NAME: &'static str = #name;
            const VERSION: u32 = #version;
            #past
            #timers

            fn subscription() -> #root::Subscription {
                #root::Subscription::new() #(#subscribed)*
            }

            fn commands() -> #root::Commands {
                #root::Commands::new() #(#commands)*
            }

            #receive

            #inputs
        }

        #sends

        #covered
    }
}

/// The names of its timers, those included whose method is not there under all conditions.
fn timers(timeouts: &[Timeout<'_>]) -> Option<TokenStream> {
    let names = timeouts.iter().map(|timeout| timeout.timer);
    (!timeouts.is_empty()).then(|| quote!(const TIMERS: &'static [&'static str] = &[#(#names),*];))
}

fn known(sent: &Sent) -> TokenStream {
    let Sent { aggregate, command, is_prepared } = sent;
    if sent.is_joint() {
        return quote_spanned!(place(command)=> .joint::<#command>());
    }
    let method = Ident::new(if *is_prepared { "prepared" } else { "with" }, place(command));
    quote_spanned!(place(command)=> .#method::<#aggregate, #command>())
}

/// That the commands may be sent, and two more that there are none of: so that rustc, whatever is sent to whomever, never takes
/// it for the only command that may be.
fn sends(derived: &Path, block: &ItemImpl, sends: &[&Sent]) -> TokenStream {
    let ty = &block.self_ty;
    let (parameters, _, bounds) = block.generics.split_for_impl();
    let with_any = and_types(&block.generics, ["__Aggregate"]);
    let (with_any, ..) = with_any.split_for_impl();
    let sends = sends.iter().map(|sent| {
        let Sent { aggregate, command, .. } = sent;
        let aggregate = if sent.is_joint() { quote!(#derived::Joint) } else { quote!(#aggregate) };
        quote! {
            #[automatically_derived]
            impl #parameters #derived::SendsTo<#aggregate, #command> for #ty #bounds {}
        }
    });
    quote! {
        #(#sends)*

        #[automatically_derived]
        impl #with_any #derived::SendsTo<__Aggregate, #derived::NoCommand> for #ty #bounds {}

        #[automatically_derived]
        impl #with_any #derived::SendsTo<__Aggregate, [#derived::NoCommand; 0]> for #ty #bounds {}
    }
}

//! The block, and the implementation of `Projection` beside it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;

use super::{
    ast::{BatchHandler, Projection},
    valid::{Batch, BatchArgument, Given, Valid},
};
use crate::handler::{
    events::{Arm, Events},
    expand::{covered, matched, outcome, place, subscribed},
    parameter::Argument,
};

/// What the parameters of a handler are given.
type Handled<'a> = Vec<Argument<'a, Given>>;

/// The parameters of `handle`. What a pattern binds is never one of them, whatever it is called.
struct Names {
    event: Ident,
    context: Ident,
    rows: Ident,
}

pub(super) fn code(projection: &Projection, valid: &Valid<'_>) -> TokenStream {
    let Projection { root, block, .. } = projection;
    let Valid { name, version, tables, enums, batches } = valid;
    let ty = &block.self_ty;
    let (parameters, _, bounds) = block.generics.split_for_impl();
    let subscribed = enums.iter().filter(|events| !events.arms.is_empty()).map(subscribed);
    let tables = tables.iter().map(|row| quote_spanned!(place(*row)=> .with::<#row>()));
    let handle = handle(root, enums);
    let batches = batches.iter().map(|batch| handle_batch(root, batch));
    let covered = covered(root, enums);
    quote! {
        #block

        #[automatically_derived]
        impl #parameters #root::Projection for #ty #bounds {
            const NAME: &'static str = #name;
            const VERSION: u32 = #version;

            fn subscription(&self) -> #root::Subscription {
                #root::Subscription::new() #(#subscribed)*
            }

            fn tables(&self) -> #root::Tables {
                #root::Tables::new() #(#tables)*
            }

            #handle

            #(#batches)*
        }

        #covered
    }
}

fn handle(root: &Path, enums: &[Events<'_, Handled<'_>>]) -> TokenStream {
    let names = Names {
        event: Ident::new("event", Span::mixed_site()),
        context: Ident::new("context", Span::mixed_site()),
        rows: Ident::new("rows", Span::mixed_site()),
    };
    let Names { event, context, rows } = &names;
    let rest = quote!(::core::result::Result::Ok(()));
    let enums = enums.iter().map(|events| matched(event, events, &rest, |arm| call(&names, arm)));
    quote! {
        #[allow(unused_variables, unreachable_patterns, reason = "handlers take what they need, of as many variants as there are")]
        async fn handle(
            &self,
            #event: #root::Incoming<'_>,
            #context: &#root::EventContext<'_>,
            #rows: &mut #root::Rows<'_>,
        ) -> ::core::result::Result<(), #root::BoxError> {
            #(#enums)*
            #rest
        }
    }
}

fn call(names: &Names, arm: &Arm<'_, Handled<'_>>) -> TokenStream {
    let arguments = arm.given.iter().map(|argument| match argument {
        Argument::Binding(name) => *name,
        Argument::Typed(Given::Context) => &names.context,
        Argument::Typed(Given::Rows) => &names.rows,
    });
    outcome(&arm.method.signature, arguments)
}

/// How many events are handed over at once, and what is done about them.
fn handle_batch(root: &Path, batch: &Batch<'_>) -> TokenStream {
    let BatchHandler { method, max } = batch.handler;
    let conditions = &method.conditions;
    let (events, rows) = (Ident::new("events", Span::mixed_site()), Ident::new("rows", Span::mixed_site()));
    let arguments = batch.arguments.iter().map(|argument| match argument {
        BatchArgument::Events => &events,
        BatchArgument::Rows => &rows,
    });
    let outcome = outcome(&method.signature, arguments);
    quote! {
        #(#conditions)*
        const BATCH: usize = #max;

        #(#conditions)*
        #[allow(unused_variables, reason = "the method takes what it needs")]
        async fn handle_batch(
            &self,
            #events: &[#root::Delivered<'_>],
            #rows: &mut #root::Rows<'_>,
        ) -> ::core::result::Result<(), #root::BoxError> {
            #outcome
        }
    }
}

//! The block, and the implementation of `Projection` beside it.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Path, ReturnType, Signature, ext::IdentExt, spanned::Spanned};

use super::{
    ast::{BatchHandler, Handler, Projection},
    pattern::name,
    valid::{Argument, Arm, Batch, BatchArgument, Events, Valid},
};

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

fn subscribed(events: &Events<'_>) -> TokenStream {
    let path = events.path;
    let variants = events.arms.iter().map(|arm| {
        let (conditions, variant) = (&arm.handler.conditions, arm.pattern.variant.unraw().to_string());
        quote!(#(#conditions)* #variant)
    });
    quote_spanned!(place(path)=> .variants::<#path>(&[#(#variants),*]))
}

/// The check that every variant is handled or ignored.
///
/// A variant whose handler is not there under all conditions counts all the same: its author has thought of it.
fn covered(root: &Path, enums: &[Events<'_>]) -> Option<TokenStream> {
    let checks: Vec<_> = enums.iter().filter(|events| !events.ignores_rest).map(check).collect();
    (!checks.is_empty()).then(|| {
        quote! {
            const _: () = {
                use #root::derived::covered;
                #(#checks)*
            };
        }
    })
}

fn check(events: &Events<'_>) -> TokenStream {
    let (path, written) = (events.path, name(events.path));
    let handled = events.arms.iter().map(|arm| &arm.pattern.variant);
    let seen = handled.chain(events.ignored.iter().map(|(variant, _)| *variant));
    let seen: Vec<_> = seen.map(|variant| variant.unraw().to_string()).collect();
    let count = Literal::usize_unsuffixed(seen.len());
    quote_spanned!(place(path)=> covered::<#path, #count>(#written, [#(#seen),*]);)
}

fn handle(root: &Path, enums: &[Events<'_>]) -> TokenStream {
    let names = Names {
        event: Ident::new("event", Span::mixed_site()),
        context: Ident::new("context", Span::mixed_site()),
        rows: Ident::new("rows", Span::mixed_site()),
    };
    let Names { event, context, rows } = &names;
    let enums = enums.iter().map(|events| of_enum(&names, events));
    quote! {
        #[allow(unused_variables, unreachable_patterns, reason = "handlers take what they need, of as many variants as there are")]
        async fn handle(
            &self,
            #event: #root::Incoming<'_>,
            #context: &#root::EventContext<'_>,
            #rows: &mut #root::Rows<'_>,
        ) -> ::core::result::Result<(), #root::BoxError> {
            #(#enums)*
            ::core::result::Result::Ok(())
        }
    }
}

fn of_enum(names: &Names, events: &Events<'_>) -> TokenStream {
    let (path, event) = (events.path, &names.event);
    let arms = events.arms.iter().map(|arm| self::arm(names, arm));
    let ignored = events.ignored.iter().map(|(_, path)| quote!(#path { .. } => ::core::result::Result::Ok(()),));
    let get = quote_spanned!(place(path)=> get::<#path>());
    quote! {
        if let ::core::option::Option::Some(#event) = #event.#get {
            return match #event {
                #(#arms)*
                #(#ignored)*
                _ => ::core::result::Result::Ok(()),
            };
        }
    }
}

fn arm(names: &Names, arm: &Arm<'_>) -> TokenStream {
    let Handler { signature, conditions, .. } = arm.handler;
    let written = &arm.pattern.written;
    let arguments = arm.arguments.iter().map(|argument| match argument {
        Argument::Binding(name) => *name,
        Argument::Context => &names.context,
        Argument::Rows => &names.rows,
    });
    let outcome = outcome(signature, arguments);
    quote!(#(#conditions)* #written => #outcome,)
}

/// How many events are handed over at once, and what is done about them.
fn handle_batch(root: &Path, batch: &Batch<'_>) -> TokenStream {
    let BatchHandler { signature, conditions, max } = batch.handler;
    let (events, rows) = (Ident::new("events", Span::mixed_site()), Ident::new("rows", Span::mixed_site()));
    let arguments = batch.arguments.iter().map(|argument| match argument {
        BatchArgument::Events => &events,
        BatchArgument::Rows => &rows,
    });
    let outcome = outcome(signature, arguments);
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

/// What comes of calling a method.
fn outcome<'a>(signature: &Signature, arguments: impl Iterator<Item = &'a Ident>) -> TokenStream {
    let method = &signature.ident;
    let wait = signature.asyncness.map(|_| quote!(.await));
    match &signature.output {
        ReturnType::Default => quote!({
            self.#method(#(#arguments),*) #wait;
            ::core::result::Result::Ok(())
        }),
        ReturnType::Type(_, ty) => quote_spanned! { place(ty)=>
            ::core::result::Result::<(), _>::map_err(self.#method(#(#arguments),*) #wait, ::core::convert::Into::into)
        },
    }
}

/// Where an error about `written` belongs, in code that is not the user's.
fn place(written: &(impl ToTokens + ?Sized)) -> Span {
    Span::call_site().located_at(written.span())
}

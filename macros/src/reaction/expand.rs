//! The block, and the implementation of `Reaction` beside it.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Path;

use super::{ast::Reaction, on::Keyed, valid::Valid};
use crate::{
    handler::{
        events::{Arm, Events},
        expand::covered,
    },
    process::{
        expand::{Names, by_key, commands, events, key, refused, sends, subscription},
        inputs::Received,
    },
};

pub(super) fn code(reaction: &Reaction, valid: &Valid<'_>) -> TokenStream {
    let Reaction { root, block, .. } = reaction;
    let Valid { name, enums, .. } = valid;
    let (ty, names) = (&block.self_ty, Names::new());
    let (parameters, _, bounds) = block.generics.split_for_impl();
    let subscription = subscription(root, enums);
    let commands = commands(root, &valid.sends);
    let key = keys(root, &names, enums);
    let react = events(root, &names, &format_ident!("react"), None, enums);
    let refused = refused(root, &names, None, &valid.refused);
    let sends = sends(root, block, &valid.sends);
    let covered = covered(root, enums);
    quote! {
        #block

        #[automatically_derived]
        impl #parameters #root::Reaction for #ty #bounds {
            const NAME: &'static str = #name;

            #subscription

            #commands

            #key

            #react

            #refused
        }

        #sends

        #covered
    }
}

/// The function `key`; nothing where it is that of the stream for all events.
fn keys(root: &Path, names: &Names, enums: &[Events<'_, Received<'_, Keyed>>]) -> Option<TokenStream> {
    let is_said = enums.iter().flat_map(|events| &events.arms).any(|arm| arm.given.said.key.is_some());
    let (name, output) = (format_ident!("key"), quote!(::std::string::String));
    is_said.then(|| by_key(root, names, &name, &output, enums, |arm| key_of(names, arm)))
}

fn key_of(names: &Names, arm: &Arm<'_, Received<'_, Keyed>>) -> TokenStream {
    let Some(given) = &arm.given.said.key else {
        let context = &names.context;
        return quote! {
            ::core::result::Result::Ok(::core::option::Option::Some(::std::borrow::ToOwned::to_owned(#context.key())))
        };
    };
    let (context, key) = key(names, given, arm);
    quote!({
        #context
        ::core::result::Result::Ok(#key)
    })
}

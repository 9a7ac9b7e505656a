//! The block, and the implementation of `Saga` beside it.

mod reception;
mod timers;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Path, parse_quote};

use super::{ast::Saga, valid::Valid};
use crate::{
    handler::expand::covered,
    past::Past,
    process::expand::{Names, commands, events, refused, sends, subscription},
};

pub(super) fn code(saga: &Saga, valid: &Valid<'_>) -> TokenStream {
    let Saga { root, block, .. } = saga;
    let Valid { name, version, enums, .. } = valid;
    let (ty, names, receiver) = (&block.self_ty, Names::new(), quote!(&mut self,));
    let (parameters, _, bounds) = block.generics.split_for_impl();
    let derived: Path = parse_quote!(#root::derived);
    let past = Past::constant(&derived, "PastState", &valid.past, ty, &block.generics);
    let timers = timers::names(&valid.timeouts);
    let subscription = subscription(root, enums);
    let commands = commands(root, &valid.sends);
    let receive = reception::receive(root, &names, enums);
    let handle = events(root, &names, &format_ident!("handle"), Some(&receiver), enums);
    let refused = refused(root, &names, Some(&receiver), &valid.refused);
    let timeout = timers::timeout(root, &names, &valid.timeouts);
    let sends = sends(root, block, &valid.sends);
    let covered = covered(root, enums);
    quote! {
        #block

        #[automatically_derived]
        impl #parameters #root::Saga for #ty #bounds {
            const NAME: &'static str = #name;
            const VERSION: u32 = #version;
            #past
            #timers

            #subscription

            #commands

            #receive

            #handle

            #refused

            #timeout
        }

        #sends

        #covered
    }
}

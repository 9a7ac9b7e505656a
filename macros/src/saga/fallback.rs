//! A stub of `Saga` beside the messages.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, ItemImpl};

use super::{
    and_types,
    ast::{MARKS, PLACE},
};
use crate::{
    handler::block::{self, is_of_trait},
    root, stub,
};

/// The block stays, so that its methods are there. Beside a trait's block there is no stub of that very trait.
pub(crate) fn fallback(attribute: &Attribute, item: TokenStream) -> TokenStream {
    match block::unmarked(item.clone(), PLACE, &MARKS) {
        Ok(block) => {
            let stub = stub(attribute, &block);
            quote!(#block #stub)
        }
        Err(_) => item,
    }
}

/// It sends everything to everyone, so that nothing is said of what its methods send.
fn stub(attribute: &Attribute, block: &ItemImpl) -> Option<TokenStream> {
    if is_of_trait(block, "Saga") {
        return None;
    }
    let root = stub::root(&root::SAGAS, std::slice::from_ref(attribute), "saga")?;
    let ty = &block.self_ty;
    let (parameters, _, bounds) = block.generics.split_for_impl();
    let sending = and_types(&block.generics, ["__Aggregate", "__Command"]);
    let (sending, ..) = sending.split_for_impl();
    Some(quote! {
        #[automatically_derived]
        impl #parameters #root::Saga for #ty #bounds {
            const NAME: &'static str = "";
            const VERSION: u32 = 1;

            fn subscription() -> #root::Subscription {
                ::core::unimplemented!()
            }
            fn commands() -> #root::Commands {
                ::core::unimplemented!()
            }
            fn receive(
                _: #root::Incoming<'_>,
                _: &#root::EventContext<'_>,
            ) -> ::core::result::Result<::core::option::Option<#root::Reception>, #root::BoxError> {
                ::core::unimplemented!()
            }
            fn handle(
                &mut self,
                _: #root::Incoming<'_>,
                _: &#root::EventContext<'_>,
                _: &mut #root::Step<'_, Self>,
            ) -> ::core::result::Result<(), #root::BoxError> {
                ::core::unimplemented!()
            }
        }

        #[automatically_derived]
        impl #sending #root::derived::SendsTo<__Aggregate, __Command> for #ty #bounds {}
    })
}

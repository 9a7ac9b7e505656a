//! A stub of `Saga` beside the messages.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, ItemImpl};

use crate::{
    handler::block::with_stub,
    process::{expand::everything_to_everyone, handler::MARKS},
    root, stub,
};

pub(crate) fn fallback(attribute: &Attribute, item: TokenStream) -> TokenStream {
    with_stub(item, &MARKS, "Saga", |block| stub(attribute, block))
}

fn stub(attribute: &Attribute, block: &ItemImpl) -> Option<TokenStream> {
    let root = stub::root(&root::SAGAS, std::slice::from_ref(attribute), "saga")?;
    let ty = &block.self_ty;
    let (parameters, _, bounds) = block.generics.split_for_impl();
    let sends = everything_to_everyone(&root, block);
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

        #sends
    })
}

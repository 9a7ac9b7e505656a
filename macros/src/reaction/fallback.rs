//! A stub of `Reaction` beside the messages.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, ItemImpl};

use crate::{
    handler::block::with_stub,
    process::{expand::everything_to_everyone, handler::MARKS},
    root, stub,
};

pub(crate) fn fallback(attribute: &Attribute, item: TokenStream) -> TokenStream {
    with_stub(item, &MARKS, "Reaction", |block| stub(attribute, block))
}

fn stub(attribute: &Attribute, block: &ItemImpl) -> Option<TokenStream> {
    let root = stub::root(&root::SAGAS, std::slice::from_ref(attribute), "reaction")?;
    let ty = &block.self_ty;
    let (parameters, _, bounds) = block.generics.split_for_impl();
    let sends = everything_to_everyone(&root, block);
    Some(quote! {
        #[automatically_derived]
        impl #parameters #root::Reaction for #ty #bounds {
            const NAME: &'static str = "";

            fn subscription() -> #root::Subscription {
                ::core::unimplemented!()
            }
            fn commands() -> #root::Commands {
                ::core::unimplemented!()
            }
            fn react(
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

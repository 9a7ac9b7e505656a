//! A stub of `Projection` beside the messages.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, ItemImpl};

use super::ast::MARKS;
use crate::{handler::block::with_stub, root, stub};

pub(crate) fn fallback(attribute: &Attribute, item: TokenStream) -> TokenStream {
    with_stub(item, &MARKS, "Projection", |block| stub(attribute, block))
}

fn stub(attribute: &Attribute, block: &ItemImpl) -> Option<TokenStream> {
    let root = stub::root(&root::PROJECTIONS, std::slice::from_ref(attribute), "projection")?;
    let ty = &block.self_ty;
    let (parameters, _, bounds) = block.generics.split_for_impl();
    Some(quote! {
        #[automatically_derived]
        impl #parameters #root::Projection for #ty #bounds {
            const NAME: &'static str = "";
            const VERSION: u32 = 1;

            fn subscription(&self) -> #root::Subscription {
                ::core::unimplemented!()
            }
            fn tables(&self) -> #root::Tables {
                ::core::unimplemented!()
            }
            async fn handle(
                &self,
                _: #root::Incoming<'_>,
                _: &#root::EventContext<'_>,
                _: &mut #root::Rows<'_>,
            ) -> ::core::result::Result<(), #root::BoxError> {
                ::core::unimplemented!()
            }
        }
    })
}

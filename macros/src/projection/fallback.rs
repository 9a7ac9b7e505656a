//! A stub of `Projection` beside the messages.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, ItemImpl};

use super::ast::{MARKS, PLACE};
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

fn stub(attribute: &Attribute, block: &ItemImpl) -> Option<TokenStream> {
    if is_of_trait(block, "Projection") {
        return None;
    }
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

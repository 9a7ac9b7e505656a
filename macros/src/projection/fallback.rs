//! A stub of `Projection` beside the messages.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, ItemImpl};

use super::ast;
use crate::{root, stub};

/// The block stays, so that its methods are there. Beside a trait's block there is no stub of that very trait.
pub(crate) fn fallback(attribute: &Attribute, item: TokenStream) -> TokenStream {
    let Ok(mut block) = ast::block(item.clone()) else {
        return item;
    };
    for item in &mut block.items {
        ast::take_marks(item);
    }
    let stub = stub(attribute, &block);
    quote!(#block #stub)
}

fn stub(attribute: &Attribute, block: &ItemImpl) -> Option<TokenStream> {
    let is_projection =
        |(path, _): &(syn::Path, _)| path.segments.last().is_some_and(|last| last.ident == "Projection");
    if block.trait_.as_ref().is_some_and(is_projection) {
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

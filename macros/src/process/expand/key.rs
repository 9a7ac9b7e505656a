//! Which events belong together.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, Path};

use super::Names;
use crate::{
    handler::{
        events::{Arm, Events},
        expand::{matched, place},
    },
    process::key::{CONTEXT, named},
};

/// The function `name`, which says of an event that has a key an `output`, as `of_arm` does.
pub(crate) fn by_key<T>(
    root: &Path,
    names: &Names,
    name: &Ident,
    output: &TokenStream,
    enums: &[Events<'_, T>],
    of_arm: impl Fn(&Arm<'_, T>) -> TokenStream,
) -> TokenStream {
    let Names { event, context, .. } = names;
    let rest = quote!(::core::result::Result::Ok(::core::option::Option::None));
    let enums = enums.iter().map(|events| matched(event, events, &rest, &of_arm));
    quote! {
        #[allow(
            unused_variables,
            unused_imports,
            unreachable_patterns,
            reason = "a key is made of what it needs, of as many variants as there are"
        )]
        fn #name(
            #event: #root::Incoming<'_>,
            #context: &#root::EventContext<'_>,
        ) -> ::core::result::Result<::core::option::Option<#output>, #root::BoxError> {
            use #root::derived::{KeyOf as __KeyOf, PlainKey as _};
            #(#enums)*
            #rest
        }
    }
}

/// In such a function, an `Option` of the key as text: what stands before it, and the expression.
pub(crate) fn key<T>(names: &Names, key: &Expr, arm: &Arm<'_, T>) -> (Option<TokenStream>, TokenStream) {
    (context(names, key, arm), quote_spanned!(place(key)=> __KeyOf(#key).key()))
}

/// The context under the name that the key has for it, unless the pattern binds something else under that.
fn context<T>(names: &Names, key: &Expr, arm: &Arm<'_, T>) -> Option<TokenStream> {
    let context = &names.context;
    let is_bound = arm.pattern.bindings.iter().any(|binding| binding == CONTEXT);
    let name: Ident = named(key, CONTEXT).filter(|_| !is_bound)?;
    Some(quote!(let #name = #context;))
}

//! Which instance an event is for.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, Path};

use super::Names;
use crate::{
    handler::{
        events::{Arm, Events},
        expand::{matched, place},
    },
    saga::{
        on::{Otherwise, Reception},
        valid::{CONTEXT, Received, named},
    },
};

pub(super) fn receive(root: &Path, names: &Names, enums: &[Events<'_, Received<'_>>]) -> TokenStream {
    let Names { event, context, .. } = names;
    let rest = quote!(::core::result::Result::Ok(::core::option::Option::None));
    let enums = enums.iter().map(|events| matched(event, events, &rest, |arm| reception(root, names, arm)));
    quote! {
        #[allow(
            unused_variables,
            unused_imports,
            unreachable_patterns,
            reason = "a key is made of what it needs, of as many variants as there are"
        )]
        fn receive(
            #event: #root::Incoming<'_>,
            #context: &#root::EventContext<'_>,
        ) -> ::core::result::Result<::core::option::Option<#root::Reception>, #root::BoxError> {
            use #root::derived::{KeyOf as __KeyOf, PlainKey as _};
            #(#enums)*
            #rest
        }
    }
}

fn reception(root: &Path, names: &Names, arm: &Arm<'_, Received<'_>>) -> TokenStream {
    let Reception { starts, continues, key, otherwise } = arm.given.reception;
    let begun = match (starts, continues) {
        (true, false) => quote!(starts),
        (true, true) => quote!(starts_or_continues),
        (false, _) => quote!(continues),
    };
    let otherwise = otherwise.map(|otherwise| match otherwise {
        Otherwise::Ignore => quote!(.otherwise(#root::Otherwise::Ignore)),
        Otherwise::SetAside => quote!(.otherwise(#root::Otherwise::SetAside)),
    });
    let Some(key) = key else {
        let context = &names.context;
        return quote! {
            ::core::result::Result::Ok(::core::option::Option::Some(
                #root::Reception::#begun(#context.key()) #otherwise
            ))
        };
    };
    let context = context(names, key, arm);
    let key = quote_spanned!(place(key)=> __KeyOf(#key).key());
    quote!({
        #context
        ::core::result::Result::Ok(#key.map(|key| #root::Reception::#begun(key) #otherwise))
    })
}

/// The context under the name that the key has for it, unless the pattern binds something else under that.
fn context(names: &Names, key: &Expr, arm: &Arm<'_, Received<'_>>) -> Option<TokenStream> {
    let context = &names.context;
    let is_bound = arm.pattern.bindings.iter().any(|binding| binding == CONTEXT);
    let name: Ident = named(key, CONTEXT).filter(|_| !is_bound)?;
    Some(quote!(let #name = #context;))
}

//! Which instance an event is for.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Path;

use crate::{
    handler::events::{Arm, Events},
    process::{
        expand::{Names, by_key, key},
        inputs::Received,
    },
    saga::on::{Otherwise, Reception},
};

pub(super) fn receive(root: &Path, names: &Names, enums: &[Events<'_, Received<'_, Reception>>]) -> TokenStream {
    let (name, output) = (format_ident!("receive"), quote!(#root::Reception));
    by_key(root, names, &name, &output, enums, |arm| reception(root, names, arm))
}

fn reception(root: &Path, names: &Names, arm: &Arm<'_, Received<'_, Reception>>) -> TokenStream {
    let Reception { starts, continues, key: given, otherwise } = arm.given.said;
    let begun = match (starts, continues) {
        (true, false) => quote!(starts),
        (true, true) => quote!(starts_or_continues),
        (false, _) => quote!(continues),
    };
    let otherwise = otherwise.map(|otherwise| match otherwise {
        Otherwise::Ignore => quote!(.otherwise(#root::Otherwise::Ignore)),
        Otherwise::SetAside => quote!(.otherwise(#root::Otherwise::SetAside)),
    });
    let Some(given) = given else {
        let context = &names.context;
        return quote! {
            ::core::result::Result::Ok(::core::option::Option::Some(
                #root::Reception::#begun(#context.key()) #otherwise
            ))
        };
    };
    let (context, key) = key(names, given, arm);
    quote!({
        #context
        ::core::result::Result::Ok(#key.map(|key| #root::Reception::#begun(key) #otherwise))
    })
}

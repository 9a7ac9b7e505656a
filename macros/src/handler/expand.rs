//! The code that all of them write.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Path, ReturnType, Signature, ext::IdentExt, spanned::Spanned};

use super::{
    events::{Arm, Events},
    pattern::name,
};

/// The call that adds the kinds of `events` that are handled to a `Subscription`.
pub(crate) fn subscribed<T>(events: &Events<'_, T>) -> TokenStream {
    let path = events.path;
    let variants = events.arms.iter().map(|arm| {
        let (conditions, variant) = (&arm.method.conditions, arm.pattern.variant.unraw().to_string());
        quote!(#(#conditions)* #variant)
    });
    quote_spanned!(place(path)=> .variants::<#path>(&[#(#variants),*]))
}

/// The check that every variant is handled or ignored.
///
/// A variant whose handler is not there under all conditions counts all the same: its author has thought of it.
pub(crate) fn covered<T>(root: &Path, enums: &[Events<'_, T>]) -> Option<TokenStream> {
    let checks: Vec<_> = enums.iter().filter(|events| !events.ignores_rest).map(check).collect();
    (!checks.is_empty()).then(|| {
        quote! {
            const _: () = {
                use #root::derived::covered;
                #(#checks)*
            };
        }
    })
}

fn check<T>(events: &Events<'_, T>) -> TokenStream {
    let (path, written) = (events.path, name(events.path));
    let handled = events.arms.iter().map(|arm| &arm.pattern.variant);
    let seen = handled.chain(events.ignored.iter().map(|(variant, _)| *variant));
    let seen: Vec<_> = seen.map(|variant| variant.unraw().to_string()).collect();
    let count = Literal::usize_unsuffixed(seen.len());
    quote_spanned!(place(path)=> covered::<#path, #count>(#written, [#(#seen),*]);)
}

/// What becomes of `event` where it is one of this enum: what `arm` says of it, or `rest`.
pub(crate) fn matched<T>(
    event: &Ident,
    events: &Events<'_, T>,
    rest: &TokenStream,
    arm: impl Fn(&Arm<'_, T>) -> TokenStream,
) -> TokenStream {
    let path = events.path;
    let arms = events.arms.iter().map(|handled| {
        let (conditions, written, code) = (&handled.method.conditions, &handled.pattern.written, arm(handled));
        quote!(#(#conditions)* #written => #code,)
    });
    let ignored = events.ignored.iter().map(|(_, path)| quote!(#path { .. } => #rest,));
    let get = quote_spanned!(place(path)=> get::<#path>());
    quote! {
        if let ::core::option::Option::Some(#event) = #event.#get {
            return match #event {
                #(#arms)*
                #(#ignored)*
                _ => #rest,
            };
        }
    }
}

/// What comes of calling a method, or a function without `self`.
pub(crate) fn outcome<'a>(signature: &Signature, arguments: impl Iterator<Item = &'a Ident>) -> TokenStream {
    let method = &signature.ident;
    let wait = signature.asyncness.map(|_| quote!(.await));
    let place = match &signature.output {
        ReturnType::Default => Span::call_site(),
        ReturnType::Type(_, ty) => place(ty),
    };
    let whose = match signature.receiver() {
        Some(_) => quote_spanned!(place=> self.),
        None => quote_spanned!(place=> Self::),
    };
    let call = quote_spanned!(place=> #whose #method(#(#arguments),*) #wait);
    match &signature.output {
        ReturnType::Default => quote!({
            #call;
            ::core::result::Result::Ok(())
        }),
        ReturnType::Type(..) => quote_spanned! { place=>
            ::core::result::Result::<(), _>::map_err(#call, ::core::convert::Into::into)
        },
    }
}

/// Where an error about `written` belongs, in code that is not the user's.
pub(crate) fn place(written: &(impl ToTokens + ?Sized)) -> Span {
    Span::call_site().located_at(written.span())
}

//! What is sent.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Generics, ItemImpl, Path, parse_quote};

use crate::{handler::expand::place, process::sends::Sent};

/// The function `commands`.
pub(crate) fn commands(root: &Path, sends: &[&Sent]) -> TokenStream {
    let commands = sends.iter().map(|sent| {
        let Sent { aggregate, command, is_prepared } = sent;
        if sent.is_joint() {
            return quote_spanned!(place(command)=> .joint::<#command>());
        }
        let method = Ident::new(if *is_prepared { "prepared" } else { "with" }, place(command));
        quote_spanned!(place(command)=> .#method::<#aggregate, #command>())
    });
    quote! {
        fn commands() -> #root::Commands {
            #root::Commands::new() #(#commands)*
        }
    }
}

/// That the commands may be sent, and two more that there are none of: so that rustc, whatever is sent to whomever, never takes
/// it for the only command that may be.
pub(crate) fn sends(root: &Path, block: &ItemImpl, sends: &[&Sent]) -> TokenStream {
    let ty = &block.self_ty;
    let (parameters, _, bounds) = block.generics.split_for_impl();
    let with_any = and_types(&block.generics, ["__Aggregate"]);
    let (with_any, ..) = with_any.split_for_impl();
    let derived: Path = parse_quote!(#root::derived);
    let sends = sends.iter().map(|sent| {
        let Sent { aggregate, command, .. } = sent;
        let aggregate = if sent.is_joint() { quote!(#root::derived::Joint) } else { quote!(#aggregate) };
        quote! {
            #[automatically_derived]
            impl #parameters #derived::SendsTo<#aggregate, #command> for #ty #bounds {}
        }
    });
    quote! {
        #(#sends)*

        #[automatically_derived]
        impl #with_any #derived::SendsTo<__Aggregate, #derived::NoCommand> for #ty #bounds {}

        #[automatically_derived]
        impl #with_any #derived::SendsTo<__Aggregate, [#derived::NoCommand; 0]> for #ty #bounds {}
    }
}

/// That everything may be sent to everyone: beside messages, so that nothing is said of what methods send.
pub(crate) fn everything_to_everyone(root: &Path, block: &ItemImpl) -> TokenStream {
    let ty = &block.self_ty;
    let (_, _, bounds) = block.generics.split_for_impl();
    let sending = and_types(&block.generics, ["__Aggregate", "__Command"]);
    let (sending, ..) = sending.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #sending #root::derived::SendsTo<__Aggregate, __Command> for #ty #bounds {}
    }
}

/// The parameters of an implementation, and type parameters of its own beside them.
fn and_types<const N: usize>(generics: &Generics, own: [&str; N]) -> Generics {
    let mut generics = generics.clone();
    generics.params.extend(own.map(|name| {
        let name = format_ident!("{name}");
        let parameter: syn::GenericParam = parse_quote!(#name);
        parameter
    }));
    generics
}

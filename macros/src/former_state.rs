//! `derive(FormerState)`: small enough for one file.

#[cfg(test)]
mod tests;

use darling::{Error, FromAttributes, Result};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Ident, Path};

use crate::{aggregate::shape, attr, root, stub, value::TypePath};

/// The grammar of `#[former_state(..)]`.
#[derive(Default, FromAttributes)]
#[darling(attributes(former_state), default)]
struct FormerStateAttr {
    #[darling(rename = "crate")]
    root: Option<TypePath>,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let mut errors = Error::accumulator();
    if let Data::Union(_) = input.data {
        let message = "an aggregate's state is a struct or an enum";
        errors.push(Error::custom(message).with_span(&input.ident));
    }
    errors.handle(attr::refuse_generics(input));
    errors.handle(attr::refuse_inside(input, "former_state", "the state itself"));
    let attr = errors.handle(FormerStateAttr::from_attributes(&input.attrs)).unwrap_or_default();
    let root = errors.handle(root::CORE.find(attr.root.as_ref()));
    errors.finish()?;
    let root = root.ok_or_else(|| Error::custom("annals is not found"))?;
    Ok(code(&root, &input.ident, &shape::text(&input.data)))
}

/// Generic parameters and unions get no stub: the bounds of `FormerState` could not be proven for it.
pub(crate) fn fallback(input: &DeriveInput, _: &Error) -> TokenStream {
    let is_provable = input.generics.params.is_empty() && !matches!(input.data, Data::Union(_));
    match stub::root(&root::CORE, &input.attrs, "former_state").filter(|_| is_provable) {
        Some(root) => code(&root, &input.ident, ""),
        None => TokenStream::new(),
    }
}

fn code(root: &Path, ident: &Ident, shape: &str) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl #root::FormerState for #ident {
            const SHAPE: &'static str = #shape;
        }
    }
}

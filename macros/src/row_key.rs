//! `derive(RowKey)`: small enough for one file.

#[cfg(test)]
mod tests;

use darling::{Error, FromAttributes, Result};
use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Data, DataEnum, DeriveInput, Fields, Path, parse_quote, spanned::Spanned};

use crate::{attr, root, stub, value::TypePath};

/// How many variants one byte tells apart.
const BYTE_VARIANTS_MAX: usize = 256;

/// The grammar of `#[row_key(..)]`.
#[derive(Default, FromAttributes)]
#[darling(attributes(row_key), default)]
struct RowKeyAttr {
    #[darling(rename = "crate")]
    root: Option<TypePath>,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let mut errors = Error::accumulator();
    errors.handle(attr::refuse_inside(input, "row_key", "the key itself"));
    let attr = errors.handle(RowKeyAttr::from_attributes(&input.attrs)).unwrap_or_default();
    let root = errors.handle(root::PROJECTIONS.find(attr.root.as_ref()));
    let body = root.as_ref().and_then(|root| errors.handle(body(root, input)));
    errors.finish()?;
    match (root, body) {
        (Some(root), Some(body)) => Ok(code(&root, input, &body)),
        _ => Err(Error::custom("annals is not found")),
    }
}

pub(crate) fn fallback(input: &DeriveInput, _: &Error) -> TokenStream {
    match stub::root(&root::PROJECTIONS, &input.attrs, "row_key") {
        Some(root) => code(&root, input, &quote!(::core::unimplemented!())),
        None => TokenStream::new(),
    }
}

/// What `write` does.
fn body(root: &Path, input: &DeriveInput) -> Result<TokenStream> {
    match &input.data {
        Data::Struct(data) => Ok(of_fields(root, &data.fields)),
        Data::Enum(data) => of_variants(data),
        Data::Union(_) => {
            let message = "a key is a struct or an enum without fields: nobody knows what a union holds";
            Err(Error::custom(message).with_span(&input.ident))
        }
    }
}

fn of_fields(root: &Path, fields: &Fields) -> TokenStream {
    let import = (!fields.is_empty()).then(|| quote!(use #root::RowKey;));
    let writes = fields.iter().zip(fields.members()).map(|(field, member)| {
        let place = Span::call_site().located_at(field.ty.span());
        quote_spanned!(place=> RowKey::write(&self.#member, key);)
    });
    quote!(#import #(#writes)*)
}

/// The number of the variant, in one byte or in two.
fn of_variants(data: &DataEnum) -> Result<TokenStream> {
    let mut errors = Error::accumulator();
    for variant in data.variants.iter().filter(|variant| !variant.fields.is_empty()) {
        let message = "a key is a struct or an enum without fields: this variant has some";
        errors.push(Error::custom(message).with_span(&variant.fields));
    }
    errors.finish()?;
    if data.variants.is_empty() {
        return Ok(quote!(match *self {}));
    }
    let is_byte = data.variants.len() <= BYTE_VARIANTS_MAX;
    let arms = data.variants.iter().enumerate().map(|(number, variant)| {
        let ident = &variant.ident;
        let high = (!is_byte).then(|| Literal::usize_unsuffixed(number / BYTE_VARIANTS_MAX));
        let low = Literal::usize_unsuffixed(number % BYTE_VARIANTS_MAX);
        let bytes = high.into_iter().chain([low]);
        quote!(Self::#ident => [#(#bytes),*])
    });
    Ok(quote!(key.push_raw(&match self { #(#arms),* });))
}

fn code(root: &Path, input: &DeriveInput, body: &TokenStream) -> TokenStream {
    let ident = &input.ident;
    let mut generics = input.generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#root::RowKey));
    }
    let (parameters, arguments, bounds) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        #[allow(unused_variables, reason = "a key may be of nothing")]
        impl #parameters #root::RowKey for #ident #arguments #bounds {
            fn write(&self, key: &mut #root::KeyBytes) {
                #body
            }
        }
    }
}

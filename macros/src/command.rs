//! `derive(Command)`: small enough for one file.

#[cfg(test)]
mod tests;

use darling::{Error, FromAttributes, Result};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Generics, Ident, Path};

use crate::{
    attr,
    name::{STORED, snake_case},
    past::{From, Past, PastForm},
    root, shape, stub,
    value::{Text, TypePath, Version},
};

/// The grammar of `#[command(..)]`.
#[derive(Default, FromAttributes)]
#[darling(attributes(command), default)]
struct CommandAttr {
    name: Option<Text>,
    version: Option<Version>,
    from: Option<From>,
    #[darling(rename = "crate")]
    root: Option<TypePath>,
}

/// A command in order.
#[derive(Default)]
struct Valid {
    name: String,
    past: Vec<PastForm>,
    shape: Option<TokenStream>,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let mut errors = Error::accumulator();
    errors.handle(attr::refuse_generics(input));
    errors.handle(attr::refuse_inside(input, "command", "the command itself"));
    let attr = errors.handle(CommandAttr::from_attributes(&input.attrs)).unwrap_or_default();
    let version = attr.version.unwrap_or(Version::FIRST);
    let name = errors.handle(stored_name(input, &attr));
    let past = attr.from.as_ref().map_or(Ok(Vec::new()), |from| from.forms(version, "command"));
    let past = errors.handle(past).unwrap_or_default();
    let root = errors.handle(root::CORE.find(attr.root.as_ref()));
    errors.finish()?;
    match (root, name) {
        (Some(root), Some(name)) => {
            let shape = Some(shape::of_type(&root, input)?);
            Ok(code(&root, &input.ident, version, &Valid { name, past, shape }))
        }
        _ => Err(Error::custom("the command lacks a name")),
    }
}

fn stored_name(input: &DeriveInput, attr: &CommandAttr) -> Result<String> {
    if let Some(name) = &attr.name {
        STORED.check_text(name)?;
        return Ok(name.text.clone());
    }
    let name = snake_case(&input.ident);
    STORED.check(&name).map_err(|error| error.with_span(&input.ident))?;
    Ok(name)
}

/// Generic parameters get no stub: only the user's own derives could prove the bounds of `Command` for it.
pub(crate) fn fallback(input: &DeriveInput, _: &Error) -> TokenStream {
    let Some(root) = stub::root(&root::CORE, &input.attrs, "command").filter(|_| input.generics.params.is_empty())
    else {
        return TokenStream::new();
    };
    code(&root, &input.ident, Version::FIRST, &Valid::default())
}

fn code(root: &Path, ident: &Ident, version: Version, Valid { name, past, shape }: &Valid) -> TokenStream {
    let past = Past::constant(root, "PastCommand", past, ident, &Generics::default());
    let schema = shape.as_ref().map(|shape| shape::schema_method(root, shape));
    quote! {
        #[automatically_derived]
        impl #root::Command for #ident {
            const NAME: &'static str = #name;
            const VERSION: u32 = #version;
            #past
            #schema
        }
    }
}

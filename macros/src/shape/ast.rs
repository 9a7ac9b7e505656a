//! A type taken apart.

use darling::{Error, FromAttributes, Result};
use syn::{Data, DeriveInput, Ident, Path, ext::IdentExt};

use super::attr::ShapeAttr;
use crate::{attr, name::TYPE, root};

/// The type.
pub(super) struct ShapedType<'a> {
    pub(super) root: Path,
    pub(super) ident: &'a Ident,
    /// What its shape is called.
    pub(super) name: String,
    pub(super) input: &'a DeriveInput,
}

pub(super) fn parse(input: &DeriveInput) -> Result<ShapedType<'_>> {
    let mut errors = Error::accumulator();
    if let Data::Union(_) = input.data {
        let message = "serde stores structs and enums: a union has no shape";
        errors.push(Error::custom(message).with_span(&input.ident));
    }
    errors.handle(attr::refuse_generics(input));
    errors.handle(attr::refuse_inside(input, "shape", "the type itself"));
    let attr = errors.handle(ShapeAttr::from_attributes(&input.attrs)).unwrap_or_default();
    if let Some(name) = &attr.name {
        errors.handle(TYPE.check_text(name));
    }
    let root = errors.handle(root::CORE.find(attr.root.as_ref()));
    errors.finish()?;
    let root = root.ok_or_else(|| Error::custom("annals is not found"))?;
    let name = attr.name.map_or_else(|| input.ident.unraw().to_string(), |name| name.text);
    Ok(ShapedType { root, ident: &input.ident, name, input })
}

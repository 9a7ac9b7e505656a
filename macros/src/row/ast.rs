//! A row taken apart.

use darling::{Error, FromAttributes, Result};
use syn::{Data, DeriveInput, Field, Member, Path};

use super::attr::{FieldAttr, RowAttr};
use crate::{attr, root};

/// The struct.
pub(super) struct RowStruct<'a> {
    pub(super) root: Path,
    pub(super) input: &'a DeriveInput,
    pub(super) attr: RowAttr,
    pub(super) fields: Vec<RowField<'a>>,
}

/// One field.
pub(super) struct RowField<'a> {
    pub(super) member: Member,
    pub(super) field: &'a Field,
    pub(super) attr: FieldAttr,
}

pub(super) fn parse(input: &DeriveInput) -> Result<RowStruct<'_>> {
    let Data::Struct(data) = &input.data else {
        let message = "a row is a struct: what differs from row to row is the type of a field";
        return Err(Error::custom(message).with_span(&input.ident));
    };
    let mut errors = Error::accumulator();
    errors.handle(attr::refuse_generics(input));
    let attr = errors.handle(RowAttr::from_attributes(&input.attrs)).unwrap_or_default();
    let root = errors.handle(root::PROJECTIONS.find(attr.root.as_ref()));
    let mut fields = Vec::new();
    for (field, member) in data.fields.iter().zip(data.fields.members()) {
        if let Some(attr) = errors.handle(FieldAttr::from_attributes(&field.attrs)) {
            fields.push(RowField { member, field, attr });
        }
    }
    errors.finish()?;
    let root = root.ok_or_else(|| Error::custom("annals is not found"))?;
    Ok(RowStruct { root, input, attr, fields })
}

//! An event enum taken apart.

use darling::{Error, FromAttributes, Result};
use syn::{Attribute, Data, DeriveInput, Field, Fields, Ident, Member, Path};

use super::attr::{EnumAttr, TagAttr, VariantAttr};
use crate::{attr, root};

const TAG_PLACE: &str = "a field of a variant";
const EVENT_PLACE: &str = "the enum or a variant";

/// The enum.
pub(super) struct EventEnum<'a> {
    pub(super) root: Path,
    pub(super) ident: &'a Ident,
    pub(super) attrs: &'a [Attribute],
    pub(super) attr: EnumAttr,
    pub(super) variants: Vec<EventVariant<'a>>,
}

/// One kind of event.
pub(super) struct EventVariant<'a> {
    pub(super) syntax: &'a syn::Variant,
    pub(super) attr: VariantAttr,
    pub(super) tags: Vec<TagField<'a>>,
}

/// A field that the event is tagged with.
pub(super) struct TagField<'a> {
    pub(super) member: Member,
    pub(super) field: &'a Field,
    pub(super) attr: TagAttr,
}

pub(super) fn parse(input: &DeriveInput) -> Result<EventEnum<'_>> {
    let Data::Enum(data) = &input.data else {
        let message = "events are the variants of an enum: put each kind of event into a variant";
        return Err(Error::custom(message).with_span(&input.ident));
    };
    let mut errors = Error::accumulator();
    errors.handle(attr::refuse_generics(input));
    errors.handle(attr::refuse(&input.attrs, "tag", TAG_PLACE));
    let attr = errors.handle(EnumAttr::from_attributes(&input.attrs)).unwrap_or_default();
    let root = errors.handle(root::CORE.find(attr.root.as_ref()));
    let variants: Vec<_> = data.variants.iter().filter_map(|syntax| errors.handle(variant(syntax))).collect();
    errors.finish()?;
    let root = root.ok_or_else(|| Error::custom("annals is not found"))?;
    Ok(EventEnum { root, ident: &input.ident, attrs: &input.attrs, attr, variants })
}

fn variant(syntax: &syn::Variant) -> Result<EventVariant<'_>> {
    let mut errors = Error::accumulator();
    errors.handle(attr::refuse(&syntax.attrs, "tag", TAG_PLACE));
    let attr = errors.handle(VariantAttr::from_attributes(&syntax.attrs)).unwrap_or_default();
    if let Fields::Unnamed(fields) = &syntax.fields
        && fields.unnamed.len() != 1
    {
        let message = "a variant has named fields, one unnamed field or none: fields are stored by name";
        errors.push(Error::custom(message).with_span(&syntax.fields));
    }
    let mut tags = Vec::new();
    for (field, member) in syntax.fields.iter().zip(syntax.fields.members()) {
        errors.handle(attr::refuse(&field.attrs, "event", EVENT_PLACE));
        if let Some(Some(attr)) = errors.handle(tag(field)) {
            tags.push(TagField { member, field, attr });
        }
    }
    errors.finish_with(EventVariant { syntax, attr, tags })
}

fn tag(field: &Field) -> Result<Option<TagAttr>> {
    let mut found = field.attrs.iter().filter(|attr| attr.path().is_ident("tag"));
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(_), None) => TagAttr::from_attributes(&field.attrs).map(Some),
        (Some(_), Some(second)) => {
            Err(Error::custom("a field is tagged once: remove this `#[tag]`").with_span(second.path()))
        }
    }
}

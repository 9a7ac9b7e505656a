//! The grammar of `#[event(..)]` and `#[tag]`.

use darling::FromAttributes;

use crate::value::{Text, TypePath, Version};

/// `#[event(..)]` on the enum.
#[derive(Default, FromAttributes)]
#[darling(attributes(event), default)]
pub(super) struct EnumAttr {
    pub(super) prefix: Option<Text>,
    #[darling(rename = "crate")]
    pub(super) root: Option<TypePath>,
}

/// `#[event(..)]` on a variant.
#[derive(Default, FromAttributes)]
#[darling(attributes(event), default)]
pub(super) struct VariantAttr {
    pub(super) name: Option<Text>,
    pub(super) version: Option<Version>,
}

/// `#[tag]` or `#[tag(..)]` on a field.
#[derive(Default, FromAttributes)]
#[darling(attributes(tag), default)]
pub(super) struct TagAttr {
    pub(super) name: Option<Text>,
}

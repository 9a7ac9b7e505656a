//! The grammar of `#[event(..)]` and `#[tag]`.

use darling::{FromAttributes, util::SpannedValue};
use syn::Path;

/// `#[event(..)]` on the enum.
#[derive(Default, FromAttributes)]
#[darling(attributes(event), default)]
pub(super) struct EnumAttr {
    pub(super) prefix: Option<SpannedValue<String>>,
    #[darling(rename = "crate")]
    pub(super) root: Option<Path>,
}

/// `#[event(..)]` on a variant.
#[derive(Default, FromAttributes)]
#[darling(attributes(event), default)]
pub(super) struct VariantAttr {
    pub(super) name: Option<SpannedValue<String>>,
    pub(super) version: Option<SpannedValue<u32>>,
}

/// `#[tag]` or `#[tag(..)]` on a field.
#[derive(Default, FromAttributes)]
#[darling(attributes(tag), default)]
pub(super) struct TagAttr {
    pub(super) name: Option<SpannedValue<String>>,
}

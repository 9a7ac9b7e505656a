//! The grammar of `#[shape(..)]`.

use darling::FromAttributes;

use crate::value::{Text, TypePath};

/// `#[shape(..)]` on the type.
#[derive(Default, FromAttributes)]
#[darling(attributes(shape), default)]
pub(super) struct ShapeAttr {
    pub(super) name: Option<Text>,
    #[darling(rename = "crate")]
    pub(super) root: Option<TypePath>,
}
